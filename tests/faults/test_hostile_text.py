"""
Fifty hostile texts against every command that a person reads (I5, I6; goal 14).

They are names at a vendor, words of a vendor's error, targets, settings, files, and what is typed.
Nothing but printable characters and line ends may come out, and our own colours in a terminal.
"""

from __future__ import annotations

import re
import subprocess
import unicodedata
from collections.abc import Iterator
from typing import Any
from zlib import crc32

import pytest
import typer.main

from sophia_secrets.cli.app import app
from sophia_secrets.cli.commands import COMMANDS
from tests.faults.soak import SOAK
from tests.program import PROGRAM, Program
from tests.terminal import Terminal
from tests.world import World, world

HOSTILE = (
    "\x1b[2J", "\x1b[H", "\x1b[31mred", "\x1b[8mhidden", "\x1b[999C", "\x1b[1A\x1b[2K", "\x1b[?1049h", "\x1b[?25l",
    "\x1b[?1000h", "\x1b[6n", "\x1b[c", "\x1b[21t", "\x1bc", "\x1b7\x1b8", "\x1b(0", "\x1b#8", "\x1bM", "\x1b[3J",
    "\x1b]0;owned\x07", "\x1b]2;owned\x1b\\", "\x1b]52;c;Zm9v\x07", "\x1b]8;;https://evil.example\x07x\x1b]8;;\x07",
    "\x1b]1337;File=:AA==\x07", '\x1bP$q"p\x1b\\', "\x1b_Gx\x1b\\", "\x1b^x\x1b\\", "\x1bXx\x1b\\", "\x1b[", "\x1b",
    "\x9b31m", "\x9d0;owned\x9c", "\x90x\x9c", "\x85", "\x84", "a\rb", "a\nb", "a\tb", "a\x08\x08b", "a\x0bb\x0cc",
    "\x0e\x0f", "\x07", "\x7f", "\u202egnp.exe", "\u2066a\u2069", "a\u200bb\u200d", "\u2028\u2029", "\ufeffA",
    "\U000e0041\ufe0f", "a\u3164\u2800\u00ad", "[bold]x[/bold][/etc/x]",
)  # fmt: skip
assert len(set(HOSTILE)) == 50

H = "{hostile}"
ASKED: dict[str, tuple[str, ...]] = {
    "get": ("get", H),
    "list": ("list", "--backend", H),
    "explain": ("explain", H),
    "info": ("info", H),
    "set": ("set", H, "--backend", "local"),
    "delete": ("delete", H, "--backend", "pulumi", "--yes"),
    "copy": ("copy", H, "--from", "pulumi", "--to", "local", "--yes"),
    "move": ("move", H, "--from", "pulumi", "--to", "local", "--yes"),
    "sync": ("sync", "--from", "pulumi", "--to", H, "--yes"),
    "diff": ("diff", "pulumi", H),
    "rotate": ("rotate", H, "--yes"),
    "rotation status": ("rotation", "status", H),
    "run": ("run", "--only", H, "--", "true"),
    "export": ("export", H, "--format", "dotenv"),
    "render": ("render", H),
    "import": ("import", H, "--backend", "local", "--yes"),
    "scan": ("scan", H),
    "doctor": ("doctor", "--profile", H),
    "config show": ("config", "show", "--config", H),
    "config path": ("config", "path", "--config", H),
    "config init": ("config", "init", "--timeout", H),
    "config model": ("config", "model", "--output", H),
    "trust": ("trust", H),
    "backends": ("backends", "--max-stale", H),
    "cache status": ("cache", "status", H),
    "cache clear": ("cache", "clear", "--backend", H),
    "cache warm": ("cache", "warm", "--reason", H),
    "check": ("check", "--reason", H),
    "audit report": ("audit", "report", "--since", H),
    "audit log": ("audit", "log", "--name", H),
    "audit verify": ("audit", "verify", "--expect-head", H),
    "audit export": ("audit", "export", "--format", H),
    "completion": ("completion", H),
    "help": ("help", H),
}
PLAIN: dict[str, tuple[str, ...]] = {
    "list": ("list",),
    "explain": ("explain", "B_KEY"),
    "get": ("get", "B_KEX"),
    "info": ("info", "B_KEY"),
    "diff": ("diff", "pulumi", "local"),
    "copy": ("copy", "--all", "--from", "pulumi", "--to", "local", "--dry-run"),
    "sync": ("sync", "--from", "pulumi", "--to", "local", "--dry-run"),
    "run": ("run", "--", "true"),
    "export": ("export",),
    "scan": ("scan", "."),
    "doctor": ("doctor",),
    "config show": ("config", "show"),
    "backends": ("backends",),
    "cache status": ("cache", "status"),
    "check": ("check",),
    "rotation status": ("rotation", "status"),
    "audit report": ("audit", "report"),
    "audit log": ("audit", "log", "--last", "400"),
    "audit verify": ("audit", "verify"),
}
"""Commands that show what was hostile before they were given."""

# What a line that is drawn anew, and the cursor beside it, need; and our colours.
OURS = re.compile(r"\x1b\[[0-9;]*m|\x1b\[2K|\x1b\[\?25[lh]|\x1b\[1A|\r")


def some(*of: str) -> tuple[str, ...]:
    """All of them under soak, else one, another one for each test."""
    return HOSTILE if SOAK else (HOSTILE[crc32("".join(of).encode()) % len(HOSTILE)],)


def stray(shown: str) -> set[str]:
    """The characters that could act, or hide."""
    bad = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    return {sign for sign in shown if unicodedata.category(sign) in bad or sign in "\u3164\u2800\ufe0f"} - {
        "\n"
    }


