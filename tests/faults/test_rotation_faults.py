"""A rotation that is killed, raced or refused: never a lost value, never two, and a receipt that is true."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.canary import kept_files, leaks
from tests.faults.killed_at import run_killed_at
from tests.program import GH, PROGRAM, Done, Program
from tests.world import World

OLD, NEW = "canary-old-0001", "canary-new-0002"
ACTIONS = "repos/octo/app/actions"
HOLDERS = ("github", "fly", "local")


def hold(sophia: Program, *backends: str) -> None:
    for backend in backends:
        sophia.store("API_KEY", OLD, backend)


def held(sophia: Program, vendors: World) -> dict[str, str]:
    return {
        "github": vendors.github.store[ACTIONS].get("API_KEY", b"").decode(),
        "fly": vendors.fly.values().get("API_KEY", ""),
        "local": sophia("get", "API_KEY", "--backend", "local").out.rstrip("\n"),
    }


def receipt(done: Done) -> dict[str, tuple[str, str]]:
    rows: list[dict[str, Any]] = done.json["results"]
    return {row["backend"]: (row["outcome"], row["holds"]) for row in rows}


def standing(sophia: Program) -> dict[str, Any]:
    return dict(sophia("rotation", "status", "--json").json)


def killing(directory: Path, program: Path, words: str, when: str) -> Path:
    """The vendor's program, which kills ours before or after it has done what `words` begin."""
    made = directory / f"killing-{program.name}-{when}"
    kill = "kill -9 $PPID"
    body = f"{kill}; exit 1" if when == "before" else f'{program} "$@"; code=$?; {kill}; exit $code'
    made.write_text(f'#!/bin/sh\ncase "$1 $2" in "{words}") {body};; esac\nexec {program} "$@"\n')
    made.chmod(0o700)
    return made


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    ("backend", "old", "new"),
    [("github", {"fly", "local"}, set()), ("fly", {"local"}, {"github"})],
)
def test_X6_a_rotation_killed_at_a_vendor_is_resumed_with_the_same_value(
    sophia: Program, vendors: World, backend: str, old: set[str], new: set[str], when: str
) -> None:
    hold(sophia, *HOLDERS)
    program, words = (GH, "secret set") if backend == "github" else (vendors.fly.program, "secrets set")
    wrapper = killing(sophia.root, program, words, when)
    variable = "SOPHIA_SECRETS_GH" if backend == "github" else "SOPHIA_SECRETS_FLY"
    killed = sophia("rotate", "API_KEY", "--yes", "--generate", "hex:24", **{variable: str(wrapper)})
    assert killed.code == -signal.SIGKILL
    if when == "after":
        deadline = time.monotonic() + 10
        while held(sophia, vendors)[backend] == OLD and time.monotonic() < deadline:
            time.sleep(0.05)
    now = held(sophia, vendors)
    assert {name for name, value in now.items() if value == OLD} >= old
    assert all(now[name] != OLD for name in new)
    assert (now[backend] == OLD) == (when == "before")
    generated = {value for value in now.values() if value != OLD}
    assert len(generated) == (1 if new or when == "after" else 0)
    (row,) = standing(sophia)["rotations"]
    assert (row["name"], row["pending"]) == ("API_KEY", True)

    done = sophia("rotate", "API_KEY", "--yes", "--json")
    assert done.code == 0
    assert "Resuming the rotation of API_KEY" in done.err
    assert {holds for _, holds in receipt(done).values()} == {"new"}
    assert set(receipt(done)) == set(HOLDERS)
    after = held(sophia, vendors)
    (value,) = set(after.values())
    assert len(value) == 48
    assert generated <= {value}
    assert standing(sophia)["rotations"] == []
    assert sophia("audit", "verify").code == 0
    places = [("killed", killed.said.encode()), ("resumed", done.said.encode()), *kept_files(sophia.home)]
    assert leaks(value, places) == []


def test_X6_a_rotation_killed_at_any_file_it_writes_loses_and_invents_nothing(
    sophia: Program, vendors: World
) -> None:
    hold(sophia, "fly", "local")
    command = ("rotate", "API_KEY", "--backend", "fly", "--backend", "local", "--yes", "--generate", "hex:24")
    ended = False
    number = 0
    last = OLD
    while not ended:
        number += 1
        assert number < 40
        killed = run_killed_at(sophia, number, *command)
        ended = killed is not None
        assert killed is None or killed.code == 0, killed.said
        fly = vendors.fly.values()["API_KEY"]
        local = sophia("get", "API_KEY", "--backend", "local").out.rstrip("\n")
        assert len({fly, local} - {last}) <= 1
        if standing(sophia)["rotations"]:
            done = sophia(*command[:2], "--yes", "--json")
            assert done.code == 0, done.said
            assert {holds for _, holds in receipt(done).values()} == {"new"}
            resumed = vendors.fly.values()["API_KEY"]
            assert {fly, local} <= {last, resumed}
            assert resumed != last
        values = {
            vendors.fly.values()["API_KEY"],
            sophia("get", "API_KEY", "--backend", "local").out.rstrip("\n"),
        }
        assert len(values) == 1
        (last,) = values
        assert leaks(last, kept_files(sophia.home)) == []
    assert number > 8
    assert sophia("audit", "verify").code == 0


