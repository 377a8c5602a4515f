"""Secrets as files, as a user makes them: `export` and `render`."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from tests.canary import kept_files, leaks
from tests.contract.test_format_parsers import runner_variables
from tests.program import PROGRAM, Done, Program
from tests.world import World

TWO_LINES = "line one\nline ::two"
COMMANDS = re.compile(r"^\s*::\w|##\[")


@pytest.fixture
def stored(sophia: Program) -> Program:
    values = json.dumps({"A_KEY": "value-a", "B_KEY": TWO_LINES})
    assert sophia("import", "-", "--backend", "local", "--yes", stdin=values).code == 0
    return sophia


def workflow(sophia: Program) -> dict[str, str]:
    """A step of a workflow, with its file."""
    file = sophia.root / "github_env"
    file.touch(mode=0o644)
    return {"GITHUB_ACTIONS": "true", "GITHUB_ENV": str(file)}


def masked(done: Done) -> list[str]:
    """What the runner was told to hide, on either stream."""
    found = [line.partition("::add-mask::")[2] for line in done.said.splitlines() if line.startswith("::")]
    return [text.replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%") for text in found]


@pytest.mark.parametrize("command", [("export",), ("run", "--", "env")])
def test_a_word_of_only_that_is_no_name_and_begins_none_is_told_as_both(
    sophia: Program, command: tuple[str, ...]
) -> None:
    sophia.store("OPENAI_API_KEY", "sk-1")
    done = sophia(command[0], "--only", "ZZ", *command[1:])
    assert (done.code, done.out) == (3, "")
    assert done.err == (
        "error: Neither a secret `ZZ` nor one that begins with `ZZ_` was found (local: absent, env: absent).\n"
        "hint: Store it with `sophia-secrets set ZZ --backend local`, or see the names with "
        "`sophia-secrets list --names`.\n"
    )
    near = sophia(command[0], "--only", "OPENAI_KEY", *command[1:])
    assert (near.code, near.out) == (3, "")
    assert near.err.endswith("hint: Did you mean OPENAI_API_KEY (local)?\n")


def test_names_that_begin_so_and_give_no_value_here_are_told_as_that(sophia: Program, vendors: World) -> None:
    sophia.store("APP_API_KEY", "value", "fly")
    done = sophia("export", "--only", "APP", "--backend", "fly", APP_HOME="/app")
    assert (done.code, done.out) == (3, "")
    assert done.err.startswith(
        "error: `APP_API_KEY` was not found (fly: write-only here).\nhint: fly (my-app) holds"
    )
    starred = sophia("export", "--only", "APP_*", "--backend", "fly")
    assert starred.err.startswith("error: No secret that gives its value here begins with `APP_`.")
    variables = sophia("export", "--only", "SHELL", SHELL_NAME="bash")
    assert variables.err.startswith(
        "error: Neither a secret `SHELL` nor one that begins with `SHELL_` was found"
    )


def test_a_declared_name_and_one_given_by_itself_are_names_in_the_error(sophia: Program) -> None:
    (sophia.cwd / "sophia-secrets.toml").write_text("[secrets.MY_KEY]\n")
    for arguments in (("--only", "MY_KEY"), ("OTHER_KEY", "--only", "OTHER_KEY")):
        done = sophia("export", *arguments)
        assert done.code == 3
        assert done.err.startswith(f"error: `{arguments[-1]}` was not found (local: absent, env: absent).\n")


@pytest.mark.parametrize("word", ["ZZ", "ZZ_*"])
def test_a_prefix_that_matches_nothing_is_not_certain_where_a_backend_failed(
    sophia: Program, vendors: World, word: str
) -> None:
    vendors.pulumi_fails(503, {"code": 503, "message": "down"})
    done = sophia("export", "--only", word)
    assert (done.code, done.out) == (5, "")
    assert "not certain: " in done.err


def test_dotenv_is_what_comes_without_a_format(stored: Program) -> None:
    done = stored("export")
    assert (done.code, done.out, done.err) == (0, "A_KEY='value-a'\nB_KEY='line one\nline ::two'\n", "")


def test_names_and_prefixes_choose(stored: Program) -> None:
    stored.store("AWS_ID", "1")
    stored.store("AWS_KEY", "2")
    assert stored("export", "A_KEY").out == "A_KEY='value-a'\n"
    assert stored("export", "--only", "AWS").out == "AWS_ID='1'\nAWS_KEY='2'\n"
    assert (
        stored("export", "A_KEY", "--only", "AWS_*", "A_KEY").out
        == "A_KEY='value-a'\nAWS_ID='1'\nAWS_KEY='2'\n"
    )


def test_a_name_is_a_name_and_never_a_prefix(stored: Program) -> None:
    stored.store("AWS_ID", "1")
    done = stored("export", "AWS")
    assert (done.code, done.out) == (3, "")
    assert "`AWS` was not found" in done.err


def test_the_declared_names_are_the_default_and_the_environment_may_give_them(stored: Program) -> None:
    (stored.cwd / "sophia-secrets.toml").write_text("[secrets.A_KEY]\n[secrets.E_KEY]\n[secrets.MAYBE]\n")
    done = stored("export", "--json", E_KEY="from env", OTHER="x")
    assert (done.code, done.json) == (0, {"A_KEY": "value-a", "E_KEY": "from env"})
    assert "Declared, and not found: MAYBE." in done.err


def test_a_required_name_without_a_value_is_3_and_nothing_is_written(stored: Program) -> None:
    (stored.cwd / "sophia-secrets.toml").write_text("[secrets.A_KEY]\n[secrets.GONE]\nrequired = true\n")
    done = stored("export", "--output", "out")
    assert (done.code, done.out) == (3, "")
    assert not (stored.cwd / "out").exists()


def test_nothing_to_export_is_3_and_not_an_empty_file(sophia: Program) -> None:
    done = sophia("export", "--output", "out", SOME_VARIABLE="x")
    assert (done.code, done.out) == (3, "")
    assert not (sophia.cwd / "out").exists()


@pytest.mark.parametrize("format_name", ["dotenv", "json", "yaml", "shell", "docker", "k8s"])
def test_every_format_can_be_had(stored: Program, format_name: str) -> None:
    done = stored("export", "A_KEY", "--format", format_name)
    assert done.code == 0
    assert "A_KEY" in done.out


def test_the_shell_reads_back_what_was_exported(stored: Program) -> None:
    hostile = 'it\'s $HOME `id` "x" \\ !! é\n\n'
    stored.store("HARD", hostile)
    script = stored("export", "HARD", "--format", "shell").out
    done = subprocess.run(
        ["sh", "-c", f'{script}\nprintf %s "$HARD"'], capture_output=True, text=True, check=True
    )
    assert done.stdout == hostile


def test_a_kubernetes_secret_has_the_name_asked_for(stored: Program) -> None:
    assert '  name: "app-secrets"\n' in stored("export", "--format", "k8s", "--name", "app-secrets").out
    assert stored("export", "--format", "k8s", "--name", "Not_One").code == 2
    assert stored("export", "--name", "x").code == 2


@pytest.mark.parametrize(
    ("format_name", "value"), [("docker", TWO_LINES), ("dotenv", "a\rb"), ("shell", "x" * 140_000)]
)
def test_a_value_that_the_format_cannot_carry_is_refused_by_name_and_nothing_is_written(
    stored: Program, format_name: str, value: str
) -> None:
    stored.store("C_KEY", value)
    done = stored("export", "C_KEY", "A_KEY", "--format", format_name, "--output", "out")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: The value of `C_KEY` cannot be written: ")
    assert "hint: `--format json` carries any text" in done.err
    assert leaks(value, [("err", done.err.encode())]) == []
    assert not (stored.cwd / "out").exists()
    assert {e["outcome"] for e in stored.events() if e["command"] == "export"} == {"seen"}


def test_I8_names_that_programs_obey_are_left_out_unless_they_are_named(stored: Program) -> None:
    stored.store("LD_PRELOAD", "/evil.so")
    done = stored("export", "--format", "shell")
    assert "LD_PRELOAD" not in done.out
    assert "warning: Left out, because programs obey variables of these names: LD_PRELOAD." in done.err
    assert "LD_PRELOAD" in stored("export", "LD_PRELOAD", "--format", "shell").out


def test_an_unknown_format_is_2_and_lists_them(stored: Program) -> None:
    done = stored("export", "--format", "xml")
    assert done.code == 2
    assert "github-env" in done.err


def test_L11_output_is_private_whatever_the_umask_and_whatever_was_there(stored: Program) -> None:
    target = stored.cwd / "out.env"
    target.write_text("old")
    target.chmod(0o666)
    before = os.umask(0)
    try:
        done = stored("export", "A_KEY", "--output", "out.env")
    finally:
        os.umask(before)
    assert (done.code, done.out) == (0, "")
    assert done.err == "note: 1 secret written to out.env, which only you can read.\n"
    assert target.read_text() == "A_KEY='value-a'\n"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert os.listdir(stored.cwd) == ["out.env"]


def test_output_json_says_what_was_written_and_no_value(stored: Program) -> None:
    done = stored("export", "--output", "out.env", "--json")
    assert done.json == {"schema": 1, "format": "dotenv", "names": ["A_KEY", "B_KEY"], "output": "out.env"}
    assert stored("export", "--json", "--format", "yaml").code == 2


@pytest.mark.parametrize("kind", ["link", "directory", "missing directory", "fifo"])
def test_output_goes_into_a_file_and_through_nothing_else(stored: Program, kind: str) -> None:
    target = stored.cwd / "out"
    if kind == "link":
        target.symlink_to(stored.cwd / "elsewhere")
    elif kind == "directory":
        target.mkdir()
    elif kind == "fifo":
        os.mkfifo(target)
    else:
        target = target / "deeper"
    done = stored("export", "--output", str(target))
    assert (done.code, done.out) == (2, "")
    assert not (stored.cwd / "elsewhere").exists()


@pytest.mark.parametrize(("mode", "warned"), [(0o640, True), (0o600, False)])
@pytest.mark.parametrize("command", [("export", "A_KEY"), ("render", "t")])
def test_L11_a_file_on_standard_output_that_others_may_read_gets_one_warning_with_its_mode(
    stored: Program, mode: int, warned: bool, command: tuple[str, ...]
) -> None:
    (stored.cwd / "t").write_text("{{ A_KEY }}")
    with (stored.root / "out").open("wb") as out:
        os.fchmod(out.fileno(), mode)
        done = subprocess.run(
            [PROGRAM, *command], stdout=out, stderr=subprocess.PIPE, cwd=stored.cwd, env=stored.full_environment(),
            check=True, text=True,
        )  # fmt: skip
    assert done.stderr.count("warning: ") == warned
    assert (f"(mode {mode:04o})" in done.stderr) == warned
    assert "value-a" in (stored.root / "out").read_text()


def test_E2_a_full_or_closed_standard_output_is_told_by_the_code(stored: Program) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [PROGRAM, "export"], stdout=full, stderr=subprocess.PIPE, cwd=stored.cwd, env=stored.full_environment(),
            check=False,
        )  # fmt: skip
    assert done.returncode == 1
    said = done.stderr.decode().splitlines()
    assert [line.partition(": ")[0] for line in said] == ["error", "hint"]
    stored.store("BIG", "x" * 100_000)
    ended = subprocess.run(
        ["bash", "-c", f'"{PROGRAM}" export BIG | head -c 0; echo ${{PIPESTATUS[0]}}'],
        capture_output=True, cwd=stored.cwd, env=stored.full_environment(), check=True, text=True,
    )  # fmt: skip
    assert (ended.stdout, ended.stderr) == ("141\n", "")


def test_A1_nothing_is_written_where_the_log_cannot_be(stored: Program) -> None:
    (log,) = [path for path in stored.files() if path.name == "audit.jsonl"]
    log.unlink()
    log.mkdir()
    step = workflow(stored)
    for arguments in (("export",), ("export", "--output", "out"), ("export", "--format", "github-env")):
        done = stored(*arguments, **step)
        assert (done.code, done.out) == (6, "")
        assert leaks("value-a", [("err", done.err.encode())]) == []
    assert not (stored.cwd / "out").exists()
    assert Path(step["GITHUB_ENV"]).read_text() == ""


def test_every_name_is_an_access_in_one_append(stored: Program) -> None:
    before = len(stored.events())
    stored("export", "--reason", "deploy")
    events = stored.events()[before:]
    assert [
        (e["command"], e["name"], e["outcome"], e["reason"]) for e in events if e["command"] == "export"
    ] == [
        ("export", "A_KEY", "found", "deploy"),
        ("export", "B_KEY", "found", "deploy"),
    ]
    assert stored("info", "A_KEY", "--json").json["access_count"] == 1


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_I7_masks_come_before_the_file_is_touched_and_after_the_log(stored: Program, tmp_path: Path) -> None:
    step = workflow(stored)
    trace = tmp_path / "trace"
    subprocess.run(
        ["strace", "-f", "-qq", "-y", "-s", "64", "-e", "trace=write,fsync,fdatasync", "-o", trace, PROGRAM,
         "export", "--format", "github-env"],
        cwd=stored.cwd, env=stored.full_environment(**step), check=True, capture_output=True,
    )  # fmt: skip
    lines = trace.read_text().splitlines()

    def first(word: str) -> int:
        return next(n for n, line in enumerate(lines) if word in line)

    assert first("audit.jsonl") < first("::add-mask::") < first("github_env>")
    assert sum("github_env>" in line for line in lines) == 1


def test_I7_G1_G2_github_env_masks_everything_and_writes_the_file_itself(stored: Program) -> None:
    hostile = 'x\r\n::set-output name=a::b\nA_KEY<<EOF\n%0A ##[add-mask]y\n"quoted"'
    stored.store("HARD", hostile)
    step = workflow(stored)
    file = Path(step["GITHUB_ENV"])
    file.write_text("BEFORE=1")
    done = stored("export", "--format", "github-env", **step)
    assert done.code == 0
    assert all(line.startswith("::add-mask::") for line in done.out.splitlines())
    assert not any(COMMANDS.search(line) for line in done.err.splitlines())
    hidden = masked(done)
    assert {hostile, TWO_LINES, "value-a", "line one", "line ::two", '"quoted"'} <= set(hidden)
    assert json.dumps(hostile)[1:-1] in hidden
    assert runner_variables(file.read_bytes()) == {
        "BEFORE": "1",
        "A_KEY": "value-a",
        "B_KEY": TWO_LINES,
        "HARD": hostile,
    }
    assert done.err == "note: 3 secrets set for the next steps.\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o644


def test_github_env_speaks_json_on_standard_output_and_masks_on_the_other(stored: Program) -> None:
    step = workflow(stored)
    done = stored("export", "A_KEY", "--format", "github-env", "--json", **step)
    assert done.json == {
        "schema": 1, "format": "github-env", "names": ["A_KEY"], "output": step["GITHUB_ENV"],
    }  # fmt: skip
    assert "value-a" in masked(Done(0, "", done.err))


@pytest.mark.parametrize("variables", [{}, {"GITHUB_ENV": "x"}, {"GITHUB_ACTIONS": "true"}])
def test_github_env_outside_a_step_is_2_before_a_secret_is_read(
    stored: Program, variables: dict[str, str]
) -> None:
    before = len(stored.events())
    done = stored("export", "--format", "github-env", **variables)
    assert (done.code, done.out) == (2, "")
    assert "no step of a GitHub workflow" in done.err
    assert len(stored.events()) == before
    assert stored("export", "--format", "github-env", "--output", "x").code == 2


@pytest.mark.parametrize("kind", ["missing", "directory", "fifo", "link", "device"])
def test_I7_only_a_regular_file_is_taken_for_the_steps(stored: Program, kind: str) -> None:
    path = stored.root / "step"
    if kind == "directory":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "link":
        path.symlink_to(stored.root / "elsewhere")
        (stored.root / "elsewhere").touch()
    elif kind == "device":
        path = Path("/dev/null")
    done = stored("export", "--format", "github-env", GITHUB_ACTIONS="true", GITHUB_ENV=str(path))
    assert (done.code, done.out) == (2, "")


def test_github_env_refuses_names_that_the_runner_does(stored: Program) -> None:
    stored.store("NODE_OPTIONS", "--require x")
    step = workflow(stored)
    done = stored("export", "NODE_OPTIONS", "A_KEY", "--format", "github-env", **step)
    assert (done.code, done.out) == (2, "")
    assert Path(step["GITHUB_ENV"]).read_text() == ""


def test_a_step_file_that_fills_up_is_as_it_was(stored: Program) -> None:
    stored.store("BIG", "x" * 100_000)
    step = workflow(stored)
    file = Path(step["GITHUB_ENV"])
    file.write_text("BEFORE=1\n" + "# " + "y" * 50_000 + "\n")
    size = file.stat().st_size
    script = f"trap '' XFSZ; ulimit -f 100; exec '{PROGRAM}' export BIG --format github-env | cat >&2; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=stored.cwd,
        env=stored.full_environment(**step),
        check=False,
        capture_output=True,
    )
    assert done.returncode == 1, done.stderr
    assert b"could not be written" in done.stderr
    assert file.stat().st_size == size


def test_G1_G2_in_a_workflow_values_are_masked_and_no_line_is_a_command(stored: Program) -> None:
    done = stored("export", GITHUB_ACTIONS="true")
    assert done.code == 0
    assert {TWO_LINES, "value-a", "line ::two"} <= set(masked(Done(0, "", done.err)))
    stored.store("HARD", "a\n \u00a0\u3000::add-path::/evil")
    (stored.cwd / "t").write_text("{{ A_KEY }} ##[warning]x")
    for arguments in (("export",), ("render", "t")):
        refused = stored(*arguments, GITHUB_ACTIONS="true")
        assert (refused.code, refused.out) == (2, "")
        assert "--output FILE" in refused.err
    assert stored("export", "--output", "out", GITHUB_ACTIONS="true").code == 0


def test_each_vendor_is_asked_once_however_many_names_and_a_warm_export_asks_none(
    sophia: Program, vendors: World
) -> None:
    vendors.define({f"N{i}_KEY": f"value-{i}" for i in range(20)})
    assert sophia("export", "--format", "json").json["N7_KEY"] == "value-7"
    assert vendors.starts() == {"github": 0, "pulumi": 1, "fly": 0}
    sophia("export", *(f"N{i}_KEY" for i in range(20)))
    assert vendors.starts()["pulumi"] == 1
    sophia("export", "N1_KEY", "--no-cache")
    assert vendors.starts()["pulumi"] == 2
    assert sophia("export", "--backend", "local").code == 3
    assert sophia("export", "--backend", "github").code == 3


def test_a_backend_that_fails_is_said_and_strict_refuses(stored: Program, vendors: World) -> None:
    vendors.pulumi_fails(503, {"code": 503, "message": "down"})
    done = stored("export")
    assert done.code == 0
    assert done.err.startswith("warning: ")
    assert (stored("export", "--strict").code, stored("export", "--strict").out) == (5, "")


def test_render_fills_a_template_and_leaves_the_rest(stored: Program) -> None:
    (stored.cwd / "app.conf.tmpl").write_bytes(
        b"key={{ A_KEY }}\r\nall='{{B_KEY}}'\n{{{{ A_KEY }}}} {{ .x }} \xc3\xa9"
    )
    done = stored("render", "app.conf.tmpl")
    assert (done.code, done.err) == (0, "")
    assert done.out == f"key=value-a\r\nall='{TWO_LINES}'\n{{{{ A_KEY }}}} {{{{ .x }}}} é"


def test_render_reads_standard_input_and_writes_a_private_file(stored: Program) -> None:
    done = stored("render", "-", "--output", "out", "--json", stdin="{{ A_KEY }}")
    assert done.json == {"schema": 1, "template": "standard input", "names": ["A_KEY"], "output": "out"}
    assert (stored.cwd / "out").read_text() == "value-a"
    assert stat.S_IMODE((stored.cwd / "out").stat().st_mode) == 0o600
    told = stored("render", "-", "--json", stdin="<{{ A_KEY }}>").json
    assert told == {"schema": 1, "template": "standard input", "names": ["A_KEY"], "text": "<value-a>"}


def test_render_names_each_unknown_name_with_its_line_and_writes_nothing(stored: Program) -> None:
    (stored.cwd / "t").write_text("{{ A_KEY }}\n\n{{ NOPE }}{{ NOR_THIS }}\n")
    done = stored("render", "t", "--output", "out")
    assert (done.code, done.out) == (3, "")
    assert done.err.startswith("error: t:3: `NOPE` was not found (local: absent, env: absent).")
    assert "Nor was `NOR_THIS` (t:3)." in done.err
    (stored.cwd / "t").write_text("{{ A_NOPE }}{{ B_NOPE }}{{ C_NOPE }}\n")
    assert "Nor were `B_NOPE` (t:1), `C_NOPE` (t:1)." in stored("render", "t").err
    assert not (stored.cwd / "out").exists()
    assert {e["outcome"] for e in stored.events() if e["command"] == "render"} == {"seen", "absent"}


def test_render_without_a_placeholder_is_the_text_itself(sophia: Program) -> None:
    assert sophia("render", "-", stdin="plain }} {{\n").out == "plain }} {{\n"


def test_render_refuses_a_template_that_is_not_there_or_not_text(sophia: Program) -> None:
    assert sophia("render", "nope").code == 2
    (sophia.cwd / "bad").write_bytes(b"\xff{{ A_KEY }}")
    done = sophia("render", "bad")
    assert (done.code, done.out) == (2, "")


def test_L4_no_value_is_kept_or_said_where_none_was_asked_for(stored: Program) -> None:
    for arguments in (("export", "-o", "out", "--debug"), ("render", "-", "-o", "out", "--debug")):
        done = stored(*arguments, stdin="{{ A_KEY }}")
        assert done.code == 0
        assert leaks("value-a", [("out", done.out.encode()), ("err", done.err.encode())]) == []
    assert leaks("value-a", kept_files(stored.sophia)) == []
