"""The manual page is what the program says, and what `man` and `mandoc` read without a complaint."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from fnmatch import fnmatch

import pytest

from docs.man_page import FILES, man_page, roff
from sophia_secrets.cli.commands import ALIASES, COMMANDS
from sophia_secrets.settings.table import ROWS, SPECIAL_VARIABLES
from tests.docs.pages import DOCS
from tests.program import Program

PAGE = DOCS / "man" / "sophia-secrets.1"


def _output(*command: str, **variables: str) -> tuple[str, str]:
    done = subprocess.run(
        command,
        env={**os.environ, "LC_ALL": "C.UTF-8", **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout, done.stderr


@pytest.fixture(scope="module")
def shown() -> str:
    """The page as `man` shows it on a wide terminal, with blanks made the same."""
    if shutil.which("man") is None:
        pytest.skip("man is not installed")
    out, complaints = _output("man", "--warnings", "-l", str(PAGE), MANWIDTH="200", MAN_KEEP_FORMATTING="")
    assert complaints == ""
    return " ".join(re.sub(".\b", "", out).split())


def test_the_page_is_what_the_program_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == man_page(), "docs/man/sophia-secrets.1 is old: run `make docs`"


def test_man_shows_every_command_variable_and_file_without_a_warning(shown: str) -> None:
    for name in (*COMMANDS, *ALIASES, *SPECIAL_VARIABLES, *(each for row in ROWS for each in row.variables)):
        assert name in shown
    for path, _ in FILES:
        assert path in shown
    assert "130 interrupted" in shown
    assert "sophia-secrets audit verify" in shown


def test_man_shows_quotes_dashes_and_braces_as_they_are_typed(shown: str) -> None:
    assert "$ sophia-secrets run -- ./deploy.sh" in shown
    assert "secret's value" in shown
    assert "~/.config/sophia-secrets/config.toml" in shown


@pytest.mark.skipif(not shutil.which("mandoc"), reason="mandoc is not installed")
def test_mandoc_finds_nothing_wrong() -> None:
    out, complaints = _output("mandoc", "-T", "lint", "-W", "warning", str(PAGE))
    told = [line for line in (out + complaints).splitlines() if "missing date" not in line]
    assert told == []


def test_no_text_can_act_in_the_page() -> None:
    assert roff(".so /etc/passwd") == "\\&.so /etc/passwd"
    assert roff("'br") == "\\(aqbr"
    assert roff("a\\fBb\n.br") == "a\\efBb .br"
    assert roff("`--all` é …") == "\\fB\\-\\-all\\fP \\[u00E9] \\[u2026]"
    assert PAGE.read_text(encoding="utf-8").isascii()


def test_every_file_that_the_program_keeps_is_in_the_page(sophia: Program) -> None:
    directory = sophia.home / ".config" / "sophia-secrets"
    directory.mkdir(parents=True, mode=0o700)
    (directory / "config.toml").write_text("[secrets.API_KEY]\nrequired = true\n")
    nowhere = {"SOPHIA_SECRETS_HOME": ""}
    assert sophia("set", "API_KEY", "--backend", "local", stdin="a value", **nowhere).code == 0
    assert sophia("get", "API_KEY", **nowhere).code == 0
    known = [path.replace("~", str(sophia.home)) for path, _ in FILES]
    kept = [path for path in sophia.home.rglob("*") if path.is_file()]
    assert len(kept) > 4
    for path in kept:
        assert any(
            fnmatch(str(path), each) or (each.endswith("/") and str(path).startswith(each)) for each in known
        ), path
