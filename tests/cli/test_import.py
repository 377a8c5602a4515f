"""Storing what a file holds, as a user does it."""

from __future__ import annotations

import json
import shutil

import pytest

from tests.canary import kept_files, leaks
from tests.faults.killed_at import run_killed_at
from tests.program import Program
from tests.terminal import Terminal
from tests.world import World

PEM = "-----BEGIN KEY-----\nMIIcanaryline0001\n-----END KEY-----"


def write(sophia: Program, name: str, text: str) -> str:
    (sophia.cwd / name).write_text(text)
    return name


def rows(shape: dict[str, list[dict[str, str]]]) -> dict[str, tuple[str, str]]:
    return {row["name"]: (row["action"], row["outcome"]) for row in shape["results"]}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (".env", f"export A_KEY='it''s'\n# note\n\nB_KEY=\"{PEM}\"\n".replace("''", "")),
        ("s.json", json.dumps({"A_KEY": "its", "B_KEY": PEM})),
        ("s.yml", f"A_KEY: its\nB_KEY: {json.dumps(PEM)}\n"),
        ("noname", json.dumps({"A_KEY": "its", "B_KEY": PEM})),
    ],
)
def test_a_file_is_stored_exactly_whatever_its_format(sophia: Program, name: str, text: str) -> None:
    done = sophia("import", write(sophia, name, text), "--backend", "local", "--yes")
    assert done.code == 0, done.said
    assert [line.split() for line in done.out.splitlines()] == [
        ["NAME", "BACKEND", "ACTION", "OUTCOME", "DETAIL"],
        ["A_KEY", "local", "set", "done"],
        ["B_KEY", "local", "set", "done"],
    ]
    assert sophia("get", "B_KEY", "--raw").out == PEM
    assert sophia("get", "A_KEY").out == "its\n"
    assert leaks(PEM, [("out", done.out.encode()), ("err", done.err.encode())]) == []


def test_standard_input_takes_a_format(sophia: Program) -> None:
    done = sophia("import", "-", "--format", "yaml", "--backend", "local", "--yes", stdin="A_KEY: 1e3\n")
    assert done.code == 0
    assert sophia("get", "A_KEY").out == "1e3\n"


def test_the_plan_says_for_each_name_what_would_be_done_and_a_dry_run_does_nothing(sophia: Program) -> None:
    sophia.store("SAME_KEY", "v")
    sophia.store("OTHER_KEY", "old")
    file = write(sophia, ".env", "SAME_KEY=v\nOTHER_KEY=new\nNEW_KEY=1\n")
    done = sophia("import", file, "--backend", "local", "--dry-run")
    assert done.code == 0
    assert [line.split(maxsplit=2) for line in done.out.splitlines()[1:]] == [
        ["SAME_KEY", "unchanged", "the same value"],
        ["OTHER_KEY", "set", "another value"],
        ["NEW_KEY", "set", "new"],
    ]
    shape = sophia("import", file, "--backend", "local", "--dry-run", "--json").json
    assert (shape["schema"], shape["dry_run"]) == (1, True)
    assert rows(shape) == {
        "SAME_KEY": ("unchanged", "unchanged"),
        "OTHER_KEY": ("set", "not_started"),
        "NEW_KEY": ("set", "not_started"),
    }
    assert set(shape["results"][0]) == {"name", "backend", "target", "action", "outcome", "detail"}
    assert sophia("get", "OTHER_KEY").out == "old\n"
    assert sophia("get", "NEW_KEY").code == 3


def test_a_second_run_leaves_everything_as_it_is(sophia: Program) -> None:
    file = write(sophia, ".env", "A_KEY=1\nB_KEY=2\n")
    sophia("import", file, "--backend", "local", "--yes")
    again = sophia("import", file, "--backend", "local", "--yes", "--json")
    assert (again.code, again.json["dry_run"]) == (0, False)
    assert set(rows(again.json).values()) == {("unchanged", "unchanged")}
    assert sophia("info", "A_KEY", "--json").json["version"] == 1


