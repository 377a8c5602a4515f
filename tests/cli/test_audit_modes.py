"""The audit log switched off, and kept as far as it can be: what is answered, and what is said of it."""

from __future__ import annotations

import pytest

from tests.program import Program

OFF = {"SOPHIA_SECRETS_AUDIT": "off"}
BEST_EFFORT = {"SOPHIA_SECRETS_AUDIT": "best-effort"}


def without_a_log(sophia: Program) -> None:
    """Where the log stood is what cannot be one."""
    (log,) = [path for path in sophia.files() if path.name == "audit.jsonl"]
    log.unlink()
    log.mkdir()


def test_switched_off_everything_works_and_nothing_is_on_record(sophia: Program) -> None:
    sophia.environment |= OFF
    (sophia.cwd / "sophia-secrets.toml").write_text("[secrets.API_KEY]\nrotate_every = '90d'\n")
    sophia.store("API_KEY", "first")
    sophia.store("API_KEY", "second")
    assert sophia("get", "API_KEY").out == "second\n"
    assert sophia("run", "--", "printenv", "API_KEY").out == "second\n"
    assert sophia("export", "API_KEY").out == "API_KEY='second'\n"
    assert sophia("list", "--names").out == "API_KEY\n"
    assert sophia("explain", "API_KEY").code == 0
    assert sophia("rotate", "API_KEY", "--generate", "hex:16", "--yes").code == 0
    assert len(sophia("get", "API_KEY").out) == 33
    assert sophia("check").code in (0, 7)
    assert sophia("delete", "API_KEY", "--backend", "local", "--yes").code == 0
    assert sophia("get", "API_KEY").code == 3
    assert sophia.events() == []
    assert not [path for path in sophia.files() if path.name == "audit.jsonl"]


def test_switched_off_a_report_knows_what_is_declared_and_no_more(sophia: Program) -> None:
    (sophia.cwd / "sophia-secrets.toml").write_text("[secrets.API_KEY]\n")
    sophia.store("OTHER_KEY", "value")
    done = sophia("audit", "report", "--json", **OFF)
    assert done.code == 0
    assert done.json["never_read"] == ["API_KEY", "OTHER_KEY"]


@pytest.mark.parametrize("command", ["log", "verify", "report"])
def test_a_log_that_is_switched_off_says_so_where_it_is_looked_at(sophia: Program, command: str) -> None:
    sophia.store("API_KEY", "v")
    note = "note: The audit log is switched off (`[audit] mode`), so nothing is recorded now.\n"
    assert note in sophia("audit", command, **OFF).err
    assert note not in sophia("audit", command).err


def test_A1_as_far_as_it_can_be_an_access_is_answered_and_said_to_be_unaudited(sophia: Program) -> None:
    sophia.store("API_KEY", "value")
    without_a_log(sophia)
    assert sophia("get", "API_KEY").code == 6
    for arguments in (("get", "API_KEY"), ("run", "--", "printenv", "API_KEY"), ("export", "API_KEY")):
        done = sophia(*arguments, **BEST_EFFORT)
        assert done.code == 0
        assert done.out.removeprefix("API_KEY=").replace("'", "") == "value\n"
        assert done.err.count("The access was not audited.") == 1


def test_A3_as_far_as_it_can_be_a_write_is_made_and_said_to_be_unaudited(sophia: Program) -> None:
    sophia.store("API_KEY", "before")
    without_a_log(sophia)
    refused = sophia("set", "API_KEY", "--backend", "local", stdin="after")
    assert refused.code == 6
    done = sophia("set", "API_KEY", "--backend", "local", stdin="after", **BEST_EFFORT)
    assert done.code == 0
    assert "The write was made, but its outcome could not be audited:" in done.err
    assert sophia("get", "API_KEY", **BEST_EFFORT).out == "after\n"
    done = sophia("delete", "API_KEY", "--backend", "local", "--yes", **BEST_EFFORT)
    assert done.code == 0
    assert sophia("get", "API_KEY", **BEST_EFFORT).code == 3


@pytest.mark.parametrize("mode", ["best-effort", "off"])
def test_F5_without_a_place_for_the_key_nothing_is_cached_or_audited_and_that_is_said(
    sophia: Program, mode: str
) -> None:
    environment = {"SOPHIA_SECRETS_HOME": "/proc/nowhere", "X_KEY": "value", "SOPHIA_SECRETS_AUDIT": mode}
    done = sophia("list", "--json", **environment)
    assert done.code == 0
    done = sophia("get", "X_KEY", "--json", **environment)
    assert (done.code, done.json["value"]) == (0, "value")
    if mode == "best-effort":
        assert "Nothing is cached or audited." in done.err


def test_where_the_run_of_a_job_is_known_it_is_on_record(sophia: Program) -> None:
    sophia.store("API_KEY", "value")
    jobs = {
        "https://github.com/octo/app/actions/runs/7": {
            "GITHUB_RUN_ID": "7",
            "GITHUB_REPOSITORY": "octo/app",
        },
        "https://git.example/octo/app/actions/runs/7": {
            "GITHUB_RUN_ID": "7",
            "GITHUB_REPOSITORY": "octo/app",
            "GITHUB_SERVER_URL": "https://git.example",
        },
        "https://gitlab.example/jobs/1": {"CI": "true", "CI_JOB_URL": "https://gitlab.example/jobs/1"},
        "https://jenkins.example/1": {"BUILD_URL": "https://jenkins.example/1"},
        "CI": {"CI": "true"},
    }
    for environment in jobs.values():
        assert sophia("info", "API_KEY", **environment).code == 0
        assert sophia("get", "API_KEY", "--json", **environment).code == 0
    found = [event.get("ci") for event in sophia.events() if event["command"] == "get"]
    assert found == list(jobs)