def acting(said: str, hostile: str) -> set[str]:
    """What of it is not spelled out: characters that could act, or a line of its own."""
    return stray(said) | ({"\n"} if "\n" in hostile and hostile in said else set())


def toml(text: str) -> str:
    return '"' + "".join(f"\\U{ord(sign):08X}" for sign in text) + '"'


def test_every_command_is_here() -> None:
    root: Any = typer.main.get_command(app)
    context = root.make_context("sophia-secrets", ["help"], resilient_parsing=True)
    words = []
    for name in COMMANDS:
        group = root.get_command(context, name)
        words += [f"{name} {child}" for child in group.commands] if hasattr(group, "commands") else [name]
    assert set(words) == set(ASKED)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Program, World]]:
    """A program whose vendor, settings, files and log are full of them."""
    program = Program(tmp_path_factory.mktemp("hostile"))
    with world(program, program.root) as vendors:
        vendors.define({f"A{hostile}": "v" for hostile in HOSTILE} | {"B_KEY": "v", "C_KEY": "v"})
        program.user_settings(
            "".join(
                f'[secrets.KEY_{number:02}]\ndescription = {text}\nowner = {text}\nrotate_every = "1d"\n'
                for number, text in enumerate(map(toml, HOSTILE))
                if not re.search(r"\\U000000([01]|[789])", text)
            )
        )
        for number, hostile in enumerate(HOSTILE):
            name = hostile.replace("/", "_")
            (program.cwd / f"{number:02}{name}").write_text("the value is B_KEY-canary\n")
        program.store("B_KEY", "B_KEY-canary")
        yield program, vendors


def in_a_pipe(program: Program, arguments: tuple[str, ...], hostile: str, **more: str) -> str:
    words = [word.replace(H, hostile).encode("utf-8", "surrogateescape") for word in arguments]
    done = subprocess.run(
        [str(PROGRAM).encode(), *words],
        input=b"v", capture_output=True, cwd=program.cwd, env=program.full_environment(**more),
        timeout=60, check=False,
    )  # fmt: skip
    said = (done.stdout + done.stderr).decode()
    assert "Traceback" not in said, (arguments, hostile)
    assert said or done.returncode == 0
    return said


def in_a_terminal(program: Program, arguments: tuple[str, ...], **more: str) -> str:
    with Terminal(program, *arguments, lines=400, **more) as terminal:
        terminal.end()
        assert terminal._screen.title == ""
        return OURS.sub("", terminal.raw.decode())


@pytest.mark.parametrize("command", ASKED)
def test_I5_I6_hostile_words_of_a_command_line_are_spelled_out(
    place: tuple[Program, World], command: str
) -> None:
    program, _ = place
    for hostile in some(command):
        said = in_a_pipe(program, ASKED[command], hostile)
        assert acting(said, hostile) == set(), (hostile, said)


@pytest.mark.parametrize("command", PLAIN)
def test_I5_I6_hostile_names_settings_and_files_are_spelled_out(
    place: tuple[Program, World], command: str
) -> None:
    program, _ = place
    said = in_a_pipe(program, PLAIN[command], "")
    assert stray(said) == set(), said
    shown = in_a_terminal(program, PLAIN[command])
    assert stray(shown) == set(), shown
    if command in ("list", "diff", "scan"):
        assert all(text in said for text in (r"\x1b[2J", r"\x9b31m", r"\u2066a\u2069", r"a\rb", "[bold]x["))


@pytest.mark.parametrize(
    "line",
    [
        "[secrets.API_KEY]\nowner = {}",
        "[secrets.{}]\nrequired = true",
        "{} = 1",
        "chain = [{}]",
        "[profiles.{}]\nchain = 1",
    ],
    ids=["value", "secret", "setting", "backend", "profile"],
)
def test_I5_I6_hostile_settings_of_a_clone_are_spelled_out(place: tuple[Program, World], line: str) -> None:
    program, _ = place
    clone = program.root / "clone"
    clone.mkdir(exist_ok=True)
    for hostile in some("clone", line):
        (clone / "sophia-secrets.toml").write_text(line.format(toml(hostile)) + "\n")
        for command in (("list",), ("config", "show"), ("trust",)):
            said = program(*command, cwd=clone).said
            assert acting(said, hostile) == set(), (hostile, said)
            assert "Traceback" not in said


VARIABLES = (
    "PULUMI_ENVIRONMENT",
    "FLY_APP_NAME",
    "GITHUB_REPOSITORY",
    "SOPHIA_SECRETS_PULUMI",
    "SOPHIA_SECRETS_TTL",
)


@pytest.mark.parametrize("variable", VARIABLES)
def test_I5_I6_hostile_targets_and_programs_are_spelled_out(
    place: tuple[Program, World], variable: str
) -> None:
    program, _ = place
    for hostile in some(variable):
        for command in (("list",), ("backends",), ("doctor",)):
            said = in_a_pipe(program, command, "", **{variable: f"x/{hostile}"})
            assert acting(said, hostile) == set(), (hostile, said)


def test_I5_I6_hostile_words_of_a_vendor_are_spelled_out(place: tuple[Program, World]) -> None:
    program, vendors = place
    for number, hostile in enumerate(some("vendor")):
        words = f"it went {hostile} wrong"
        vendors.pulumi_fails(503 if number % 2 else 418, {"code": 418, "message": words})
        vendors.fly.update(faults=[{"on": "secrets list", "exit": 1, "stderr": words, "always": True}])
        for command in (
            ("list",),
            ("doctor",),
            ("get", "C_KEY"),
            ("cache", "warm", "-v"),
            ("list", "--debug"),
        ):
            said = in_a_pipe(program, command, "", SOPHIA_SECRETS_CACHE_TTL="0")
            assert "wrong" in said or command[0] == "doctor", said
            assert acting(said, hostile) == set(), (hostile, said)
