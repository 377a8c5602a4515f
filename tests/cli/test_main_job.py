"""The main job as a user does it, on a fresh machine with no account."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess

import pytest

from sophia_secrets.cli.commands import ALIASES, COMMANDS, MEANT
from tests.program import PROGRAM, Program


def test_a_secret_is_stored_and_read_back(sophia: Program) -> None:
    stored = sophia("set", "API_KEY", "--backend", "local", stdin="s3cr3t\n")
    assert (stored.code, stored.out) == (0, "")
    assert "local → " in stored.err
    assert "as version 1, verified" in stored.err
    read = sophia("get", "API_KEY")
    assert (read.code, read.out, read.err) == (0, "s3cr3t\n", "")


def test_get_raw_prints_the_exact_bytes(sophia: Program) -> None:
    sophia.store("PEM", "line one\nline two\n\n")
    assert sophia("get", "PEM", "--raw").out == "line one\nline two\n\n"


def test_get_json_keeps_the_promised_shape(sophia: Program) -> None:
    sophia.store("API_KEY", "v")
    shape = sophia("get", "API_KEY", "--json").json
    assert list(shape) == [
        "schema", "name", "value", "backend", "target", "cached", "stale", "degraded", "fetched_at", "trace",
    ]  # fmt: skip
    assert (shape["schema"], shape["value"], shape["backend"]) == (1, "v", "local")
    assert [step["backend"] for step in shape["trace"]] == ["github", "pulumi", "fly", "local", "env"]
    assert {"backend", "target", "outcome", "detail"} == set(shape["trace"][0])


def test_a_missing_name_is_3_with_the_nearest_one(sophia: Program) -> None:
    sophia.store("OPENAI_API_KEY", "v")
    done = sophia("get", "OPENAI_KEY")
    assert (done.code, done.out) == (3, "")
    assert done.err == (
        "error: `OPENAI_KEY` was not found (local: absent, env: absent).\n"
        "hint: Did you mean OPENAI_API_KEY (local)?\n"
    )


def test_an_error_under_json_is_an_object_with_the_same_code(sophia: Program) -> None:
    done = sophia("get", "NOPE", "--json")
    assert (done.code, done.err) == (3, "")
    assert done.json["schema"] == 1
    assert done.json["error"]["kind"] == "not_found"


def test_the_environment_answers_last_and_by_the_old_rule(sophia: Program) -> None:
    assert sophia("get", "my-key.name", MY_KEY_NAME="from env").out == "from env\n"
    sophia.store("SHARED", "local one")
    done = sophia("get", "SHARED", "--json", SHARED="env one").json
    assert (done["value"], done["backend"]) == ("local one", "local")


def test_explain_shows_the_shadowed_copy_and_no_value(sophia: Program) -> None:
    sophia.store("SHARED", "canary-value-1")
    done = sophia("explain", "SHARED", SHARED="canary-value-2")
    assert done.code == 0
    assert "SHARED comes from local" in done.out
    assert "another value" in done.out
    assert "canary-value" not in done.said


def test_explain_of_a_missing_name_is_3(sophia: Program) -> None:
    assert sophia("explain", "NOPE").code == 3
    done = sophia("explain", "NOPE", "--json")
    assert (done.code, done.json["resolves_from"]) == (3, None)


def test_list_names_alone_one_a_line(sophia: Program) -> None:
    sophia.store("B_KEY", "1")
    sophia.store("A_KEY", "2")
    assert sophia("list", "--names").out == "A_KEY\nB_KEY\n"
    assert sophia("list", "B", "--names").out == "B_KEY\n"


def test_list_json_keeps_the_promised_shape(sophia: Program) -> None:
    sophia.store("A_KEY", "1")
    shape = sophia("list", "--json").json
    assert shape == {
        "schema": 1,
        "secrets": [
            {
                "name": "A_KEY",
                "resolves_from": "local",
                "backends": {
                    "local": {"state": "readable", "updated_at": None, "drift": None},
                    "env": {"state": "absent", "updated_at": None, "drift": None},
                },
            }
        ],
        "failures": [],
    }


def test_set_never_takes_a_value_from_the_command_line_and_does_not_repeat_it(sophia: Program) -> None:
    """L1"""
    done = sophia("set", "API_KEY", "canary-on-argv", "--backend", "local")
    assert done.code == 2
    assert "canary-on-argv" not in done.said
    assert "`sophia-secrets set API_KEY --backend local`" in done.err
    assert "standard input" in done.err
    assert sophia("get", "API_KEY").code == 3


@pytest.mark.parametrize("command", ["set", "rotate"])
def test_L1_name_and_value_in_one_word_are_refused_and_the_value_is_not_repeated(
    sophia: Program, command: str
) -> None:
    for flags in ((), ("--json",)):
        done = sophia(command, "API_KEY=canary-on-argv", "--backend", "local", *flags, stdin="v")
        assert done.code == 2
        assert "canary" not in done.said.lower()
        assert f"sophia-secrets {command} API_KEY --backend local`" in done.said
    assert "canary" not in sophia("get", "API_KEY=canary-on-argv").said.lower()


def test_the_hint_of_a_refused_value_is_no_command_where_the_name_is_no_name(sophia: Program) -> None:
    done = sophia("set", "--backend", "local", "--", "-X", "v")
    assert done.code == 2
    assert "hint: Give it on standard input." in done.err


def test_set_of_the_value_that_is_there_says_so_and_keeps_the_version(sophia: Program) -> None:
    sophia.store("API_KEY", "first")
    sophia.store("API_KEY", "second")
    done = sophia("set", "API_KEY", "--backend", "local", stdin="second")
    assert (done.code, done.out) == (0, "")
    assert "holds that value of API_KEY already, version 2." in done.err
    told = sophia("set", "API_KEY", "--backend", "local", "--json", stdin="second").json
    assert (told["version"], told["verified"]) == (2, True)
    assert sophia("info", "API_KEY", "--json").json["version"] == 2


def test_a_value_for_the_clipboard_is_not_shown_as_json(sophia: Program) -> None:
    sophia.store("API_KEY", "canary-of-the-clipboard")
    done = sophia("get", "API_KEY", "--clip", "--json")
    assert done.code == 2
    assert "canary" not in done.said


def test_set_without_a_backend_lists_those_that_could_be(sophia: Program) -> None:
    done = sophia("set", "API_KEY", stdin="v")
    assert done.code == 2
    assert "local (" in done.err


@pytest.mark.parametrize("name", ["-x", "a=b", "a b", "a\nb", "", "a\tb"])
def test_I1_I2_names_that_no_vendor_may_be_handed_are_refused(sophia: Program, name: str) -> None:
    assert sophia("get", "--", name).code == 2
    assert sophia("set", "--backend", "local", "--", name, stdin="v").code == 2


def test_a_name_against_the_convention_gets_the_right_one(sophia: Program) -> None:
    done = sophia("set", "my-key", "--backend", "local", stdin="v")
    assert done.code == 2
    assert "Use `MY_KEY`." in done.err


def test_delete_asks_unless_told_and_reports_what_is_not_there(sophia: Program) -> None:
    sophia.store("API_KEY", "v")
    assert sophia("delete", "API_KEY", "--backend", "local").code == 2
    assert sophia("get", "API_KEY").code == 0
    assert sophia("delete", "API_KEY", "--backend", "local", "--yes").code == 0
    assert sophia("delete", "API_KEY", "--backend", "local", "--yes").code == 3
    assert sophia("delete", "API_KEY", "--backend", "local", "--yes", "--if-exists").code == 0


def test_info_counts_what_was_handed_out(sophia: Program) -> None:
    sophia.store("API_KEY", "v")
    for _ in range(3):
        sophia("get", "API_KEY")
    sophia("explain", "API_KEY")
    sophia.store("API_KEY", "v2")
    shape = sophia("info", "API_KEY", "--json").json
    assert (shape["version"], shape["access_count"]) == (2, 3)
    assert shape["last_accessed"]
    assert shape["last_rotated"]
    assert shape["backends"]["local"]["written_by_us"] is True


def test_every_access_is_audited_before_it_is_answered(sophia: Program) -> None:
    sophia.store("API_KEY", "v")
    sophia("get", "API_KEY", "--reason", "because")
    sophia("get", "NOPE")
    events = sophia.events()
    assert [(e["command"], e.get("name"), e["outcome"]) for e in events[-2:]] == [
        ("get", "API_KEY", "found"),
        ("get", "NOPE", "absent"),
    ]
    assert events[-2]["reason"] == "because"
    assert sophia("audit", "verify").code == 0


def test_A1_nothing_is_handed_out_where_the_log_cannot_be_written(sophia: Program) -> None:
    sophia.store("API_KEY", "canary-unaudited")
    (log,) = [path for path in sophia.files() if path.name == "audit.jsonl"]
    log.unlink()
    log.mkdir()
    done = sophia("get", "API_KEY")
    assert (done.code, done.out) == (6, "")
    assert "canary-unaudited" not in done.said


def test_verify_names_the_line_that_was_changed(sophia: Program) -> None:
    sophia.store("API_KEY", "v")
    sophia("get", "API_KEY")
    (log,) = [path for path in sophia.files() if path.name == "audit.jsonl"]
    text = log.read_text()
    log.write_text(text.replace('"found"', '"absent"'))
    done = sophia("audit", "verify", "--json")
    assert (done.code, done.json["ok"]) == (6, False)
    assert done.json["first_bad"]["line"] == text[: text.index('"found"')].count("\n") + 1


def test_F3_everything_that_is_kept_is_private_whatever_the_umask(sophia: Program) -> None:
    before = os.umask(0)
    try:
        sophia.store("API_KEY", "v")
        sophia("get", "API_KEY")
        sophia("cache", "warm")
    finally:
        os.umask(before)
    for path in sophia.sophia.rglob("*"):
        allowed = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == allowed, path


def test_F4_a_state_that_others_can_read_is_refused_with_the_fix(sophia: Program) -> None:
    sophia.store("API_KEY", "v")
    state = sophia.sophia / "state"
    state.chmod(0o755)
    done = sophia("get", "API_KEY")
    assert (done.code, done.out) == (6, "")
    assert f"chmod 700 {state}" in done.err


def test_F5_without_a_place_for_the_state_the_answer_names_the_variable(sophia: Program) -> None:
    environment = {"SOPHIA_SECRETS_HOME": "/proc/nowhere", "X_KEY": "v"}
    done = sophia("get", "X_KEY", **environment)
    assert done.code == 6
    assert "SOPHIA_SECRETS_HOME" in done.err
    done = sophia("get", "X_KEY", SOPHIA_SECRETS_AUDIT="best-effort", **environment)
    assert (done.code, done.out) == (0, "v\n")


def test_doctor_on_a_fresh_machine_finds_nothing_wrong(sophia: Program) -> None:
    done = sophia("doctor", "--json")
    assert (done.code, done.json["ok"]) == (0, True)
    assert {"id", "status", "message", "hint"} == set(done.json["checks"][0])


def test_every_command_that_another_tools_word_leads_to_is_there(sophia: Program) -> None:
    assert not MEANT.keys() & (COMMANDS.keys() | ALIASES.keys())
    for meant in set(MEANT.values()):
        done = sophia(*meant.split(), *["--help"] * (not meant.startswith("-")))
        assert done.code == 0, meant


@pytest.mark.parametrize("option", ["--profile", "--config", "--timeout", "--max-stale", "--reason"])
def test_a_global_option_without_its_value_does_not_take_the_command_for_it(
    sophia: Program, option: str
) -> None:
    done = sophia("get", "X", "--no-color", option)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"error: `{option}` needs a value.\nhint: ")
    as_json = sophia("get", "X", "--json", option)
    assert (as_json.code, as_json.json["error"]["kind"]) == (2, "usage")


def test_the_json_of_an_error_is_asked_for_by_our_option_and_not_by_the_commands_own(
    sophia: Program,
) -> None:
    theirs = sophia("run", "no-such-command", "--json")
    assert (theirs.code, theirs.out) == (127, "")
    assert theirs.err.startswith("error: `no-such-command`: command not found.")
    assert sophia("run", "--json", "no-such-command").json["error"]["kind"]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("get",), 2, "NAME"),
        (("gett", "X"), 2, "Did you mean"),
        (("audit",), 2, "Its commands are `sophia-secrets audit report`, "),
        (("rotation",), 2, "Run `sophia-secrets rotation status`."),
        (("audit", "verfy"), 2, "Did you mean `sophia-secrets audit verify`?"),
        (("cache", "nothing"), 2, "See `sophia-secrets cache --help`."),
        (("set", "X", "--backend"), 2, "See `sophia-secrets set --help`."),
        (("audit", "log", "--last", "x"), 2, "`--last x` is not a whole number of 1 or more."),
        (("audit", "log", "-n", "0"), 2, "hint: Write it as `sophia-secrets audit log --last 20`."),
        (("audit", "log", "--last", "-1"), 2, "`--last -1` is not"),
        (
            ("get", "A", "B"),
            2,
            "`sophia-secrets get` got an unexpected argument `B`.\nhint: Write `sophia-",
        ),
        (
            ("copy", "A", "--from", "local"),
            2,
            "`sophia-secrets copy` needs `--to`.\nhint: Write `sophia-secrets",
        ),
        (("set",), 2, "Write `sophia-secrets set NAME`;"),
        (("exec", "env"), 2, "There is no command `exec`.\nhint: Did you mean `sophia-secrets run`?"),
        (("version",), 2, "Did you mean `sophia-secrets --version`?"),
        (("init",), 2, "Did you mean `sophia-secrets config init`?"),
        (
            ("list", "--format", "json"),
            2,
            "no option `--format` here.\nhint: For an answer as JSON add `--json`",
        ),
        (("list", "-o", "json"), 2, "For an answer as JSON add `--json`"),
        (("copy",), 2, "needs NAME.\nhint: Write `sophia-secrets copy NAME... --from B --to B`;"),
        (
            ("config", "model", "--output"),
            2,
            "`--output` needs a value.\nhint: See `sophia-secrets config model -",
        ),
        (("delete", "X", "--yes=1"), 2, "`--yes` takes no value."),
        (("get", "X", "--strict=1"), 2, "`--strict` takes no value.\nhint: Write `--strict` alone."),
        (
            ("--timeout", "-1", "get", "X"),
            2,
            "`--timeout -1` is not a time of more than 0 seconds.\nhint: Write",
        ),
        (("get", "X", "--timeout", "0"), 2, "`--timeout 0` is not"),
        (("get", "X", "--timeout="), 2, "`--timeout` is not"),
        (
            ("get", "X", "--max-stale", "-1"),
            2,
            "`--max-stale -1` is not an age.\nhint: Write it as `--max-stale 90`",
        ),
        (("audit", "log", "--since", "-1h"), 2, "`--since -1h` is not a time."),
        (("get", "X", "--bakend", "local"), 2, "--bakend"),
        (("get", "X", "--backend", "nowhere"), 2, "There is no backend `nowhere`"),
        (("get", "X", "--backend", "fly"), 2, "fly is not configured"),
        (("--profile", "nope", "get", "X"), 2, "nope"),
        (("--config", "/no/such.toml", "get", "X"), 2, "/no/such.toml"),
        (("--timeout", "soon", "get", "X"), 2, "timeout"),
        (("get", "X", "--max-stale", "soon"), 2, "--max-stale"),
        (("help", "nothing"), 2, "There is no page"),
        (("completion", "tcsh"), 2, "tcsh"),
        (("info", "NEVER_SEEN"), 3, "Nothing is known"),
        (("set", "X", "--backend", "local", "--generate", "hex:1"), 2, "hex:1"),
        (("set", "X", "--backend", "local", "--from-file", "/no/such/file"), 2, "/no/such/file"),
        (("set", "X", "--backend", "env"), 2, "env"),
    ],
)
def test_bad_input_ends_in_a_sentence_and_its_code(
    sophia: Program, arguments: tuple[str, ...], code: int, says: str
) -> None:
    done = sophia(*arguments, stdin="v")
    assert (done.code, done.out) == (code, "")
    assert done.err.count("error: ") == 1
    assert len([line for line in done.err.splitlines() if not line.startswith("note: ")]) <= 2
    assert says in done.err
    assert "Traceback" not in done.err
    under_json = sophia(*arguments, "--json", stdin="v")
    assert under_json.code == code
    assert json.loads(under_json.out)["error"]["message"]


@pytest.mark.parametrize(("size", "code"), [(1 << 20, 0), ((1 << 20) + 1, 2)])
def test_a_file_larger_than_a_value_can_be_is_refused(sophia: Program, size: int, code: int) -> None:
    (sophia.cwd / "big.txt").write_bytes(b"x" * size)
    done = sophia("set", "BIG_KEY", "--backend", "local", "--from-file", "big.txt")
    assert done.code == code, done.err
    assert ("big.txt cannot be read: it is larger than 1,048,576 bytes." in done.err) == bool(code)


def test_a_file_named_by_a_dash_is_standard_input(sophia: Program) -> None:
    assert sophia("set", "API_KEY", "--backend", "local", "--from-file", "-", stdin="kept\n").code == 0
    assert sophia("get", "API_KEY", "--raw").out == "kept\n"


def test_in_a_directory_that_is_gone_the_rest_works_and_what_cannot_says_so(sophia: Program) -> None:
    sophia.store("API_KEY", "v")
    gone = sophia.root / "gone"
    code = "import asyncio; from sophia_secrets.manager import get_secret; print(asyncio.run(get_secret('API_KEY')))"

    def there(*command: str) -> subprocess.CompletedProcess[str]:
        gone.mkdir()
        line = 'rmdir "$PWD" && exec "$@"'
        return subprocess.run(
            ["/bin/sh", "-c", line, "sh", *command],
            cwd=gone,
            env=sophia.full_environment(),
            capture_output=True,
            text=True,
            check=False,
        )

    assert there(str(PROGRAM), "get", "API_KEY").stdout == "v\n"
    python = str(PROGRAM.parent / "python")
    if there(python, "-c", "import asyncio").returncode == 0:  # CPython 3.13.0 itself cannot, in such a place
        assert there(python, "-c", code).stdout == "v\n"
    for words in (("config", "init"), ("trust",), ("trust", "some.toml")):
        done = there(str(PROGRAM), *words)
        assert (done.returncode, done.stderr.splitlines()[0]) == (2, "error: The working directory is gone.")


def test_no_summary_in_a_help_page_is_cut(sophia: Program) -> None:
    for command in ("", "audit", "cache", "config", "rotation"):
        assert "..." not in sophia(*command.split(), "--help").out.replace("]...", "")


@pytest.mark.parametrize("page", [("--help",), ("get", "--help"), ("audit", "-h"), ("help", "get")])
def test_F7_a_page_of_help_that_nobody_can_take_is_exit_1(sophia: Program, page: tuple[str, ...]) -> None:
    assert sophia(*page).code == 0
    for where, reason in (("&-", "it is closed"), ("/dev/full", "No space left on device")):
        done = subprocess.run(
            ["/bin/sh", "-c", f'exec "$0" "$@" >{where}', str(PROGRAM), *page],
            env=sophia.full_environment(),
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr.splitlines()[0]) == (
            1,
            f"error: Standard output could not be written: {reason}.",
        )
        assert ("Free some space" in done.stderr) == (where == "/dev/full")


def test_an_alias_has_a_help_page_as_its_command_has(sophia: Program) -> None:
    assert sophia("help", "unset").out == sophia("unset", "--help").out


def test_generate_without_a_specification_makes_the_declared_value(sophia: Program) -> None:
    (sophia.cwd / "sophia-secrets.toml").write_text('[secrets.PIN]\ngenerate = "digits:8"\n')
    assert sophia("set", "PIN", "--generate", "--backend", "local").code == 0
    first = sophia("get", "PIN", "--raw").out
    assert (len(first), first.isdigit()) == (8, True)
    assert sophia("rotate", "PIN", "--yes", "--generate").code == 0
    second = sophia("get", "PIN", "--raw").out
    assert (len(second), second.isdigit(), second == first) == (8, True, False)
    assert sophia("set", "OTHER", "--backend", "local", "--generate").code == 0
    assert sophia("set", "OTHER", "--backend", "local", "--generate", "uuid").code == 0
    assert sophia("run", "--", "echo", "--generate").out == "--generate\n"


def test_global_options_may_stand_anywhere(sophia: Program) -> None:
    sophia.store("API_KEY", "v")
    assert sophia("get", "--json", "API_KEY").json["value"] == "v"
    assert sophia("--json", "get", "API_KEY").json["value"] == "v"


def test_E2_a_full_or_closed_standard_output_is_not_success(sophia: Program) -> None:
    sophia.store("API_KEY", "v")
    command = f"{PROGRAM} get API_KEY"
    for redirection, code in ((">/dev/full", 1), (">&-", 1)):
        done = subprocess.run(
            ["sh", "-c", f"{command} {redirection}"],
            env=sophia.full_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, redirection
        assert "Standard output could not be written" in done.stderr
        assert "Traceback" not in done.stderr


def test_E2_a_reader_that_went_away_ends_it_quietly(sophia: Program) -> None:
    for i in range(3):
        sophia.store(f"KEY_{i}", "v")
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {PROGRAM} list | true; echo ${{PIPESTATUS[0]}}"],
        env=sophia.full_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.strip() in ("0", "141")


def test_F7_started_without_the_standard_descriptors_nothing_of_ours_takes_their_place(
    sophia: Program,
) -> None:
    sophia.store("API_KEY", "canary-descriptor")
    for closing in ("<&-", "2>&-", "<&- 2>&-", ">&- 2>&-", "<&- >&- 2>&-"):
        subprocess.run(
            ["sh", "-c", f"{PROGRAM} get API_KEY {closing}"],
            env=sophia.full_environment(),
            capture_output=True,
            check=False,
            timeout=30,
        )
    for path in sophia.files():
        assert b"canary-descriptor" not in path.read_bytes(), path


@pytest.mark.parametrize("locale", ["C", "C.UTF-8", "POSIX"])
def test_E1_values_are_utf8_in_every_locale(sophia: Program, locale: str) -> None:
    sophia.store("EMOJI", "ключ 🔑 é")
    done = sophia("get", "EMOJI", LC_ALL=locale, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert done.out == "ключ 🔑 é\n"


def test_an_age_that_is_none_and_an_option_that_is_none_are_refused_with_the_way_out(
    sophia: Program,
) -> None:
    done = sophia("get", "API_KEY", "--max-stale", "soon")
    assert done.code == 2
    assert "`--max-stale soon` is not an age." in done.err
    assert "Write it as `--max-stale 90`, `10m`, `24h` or `7d`." in done.err
    done = sophia("list", "--backnd", "local")
    assert done.code == 2
    assert "There is no option `--backnd` here." in done.err
    assert "Did you mean `--backend`?" in done.err


def test_a_value_that_is_no_text_is_refused_and_not_shown(sophia: Program) -> None:
    done = sophia("set", "API_KEY", "--backend", "local", stdin=b"canary\xff")
    assert done.code == 2
    assert "The value is not UTF-8 text." in done.err
    assert "canary" not in done.said
    assert sophia("get", "API_KEY").code == 3


def test_L4_debug_shows_where_an_error_came_from_and_no_value(sophia: Program) -> None:
    sophia.store("OTHER_KEY", "canary-of-the-traceback")
    done = sophia("get", "API_KEY", "--debug")
    assert done.code == 3
    assert "traceback, outermost first:\n" in done.err
    assert re.search(r"^  /.*\.py:\d+ in \w+$", done.err, re.MULTILINE)
    assert "canary" not in done.said
    assert "traceback" not in sophia("get", "API_KEY").err


@pytest.mark.parametrize(
    "command",
    [
        ("get", "API_KEY"),
        ("list",),
        ("explain", "API_KEY"),
        ("set", "API_KEY", "--backend", "pulumi", "--generate", "uuid"),
        ("delete", "API_KEY", "--backend", "pulumi", "--yes"),
        ("doctor",),
        ("cache", "warm"),
    ],
)
def test_debug_shows_the_words_that_a_hint_promises(sophia: Program, command: tuple[str, ...]) -> None:
    pulumi = sophia.root / "pulumi"
    pulumi.write_text('#!/bin/sh\nprintf "something entirely new\\n\\n  of two lines\\n" >&2\nexit 1\n')
    pulumi.chmod(0o700)
    sophia.environment |= {"SOPHIA_SECRETS_PULUMI": str(pulumi), "PULUMI_ENVIRONMENT": "acme/app/production"}
    plain = sophia(*command)
    assert "Run the command again with `--debug` to see its words." in plain.said
    assert "something entirely new" not in plain.said
    done = sophia(*command, "--debug")
    assert done.code == plain.code
    said = [line for line in done.err.splitlines() if " said: " in line]
    assert [line.partition(" said: ")[2] for line in said] == ["something entirely new", "of two lines"]
    assert all(line.startswith("note: pulumi") for line in said)
    assert "something entirely new" not in done.out


def test_debug_says_that_a_vendor_said_nothing(sophia: Program) -> None:
    pulumi = sophia.root / "pulumi"
    pulumi.write_text("#!/bin/sh\nexit 1\n")
    pulumi.chmod(0o700)
    sophia.environment |= {"SOPHIA_SECRETS_PULUMI": str(pulumi), "PULUMI_ENVIRONMENT": "acme/app/production"}
    done = sophia("get", "API_KEY", "--debug")
    assert "note: pulumi (acme/app/production) said: nothing that may be shown\n" in done.err


def test_a_value_for_the_clipboard_goes_to_the_desktops_program_and_nowhere_else(sophia: Program) -> None:
    sophia.store("API_KEY", "canary-of-the-clipboard")
    place = sophia.root / "bin"
    place.mkdir()
    path = f"{place}:/usr/bin:/bin"
    missing = sophia("get", "API_KEY", "--clip", PATH=str(place))
    assert missing.code == 5
    assert "Install one of pbcopy, wl-copy, xclip or xsel" in missing.err
    for program, script in (
        ("wl-copy", "exit 1"),
        ("xclip", f'echo "$@" > {place}/words; cat > {place}/kept'),
    ):
        (place / program).write_text(f"#!/bin/sh\n{script}\n")
        (place / program).chmod(0o755)
    done = sophia("get", "API_KEY", "--clip", PATH=path)
    assert (done.code, done.out) == (0, "")
    assert (place / "kept").read_text() == "canary-of-the-clipboard"
    assert (place / "words").read_text() == "-selection clipboard\n"
    assert "canary" not in done.said + missing.said


def test_delete_and_explain_in_json_and_what_they_need(sophia: Program) -> None:
    sophia.store("API_KEY", "canary-of-the-vault")
    shape = sophia("explain", "API_KEY", "--json").json
    assert shape["backend"] == "local"
    assert "canary" not in json.dumps(shape)
    told = sophia("get", "API_KEY", "--explain")
    assert (told.code, told.out) == (0, "canary-of-the-vault\n")
    assert "API_KEY comes from local" in told.err
    refused = sophia("delete", "API_KEY", "--yes")
    assert refused.code == 2
    assert "Say where to delete from with `--backend`." in refused.err
    done = sophia("delete", "API_KEY", "--backend", "local", "--yes", "--json")
    assert done.code == 0
    assert done.json["deleted"] is done.json["verified"] is True
    assert (done.json["name"], done.json["backend"]) == ("API_KEY", "local")
    assert sophia("explain", "API_KEY", "--json").code == 3
    both = sophia("set", "API_KEY", "--backend", "local", "--from-file", "f", "--generate", "uuid")
    assert both.code == 2
    assert "`--from-file` and `--generate` exclude each other." in both.err
