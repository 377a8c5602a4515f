"""A value is in no argument, log, error, file or foreign environment (faults L1 to L7, K5)."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.canary import kept_files, leaks
from tests.program import Done, Program
from tests.world import World

CANARY = 'cAnArY-7f3a/é+"quoted"&<x>'
PEM = "-----BEGIN KEY-----\nMIIcanaryline0001\nMIIcanaryline0002\n-----END KEY-----"
TOKENS = {
    "GH_TOKEN": "tok-github",
    "PULUMI_ACCESS_TOKEN": "tok-pulumi",
    "FLY_API_TOKEN": "tok-fly",
    "AWS_SECRET_ACCESS_KEY": "tok-aws",
    "SOPHIA_GITHUB_SECRETS_JSON": '{"X":"tok-blob"}',
    "SOPHIA_SECRETS_CACHE_KEY": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
}


def said(done: Done) -> list[tuple[str, bytes]]:
    return [("standard output", done.out.encode()), ("standard error", done.err.encode())]


def spy(directory: Path, word: str, script: str) -> tuple[Path, Path]:
    """A vendor's program that writes down all it gets, then does what the script says."""
    record = directory / f"{word}-record"
    program = directory / f"{word}-spy"
    program.write_text(
        "#!/bin/sh\n"
        f"{{ tr '\\0' '\\n' </proc/$$/cmdline; echo; echo ENVIRONMENT; tr '\\0' '\\n' </proc/$$/environ; }} >>{record}\n"
        f"{script}\n"
    )
    program.chmod(0o700)
    return program, record


@pytest.mark.parametrize("value", [CANARY, PEM], ids=["one line", "a key"])
@pytest.mark.parametrize("backend", ["github", "pulumi", "fly", "local"])
def test_L1_L2_L4_no_command_leaks_a_stored_value(
    sophia: Program, vendors: World, value: str, backend: str
) -> None:
    for arguments, stdin in (
        (("set", "API_KEY", "--backend", backend, "--debug"), value),
        (("list", "--debug", "--no-cache"), ""),
        (("list", "--json"), ""),
        (("explain", "API_KEY", "--debug"), ""),
        (("info", "API_KEY"), ""),
        (("doctor", "--debug"), ""),
        (("audit", "log", "--json"), ""),
        (("audit", "verify", "--head"), ""),
        (("cache", "warm", "--debug"), ""),
        (("cache", "status"), ""),
        (("config", "show"), ""),
        (("delete", "API_KEY", "--backend", backend, "--yes", "--debug"), ""),
    ):
        done = sophia(*arguments, stdin=stdin)
        assert done.code == 0, (arguments, done.said)
        assert leaks(value, said(done)) == [], arguments
    assert leaks(value, kept_files(sophia.sophia)) == []
    starts = json.dumps(
        [{k: v for k, v in call.items() if k != "stdin"} for call in vendors.fly.calls] + vendors.pulumi.calls
    )
    assert leaks(value, [("vendors' arguments and environments", starts.encode())]) == []


@pytest.mark.parametrize(
    "echo",
    [
        'sed "s/^/Error: bad line: /" >&2; exit 1',
        "base64 >&2; exit 1",
        "cat; exit 0",
        'while IFS= read -r line; do printf "%s" "$line" | cut -c1-5 >&2; printf "%s" "$line" >&2; done; exit 3',
    ],
    ids=["lines", "base64", "standard output", "in pieces"],
)
@pytest.mark.parametrize("backend", ["github", "pulumi", "fly"])
def test_L7_a_vendor_that_echoes_its_input_gives_nothing_away(
    sophia: Program, vendors: World, tmp_path: Path, backend: str, echo: str
) -> None:
    variable = {"github": "SOPHIA_SECRETS_GH", "pulumi": "SOPHIA_SECRETS_PULUMI", "fly": "SOPHIA_SECRETS_FLY"}
    program, record = spy(tmp_path, backend, echo)
    sophia.environment[variable[backend]] = str(program)
    for value in (PEM, "one-line-canary-9c1"):
        for flags in ((), ("--debug",), ("--json",)):
            done = sophia("set", "API_KEY", "--backend", backend, *flags, stdin=value)
            assert done.code != 1, done.said
            assert done.code != 0 or flags == ("--json",) or "not verified" in done.err
            assert leaks(value, said(done)) == []
        assert leaks(value, kept_files(sophia.sophia)) == []
        assert leaks(value, [("start", record.read_bytes())]) == []


