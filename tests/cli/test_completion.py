"""Completion in the real shells, at a real terminal: what the Tab key makes of a line."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.program import Program
from tests.terminal import Terminal
from tests.world import World

PLAIN = {
    "bash": ("--norc", "--noprofile", "-i"),
    "zsh": ("-f", "-i"),
    "fish": ("--no-config", "-i"),
}
PREPARE = {
    "bash": "PS1='ready> '; bind 'set enable-bracketed-paste off'; cd ~/files; eval \"$(sophia-secrets completion bash)\"; clear; echo be''gun\n",
    "zsh": "PROMPT='ready> '; unsetopt promptsp; cd ~/files; eval \"$(sophia-secrets completion zsh)\"; clear; echo be''gun\n",
    "fish": "function fish_prompt; echo 'ready> '; end; set -g fish_autosuggestion_enabled 0; cd ~/files; sophia-secrets completion fish | source; clear; echo be''gun\n",
}
LINES = (
    ("expl", "explain "),
    ("get AP", "get API_KEY "),
    ("get --expl", "get --explain "),
    ("get --backend loc", "get --backend local "),
    ("--reason get copy --fro", "--reason get copy --from "),
    ("--profile get unset AP", "--profile get unset API_KEY "),
    ("cache sta", "cache status "),
    ("audit log --outc", "audit log --outcome "),
    ("completion fi", "completion fish "),
    ("import val", "import values.env "),
    ("set NEW_KEY --from-file val", "set NEW_KEY --from-file values.env "),
)


@contextmanager
def shell(name: str, program: Program) -> Iterator[Terminal]:
    """That shell with the completion loaded, in a directory that holds one file."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    (program.home / "files").mkdir()
    (program.home / "files" / "values.env").write_text("A_KEY=a\n")
    with Terminal(program, *PLAIN[name], columns=100, executable=found) as terminal:
        terminal.type(PREPARE[name])
        terminal.wait_until_shown("begun", seconds=40)
        yield terminal


@pytest.mark.parametrize("name", PLAIN)
def test_the_tab_key_completes_commands_options_names_and_files(name: str, sophia: Program) -> None:
    sophia.store("API_KEY", "v")
    with shell(name, sophia) as terminal:
        for typed, completed in LINES:
            terminal.type(f"sophia-secrets {typed}\t")
            terminal.wait_until_shown(f"sophia-secrets {completed}".rstrip(), seconds=10)
            terminal.type("\x15")
    assert [event for event in sophia.events() if event.get("command") == "completion"] == []


@pytest.mark.parametrize("name", PLAIN)
def test_the_tab_key_shows_what_there_is_to_choose_from(name: str, sophia: Program) -> None:
    with shell(name, sophia) as terminal:
        terminal.type("sophia-secrets audit \t\t")
        for child in ("log", "report", "verify", "export"):
            terminal.wait_until_shown(child)


@pytest.mark.parametrize("name", PLAIN)
def test_I5_no_name_of_a_vendor_is_run_by_the_tab_key(name: str, sophia: Program, vendors: World) -> None:
    vendors.define({"API_$(touch ran)": "v", "API_`touch ran`": "v", "API_KEY": "v"})
    assert sophia("list").code == 0
    before = vendors.starts()
    with shell(name, sophia) as terminal:
        terminal.type("sophia-secrets get API\t")
        terminal.wait_until_shown("sophia-secrets get API_KEY")
    assert not list(sophia.root.rglob("ran"))
    assert vendors.starts() == before
