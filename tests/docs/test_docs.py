"""The documentation says what the program does: every command shown is run, every link leads somewhere."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import typer.main

from docs import reference_pages
from sophia_secrets.cli.app import app
from sophia_secrets.cli.commands import ALIASES, COMMANDS
from tests.docs.pages import (
    DOCS,
    PAGES,
    ROOT,
    STAND_INS,
    Typed,
    agrees,
    anchors,
    fences,
    links,
    program_lines,
    session,
)
from tests.program import PROGRAM, Program
from tests.world import world

RUN = [page for page in PAGES if "```console" in page.read_text(encoding="utf-8")]


def _name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@contextmanager
def place_for(text: str, root: Path) -> Iterator[Program]:
    """The program where a page begins: an empty home, with the vendors' stand-ins where it says so."""
    program = Program(root)
    if STAND_INS in text:
        with world(program, root):
            yield program
    else:
        yield program


def _bash(program: Program, command: str) -> tuple[int, str]:
    environment = program.full_environment()
    del environment["SOPHIA_SECRETS_HOME"]
    environment["PATH"] = f"{PROGRAM.parent}:{environment['PATH']}"
    environment["COLUMNS"] = "100"
    done = subprocess.run(
        ["bash", "-c", f"exec 2>&1\n{command}"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        env=environment,
        cwd=program.cwd,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout.decode("utf-8", "replace")


def _is_told(typed: Typed, following: Typed | None) -> bool:
    """Whether the page says that a command fails: by its error, or by asking for the exit code."""
    return bool(re.search(r"^error: |^  fail ", typed.printed, re.MULTILINE)) or (
        following is not None and following.command == "echo $?"
    )


@pytest.mark.parametrize("page", RUN, ids=_name)
def test_every_command_shown_prints_what_is_shown(page: Path, tmp_path: Path) -> None:
    text = page.read_text(encoding="utf-8")
    with place_for(text, tmp_path) as program:
        code = 0
        for fence in fences(text):
            if fence.title:
                (program.cwd / fence.title).parent.mkdir(parents=True, exist_ok=True)
                (program.cwd / fence.title).write_text(fence.body)
            if fence.language != "console":
                continue
            steps = session(fence.body)
            for typed, following in zip(steps, [*steps[1:], None], strict=True):
                if typed.command == "echo $?":
                    assert typed.printed.strip() == str(code), typed
                    continue
                if given := re.fullmatch(r"export (\w+)='?([^']*)'?", typed.command):
                    program.environment[given[1]] = given[2]
                    continue
                code, printed = _bash(program, typed.command)
                assert agrees(typed.printed, printed), (
                    f"\n$ {typed.command}\n--- shown\n{typed.printed}--- printed\n{printed}"
                )
                assert code == 0 or _is_told(typed, following), f"$ {typed.command} ended with {code}"


def test_a_difference_between_page_and_program_would_be_seen() -> None:
    assert agrees("A  B\nx ... z\n", "A B\nx  12  z\n")
    assert agrees("A\n...\n", "A\nB\nC\n")
    assert not agrees("A\n", "A\nB\n")
    assert not agrees("A ... C\n", "A\nC\n")
    assert agrees("set 2026-01-02 03:04:05 UTC (0 s ago)\n", "set 2027-11-12 13:14:15 UTC (3 min ago)\n")
    assert not agrees("set 2026-01-02\n", "set never\n")


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_link_between_pages_leads_somewhere(page: Path) -> None:
    for target in links(page.read_text(encoding="utf-8")):
        path, _, anchor = target.partition("#")
        goal = (page.parent / path).resolve() if path else page
        assert goal.exists(), f"{_name(page)} leads to {target}"
        if anchor and goal.suffix == ".md":
            assert anchor in anchors(goal.read_text(encoding="utf-8")), f"{_name(page)} leads to {target}"


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_command_and_option_named_exists(page: Path) -> None:
    for words in program_lines(page.read_text(encoding="utf-8")):
        _check(words, _name(page))


_GLOBAL = {"--json", "--help", "--version", "-h", "-v"}


def _check(words: list[str], page: str) -> None:
    root: Any = typer.main.get_command(app)
    known = _GLOBAL | {option for each in root.params for option in (*each.opts, *each.secondary_opts)}
    with_value = {"--profile", "--config", "--timeout", "--max-stale", "--reason"}
    left = list(words)
    while left and left[0].startswith("-"):
        assert left[0] in known, f"{page}: sophia-secrets {' '.join(words)}"
        left = left[2:] if left[0] in with_value else left[1:]
    if not left or left[0] in ("COMMAND", "...") or not left[0].islower():
        return
    name = ALIASES.get(left[0], left[0])
    assert name in COMMANDS, f"{page}: there is no command `{left[0]}` (sophia-secrets {' '.join(words)})"
    command = root.get_command(root.make_context("x", ["help"], resilient_parsing=True), name)
    if hasattr(command, "commands"):
        if len(left) == 1:
            return
        assert left[1] in command.commands, f"{page}: sophia-secrets {' '.join(words)}"
        command = command.commands[left[1]]
    known |= {option for each in command.params for option in (*each.opts, *each.secondary_opts)}
    for word in left[1:]:
        if word == "--":
            return
        if word.startswith("-") and word.strip("-."):
            assert word.partition("=")[0] in known, f"{page}: sophia-secrets {' '.join(words)}"


@pytest.fixture(scope="module")
def reference() -> dict[str, str]:
    return reference_pages.pages()


def test_the_reference_is_what_the_program_says(reference: dict[str, str]) -> None:
    directory = DOCS / "reference"
    written = {path.name: path.read_text(encoding="utf-8") for path in directory.glob("*.md")}
    del written["errors.md"]  # tests/docs/test_errors.py
    assert written.keys() == reference.keys()
    for name, text in reference.items():
        assert written[name] == text, f"docs/reference/{name} is old: run `make docs`"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_in_the_reference(command: str, reference: dict[str, str]) -> None:
    assert f"\n## {command}\n" in reference["commands.md"]


def test_every_kind_of_error_is_in_the_reference(reference: dict[str, str]) -> None:
    for cls in reference_pages.error_classes():
        assert f"| `{cls.kind}` | {cls.exit_code} |" in reference["exit-codes.md"]


def test_the_readme_names_its_two_commands() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "make demo" in text
    assert "make test" in text


def test_every_page_is_in_the_sites_table_of_contents() -> None:
    nav = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for page in DOCS.rglob("*.md"):
        assert f" {page.relative_to(DOCS)}\n" in nav, page