def test_only_takes_the_names_that_begin_so(sophia: Program) -> None:
    file = write(sophia, ".env", "AWS_ID=1\nAWS_KEY=2\nOTHER=3\nbad-name=4\n")
    done = sophia("import", file, "--backend", "local", "--yes", "--only", "AWS_")
    assert done.code == 0
    assert sophia("list", "--names").out == "AWS_ID\nAWS_KEY\n"
    none = sophia("import", file, "--backend", "local", "--yes", "--only", "ZZ")
    assert (none.code, none.out) == (0, "")
    assert "nothing to do" in none.err


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        (".env", "A_KEY=canary-1\nB_KEY=canary-2\n\nA_KEY=canary-3\n", "Line 4 cannot be read: `A_KEY` is already on line 1"),
        ("s.yml", "A_KEY: canary-1\nB_KEY: canary-2\nA_KEY: canary-3\n", "Line 3 cannot be read: `A_KEY` is already on line 1"),
        ("s.json", '{"A_KEY":"canary-1","A_KEY":"canary-2"}', "not strict JSON"),
        (".env", "A_KEY=canary-1\nmy-key=canary-2\nother.key=canary-3\n", "line 2: `my-key`"),
        (".env", "A_KEY=canary-1\nmy-key=canary-2\nother.key=canary-3\n", "line 3: `other.key`"),
        (".env", "A_KEY=canary-1\nmy-key=canary-2\n", "hint: Change them to `MY_KEY`."),
        ("s.json", '{"A_KEY":"canary-1","-x":"canary-2"}', "`-x` cannot be a secret's name"),
        (".env", "A_KEY=canary-1\ncanary-2\n", "Line 2 cannot be read"),
        (".env", "A_KEY='canary-1\n", "Line 1 cannot be read"),
        ("s.json", '{"A_KEY":["canary-1"]}', "`A_KEY` has a list for a value"),
    ],
)  # fmt: skip
def test_I2_duplicates_bad_names_and_bad_lines_are_refused_before_anything_with_their_lines(
    sophia: Program, vendors: World, name: str, text: str, told: str
) -> None:
    done = sophia("import", write(sophia, name, text), "--backend", "fly", "--yes")
    assert (done.code, done.out) == (2, "")
    assert told in done.err
    assert "canary" not in done.said
    assert vendors.starts() == {"github": 0, "pulumi": 0, "fly": 0}


@pytest.mark.parametrize("name", ["GITHUB_TOKEN", "gh-key"])
def test_a_name_that_the_vendor_does_not_take_is_refused_with_its_line(
    sophia: Program, vendors: World, name: str
) -> None:
    done = sophia("import", write(sophia, ".env", f"A_KEY=1\n{name}=2\n"), "--backend", "github", "--yes")
    assert done.code == 2
    assert f"line 2: `{name}`: " in done.err
    assert vendors.starts()["github"] == 0


def test_a_file_that_is_not_there_is_2(sophia: Program) -> None:
    assert sophia("import", "nope", "--backend", "local", "--yes").code == 2
    assert sophia("import", ".", "--backend", "local", "--yes").code == 2


def test_without_a_terminal_it_wants_to_be_told_and_without_a_backend_it_lists_them(sophia: Program) -> None:
    file = write(sophia, ".env", "A_KEY=1\n")
    done = sophia("import", file, "--backend", "local")
    assert done.code == 2
    assert "--dry-run" in done.err
    nowhere = sophia("import", file, "--yes")
    assert nowhere.code == 2
    assert "local (" in nowhere.err


def test_C9_an_untrusted_project_cannot_say_where_it_goes(sophia: Program, vendors: World) -> None:
    (sophia.cwd / "sophia-secrets.toml").write_text('[fly]\napp = "evil"\n')
    done = sophia("import", write(sophia, ".env", "A_KEY=1\n"), "--backend", "fly", "--yes", FLY_APP_NAME="")
    assert done.code == 2
    assert "sophia-secrets trust" in done.err
    assert vendors.starts()["fly"] == 0


@pytest.mark.parametrize("backend", ["fly", "pulumi", "github"])
def test_eleven_names_are_one_write(sophia: Program, vendors: World, backend: str) -> None:
    values = {f"N{i:02}_KEY": f"canary-value-{i:02}" for i in range(11)}
    file = write(sophia, "s.json", json.dumps(values))
    done = sophia("import", file, "--backend", backend, "--yes", "--json")
    assert done.code == 0, done.said
    assert set(rows(done.json).values()) == {("set", "done")}
    if backend == "fly":
        writes = [call for call in vendors.fly.calls if "import" in call["arguments"]]
        assert len(writes) == 1
    for value in values.values():
        assert value not in done.said
        assert leaks(value, kept_files(sophia.sophia)) == []
    again = sophia("import", file, "--backend", backend, "--yes", "--json")
    assert again.code == 0
    assert set(rows(again.json).values()) == {("unchanged", "unchanged")}