@pytest.mark.parametrize(
    ("word", "backend", "own"),
    [("gh", "github", "tok-github"), ("pulumi", "pulumi", "tok-pulumi"), ("fly", "fly", "tok-fly")],
)
def test_L2_G3_a_vendor_gets_its_own_token_and_nobody_elses(
    sophia: Program, vendors: World, tmp_path: Path, word: str, backend: str, own: str
) -> None:
    program, record = spy(tmp_path, word, "exit 1")
    sophia.environment[f"SOPHIA_SECRETS_{word.upper()}"] = str(program)
    extra = {
        **TOKENS,
        "FLY_APP": "evil", "GH_REPO": "evil/evil", "GH_DEBUG": "api", "DEBUG": "api", "LOG_LEVEL": "debug",
        "PULUMI_OPTION_YES": "1", "PULUMI_STACK_X": "1", "FLY_API_BASE_URL": "http://evil", "EDITOR": "vi",
        "PAGER": "less", "BROWSER": "x", "FLY_UPDATE_CHECK": "1", "LD_PRELOAD": "/evil.so", "X_OTHER": "tok-x",
    }  # fmt: skip
    sophia("list", "--no-cache", "--backend", backend, **extra)
    text = record.read_text()
    assert own in text
    environment = text.partition("ENVIRONMENT")[2]
    others = [
        value
        for value in ("tok-github", "tok-pulumi", "tok-fly", "tok-aws", "tok-blob", "tok-x")
        if value != own
    ]
    assert [value for value in others if value in environment] == []
    assert "SOPHIA_" not in environment
    for name in ("FLY_APP=", "GH_REPO", "GH_DEBUG", "DEBUG=", "LOG_LEVEL", "PULUMI_OPTION", "FLY_API_BASE_URL",
                 "EDITOR", "PAGER", "BROWSER", "FLY_UPDATE_CHECK", "LD_PRELOAD"):  # fmt: skip
        assert f"\n{name}" not in environment, name
    assert TOKENS["SOPHIA_SECRETS_CACHE_KEY"] not in text


def test_K5_a_weak_cache_key_is_refused_and_not_repeated(sophia: Program) -> None:
    done = sophia("get", "X_KEY", SOPHIA_SECRETS_CACHE_KEY="hunter2-passphrase", X_KEY="v")
    assert (done.code, done.out) == (2, "")
    assert "hunter2" not in done.said


def test_C3_C9_I9_I10_a_hostile_clone_runs_nothing_and_redirects_nothing(
    sophia: Program, vendors: World, tmp_path: Path
) -> None:
    trap = tmp_path / "sprung"
    clone = sophia.cwd
    (clone / "sophia-secrets.toml").write_text(
        '[github]\nrepository = "evil/evil"\n[fly]\napp = "evil-app"\n[pulumi]\nenvironment = "evil/evil/evil"\n'
    )
    (clone / "fly.toml").write_text('app = "evil-app"\n')
    (clone / "Pulumi.yaml").write_text("name: evil\nruntime: yaml\nbackend:\n  url: http://127.0.0.1:1\n")
    (clone / ".env").write_text("API_KEY=evil\n")
    for name in ("gh", "pulumi", "fly", "flyctl", "git", "age"):
        (clone / name).write_text(f"#!/bin/sh\ntouch {trap}\n")
        (clone / name).chmod(0o755)
    for name in ("json.py", "tomllib.py", "typing.py", "sitecustomize.py", "typer.py"):
        (clone / name).write_text(f"open({str(trap)!r}, 'w')\n")
    for variable in ("SOPHIA_SECRETS_GH", "SOPHIA_SECRETS_PULUMI", "SOPHIA_SECRETS_FLY"):
        del sophia.environment[variable]
    path = f":.:{clone}/../work:" + sophia.full_environment()["PATH"]
    without_targets = {"GITHUB_REPOSITORY": "", "FLY_APP_NAME": "", "PULUMI_ENVIRONMENT": ""}
    for arguments in (
        ("get", "API_KEY"),
        ("list",),
        ("doctor",),
        ("backends", "--json"),
        ("explain", "API_KEY"),
    ):
        done = sophia(*arguments, PATH=path, **without_targets)
        assert "evil" not in done.out.replace(str(clone), ""), arguments
        assert "note: " in done.err
    refused = sophia("set", "API_KEY", "--backend", "github", stdin="v", PATH=path)
    assert refused.code == 2
    assert "sophia-secrets trust" in refused.err
    assert not trap.exists()
    assert vendors.github.requests == []
    assert sophia("trust").code == 0
    rows = {row["backend"]: row for row in sophia("backends", "--json", **without_targets).json["backends"]}
    assert rows["github"]["target"] == "evil/evil"
    (clone / "sophia-secrets.toml").write_text('[github]\nrepository = "worse/worse"\n')
    rows = {row["backend"]: row for row in sophia("backends", "--json", **without_targets).json["backends"]}
    assert rows["github"]["configured"] is False


def test_C9_a_project_file_may_not_name_programs(sophia: Program) -> None:
    (sophia.cwd / "sophia-secrets.toml").write_text('[programs]\ngh = "/tmp/evil"\n')
    done = sophia("list")
    assert done.code == 2
    assert "sophia-secrets.toml:1" in done.err or "sophia-secrets.toml:2" in done.err


@pytest.mark.parametrize(
    "hostile",
    ["\x1b]0;owned\x07", "\x1b[2J", "\u202eevil", "[bold]x[/bold]", "[/etc/x]", "::set-output name=x::y"],
)
def test_I5_I6_G2_hostile_names_are_spelled_out(sophia: Program, vendors: World, hostile: str) -> None:
    with vendors.pulumi.service() as service:
        body = {"values": {"environmentVariables": {f"A{hostile}": "v", "B_KEY": "v"}}}
        service.define("acme/app/production", json.dumps(body))
    for arguments in (("list",), ("explain", "B_KEY"), ("get", "B_KEX")):
        done = sophia(*arguments, GITHUB_ACTIONS=os.environ.get("NOT_A_WORKFLOW", ""))
        assert "\x1b" not in done.said
        assert "\u202e" not in done.said
        assert "\x07" not in done.said
        assert "Traceback" not in done.said
    in_workflow = sophia("list", GITHUB_ACTIONS="true")
    assert not any(line.lstrip().startswith("::") for line in in_workflow.said.splitlines())