def test_X6_nothing_is_sent_where_the_value_cannot_be_sealed(sophia: Program, vendors: World) -> None:
    hold(sophia, *HOLDERS)
    (sophia.sophia / "state" / "pending").write_text("not a directory")
    done = sophia("rotate", "API_KEY", "--yes", stdin=NEW)
    assert done.code == 6
    assert held(sophia, vendors) == dict.fromkeys(HOLDERS, OLD)


def test_X6_a_sealed_value_whose_key_is_gone_is_never_taken_for_none(sophia: Program, vendors: World) -> None:
    hold(sophia, *HOLDERS)
    vendors.fly.update(faults=[{"on": "secrets set", "stderr": "Error: unauthorized\n"}])
    assert sophia("rotate", "API_KEY", "--yes", stdin=NEW).code == 4
    (record,) = [path for path in (sophia.sophia / "state" / "pending").iterdir() if "." not in path.name]
    sealed = record.read_bytes()
    record.write_bytes(sealed[:-1] + bytes([sealed[-1] ^ 1]))
    done = sophia("rotate", "API_KEY", "--yes", stdin="third")
    assert done.code == 6
    assert "--abandon" in done.err
    assert vendors.github.store[ACTIONS]["API_KEY"].decode() == NEW
    assert standing(sophia)["unreadable"] == 1
    assert sophia("rotate", "API_KEY", "--abandon", "--yes").code == 0
    assert sophia("rotate", "API_KEY", "--yes", stdin="third").code == 0
    assert held(sophia, vendors) == dict.fromkeys(HOLDERS, "third")


def test_V11_an_answer_that_was_lost_is_unknown_and_nothing_is_repeated(
    sophia: Program, vendors: World
) -> None:
    hold(sophia, *HOLDERS)
    before = vendors.fly.commands().count("secrets set")
    words = 'Error: update secrets: failed to update app secrets: Post "http://x": EOF\n'
    faults = [{"on": "secrets set", "store": True, "stderr": words}]
    vendors.fly.update(faults=faults, dropped=["API_KEY"])
    done = sophia("rotate", "API_KEY", "--yes", "--json", stdin=NEW)
    assert done.code == 5
    assert receipt(done) == {
        "github": ("done", "new"),
        "fly": ("unknown", "unknown"),
        "local": ("done", "new"),
    }
    assert vendors.fly.commands().count("secrets set") == before + 1
    vendors.fly.update(dropped=[])
    again = sophia("rotate", "API_KEY", "--yes", "--json")
    assert (again.code, receipt(again)["fly"]) == (0, ("done", "new"))
    assert held(sophia, vendors) == dict.fromkeys(HOLDERS, NEW)


def test_V11_a_value_that_was_stored_all_the_same_is_seen_by_its_digest(
    sophia: Program, vendors: World
) -> None:
    hold(sophia, *HOLDERS)
    words = 'Error: update secrets: failed to update app secrets: Post "http://x": EOF\n'
    vendors.fly.update(faults=[{"on": "secrets set", "store": True, "stderr": words}])
    done = sophia("rotate", "API_KEY", "--yes", "--json", stdin=NEW)
    assert receipt(done)["fly"] == ("done", "new")
    assert held(sophia, vendors) == dict.fromkeys(HOLDERS, NEW)


def test_X9_two_rotations_at_once_end_with_one_value_everywhere(sophia: Program, vendors: World) -> None:
    hold(sophia, "fly", "local")
    started = [
        subprocess.Popen(
            [PROGRAM, "rotate", "API_KEY", "-b", "fly", "-b", "local", "--yes", "--generate", "hex:24"],
            cwd=sophia.cwd,
            env=sophia.full_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(4)
    ]
    said = [each.communicate(timeout=60) for each in started]
    codes = {each.returncode for each in started}
    assert 0 in codes
    assert codes <= {0, 5}
    for each, (_, err) in zip(started, said, strict=True):
        assert each.returncode == 0 or b"Another process is rotating API_KEY now." in err
    now = held(sophia, vendors)
    assert now["fly"] == now["local"] != OLD
    assert standing(sophia)["rotations"] == []


def test_A3_an_outcome_that_cannot_be_audited_keeps_the_value_and_says_that_it_was_written(
    sophia: Program, vendors: World
) -> None:
    hold(sophia, "fly", "local")
    wrapper = sophia.root / "closing-flyctl"
    log = sophia.sophia / "state" / "audit"
    wrapper.write_text(
        f'#!/bin/sh\ncase "$2" in set) chmod 0755 {log}/*/facts;; esac\nexec {vendors.fly.program} "$@"\n'
    )
    wrapper.chmod(0o700)
    arguments = ("rotate", "API_KEY", "-b", "fly", "-b", "local", "--yes", "--json")
    done = sophia(*arguments, stdin=NEW, SOPHIA_SECRETS_FLY=str(wrapper))
    assert done.code == 6
    assert receipt(done) == {"fly": ("unknown", "unknown"), "local": ("not_started", "old")}
    assert "The write was made" in done.err
    for directory in log.glob("*/facts"):
        directory.chmod(0o700)
    again = sophia("rotate", "API_KEY", "--yes", "--json")
    assert again.code == 0
    assert {holds for _, holds in receipt(again).values()} == {"new"}
    assert vendors.fly.values()["API_KEY"] == NEW
    assert sophia("get", "API_KEY", "--backend", "local").out == f"{NEW}\n"