def test_a_value_that_the_vendor_cannot_carry_is_refused_with_its_reason_and_the_others_are_stored(
    sophia: Program, vendors: World
) -> None:
    file = write(sophia, "s.json", json.dumps({"A_KEY": "1", "HARD_KEY": "nul\0canary"}))
    done = sophia("import", file, "--backend", "github", "--yes", "--json")
    assert done.code == 2
    assert rows(done.json) == {"A_KEY": ("set", "done"), "HARD_KEY": ("refused", "refused")}
    assert "HARD_KEY could not be transferred" in done.err
    assert "canary" not in done.said


def test_a_failing_vendor_is_told_for_each_name_with_its_code(sophia: Program, vendors: World) -> None:
    sophia.environment["FLY_API_TOKEN"] = "wrong"
    file = write(sophia, ".env", "A_KEY=1\n")
    done = sophia("import", file, "--backend", "fly", "--yes")
    assert (done.code, done.out) == (4, "")


def test_every_write_is_audited_before_and_after(sophia: Program) -> None:
    file = write(sophia, ".env", "A_KEY=1\nB_KEY=2\n")
    sophia("import", file, "--backend", "local", "--yes", "--reason", "moving in")
    events = [e for e in sophia.events() if e["command"] == "import" and e.get("name")]
    assert [(e["name"], e["outcome"], e["reason"]) for e in events] == [
        ("A_KEY", "intent", "moving in"), ("B_KEY", "intent", "moving in"),
        ("A_KEY", "done", "moving in"), ("B_KEY", "done", "moving in"),
    ]  # fmt: skip
    assert sophia("audit", "verify").code == 0


def test_X3_an_import_killed_at_any_change_on_the_disk_is_finished_by_the_next(sophia: Program) -> None:
    sophia.store("A_KEY", "old")
    file = write(sophia, ".env", f"A_KEY=new\nB_KEY=two\nC_KEY='{PEM}'\n")
    command = ("import", file, "--backend", "local", "--yes", "--json")
    after = {"A_KEY": "new", "B_KEY": "two", "C_KEY": PEM}
    fresh = sophia.root / "fresh"
    shutil.copytree(sophia.sophia, fresh)
    seen = set()
    for number in range(1, 60):
        shutil.rmtree(sophia.sophia)
        shutil.copytree(fresh, sophia.sophia)
        if run_killed_at(sophia, number, *command, calls="rename,fsync") is not None:
            break
        held = sophia("export", "--json").json
        assert held in ({"A_KEY": "old"}, after)
        seen.add(len(held))
        finished = sophia(*command)
        assert finished.code == 0, (number, finished.said)
        expected = "done" if len(held) == 1 else "unchanged"
        assert {outcome for _, outcome in rows(finished.json).values()} == {expected}
        assert sophia("export", "--json").json == after
    else:
        raise AssertionError("it never ran to its end")
    assert seen == {1, 3}
    assert sophia("audit", "verify").code == 0


def test_X3_an_import_killed_while_the_vendor_writes_is_finished_by_the_next(
    sophia: Program, vendors: World
) -> None:
    file = write(sophia, ".env", "A_KEY=1\nB_KEY=2\n")
    command = ("import", file, "--backend", "fly", "--yes", "--json")
    killed = 0
    for number in range(1, 60):
        if run_killed_at(sophia, number, *command, calls="rename,fsync") is not None:
            break
        killed += 1
    assert killed > 2
    finished = sophia(*command)
    assert finished.code == 0, finished.said
    assert {name for name, _ in rows(finished.json).items()} == {"A_KEY", "B_KEY"}
    assert set(sophia("list", "--backend", "fly", "--names").out.split()) == {"A_KEY", "B_KEY"}


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 130)])
def test_on_a_terminal_it_shows_the_plan_and_asks(sophia: Program, answer: str, code: int) -> None:
    write(sophia, ".env", "A_KEY=canary-value\n")
    with Terminal(sophia, "import", ".env", "--backend", "local") as terminal:
        terminal.wait_for("[y/N]")
        assert "A_KEY  set     new" in terminal.screen
        assert "Write 1 name to local" in terminal.screen
        terminal.type(f"{answer}\n")
        assert terminal.end() == code
        assert b"canary-value" not in terminal.raw
    assert sophia("get", "A_KEY").code == (0 if code == 0 else 3)
