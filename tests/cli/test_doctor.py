"""What `doctor` finds wrong on a machine, and the fix that it names for each."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from tests.program import Program


def checks(sophia: Program, code: int = 0, **environment: str) -> dict[str, dict[str, Any]]:
    done = sophia("doctor", "--json", **environment)
    assert done.code == code, done.said
    assert done.json["ok"] is (code == 0)
    return {row["id"]: row for row in done.json["checks"]}


def git(sophia: Program, *arguments: str) -> None:
    subprocess.run(
        ["git", *arguments], cwd=sophia.cwd, env=sophia.full_environment(), check=True, capture_output=True
    )


def test_settings_that_are_not_trusted_are_named_with_the_command(sophia: Program) -> None:
    path = sophia.cwd / "sophia-secrets.toml"
    path.write_text('[fly]\napp = "my-app"\n[secrets.myKey]\n[secrets.A_KEY]\n')
    found = checks(sophia)
    assert found["settings"]["message"] == f"Settings are read from {path}."
    assert found["settings.trust"]["status"] == "warn"
    assert found["settings.trust"]["hint"] == f"Read the file, then run `sophia-secrets trust {path}`."
    assert found["naming"]["message"] == "Declared names against the convention: myKey."
    assert found["naming"]["hint"] == "Rename them: myKey -> MY_KEY."


def test_a_target_that_is_none_is_a_failure_of_its_own_and_not_the_end(sophia: Program) -> None:
    sophia.user_settings('[github]\nrepository = "no repository"\n')
    found = checks(sophia, 7)
    assert found["github.target"]["status"] == "fail"
    assert found["github.target"]["hint"]
    assert found["key"]["status"] == "ok"
    done = sophia("doctor")
    assert done.code == 7
    assert "Something is wrong: see above for each fix." in done.out


def test_G5_a_state_inside_a_repository_is_a_warning(sophia: Program) -> None:
    (sophia.root / ".git").mkdir()
    found = checks(sophia)["state.git"]
    assert found["status"] == "warn"
    assert found["message"] == f"{sophia.sophia / 'state'} is inside the git repository {sophia.root}."
    done = sophia("doctor")
    assert (done.code, done.out.splitlines()[-1]) == (0, "Nothing is wrong; something needs a look.")


def test_what_is_switched_off_is_said(sophia: Program) -> None:
    sophia.user_settings('[cache]\nttl = 0\nstale_for = 0\n[audit]\nmode = "off"\n')
    found = checks(sophia)
    assert (found["cache"]["status"], found["cache"]["message"]) == ("skip", "The cache is switched off.")
    assert (found["audit"]["status"], found["audit"]["message"]) == (
        "warn",
        "The audit log is switched off.",
    )
    sophia.user_settings('[audit]\nmode = "best-effort"\n')
    sophia.store("API_KEY", "value")
    audit = checks(sophia)["audit"]
    assert audit["status"] == "warn"
    assert "(mode best-effort: an event that cannot be written stops nothing)" in audit["message"]


def test_A4_a_log_that_was_changed_is_named_by_its_line(sophia: Program) -> None:
    sophia.store("API_KEY", "value")
    (log,) = [path for path in sophia.files() if path.name == "audit.jsonl"]
    log.write_text(log.read_text().replace("API_KEY", "API_KEX", 1))
    found = checks(sophia, 7)["audit"]
    assert found["status"] == "fail"
    assert found["message"].startswith("The audit log does not verify: audit.jsonl:1: ")
    assert found["hint"] == "See `sophia-secrets audit verify`."


def test_a_check_that_cannot_be_made_is_a_failed_one_and_the_others_are_made(sophia: Program) -> None:
    sophia.store("API_KEY", "value")
    (log,) = [path for path in sophia.files() if path.name == "audit.jsonl"]
    log.unlink()
    log.mkdir()
    found = checks(sophia, 7)
    assert found["audit"]["status"] == "fail"
    assert (found["state"]["status"], found["local.file"]["status"]) == ("ok", "ok")


@pytest.mark.parametrize(
    ("names", "status"),
    [
        ((".env.example", "keys.env.age", "other"), "ok"),
        ((".env", "sub/.env.production", ".env.sample"), "fail"),
    ],
)
def test_a_dotenv_file_in_git_is_found_without_starting_git(
    sophia: Program, names: tuple[str, ...], status: str
) -> None:
    git(sophia, "init", "-q")
    for name in names:
        (sophia.cwd / name).parent.mkdir(exist_ok=True)
        (sophia.cwd / name).write_text("A=1\n")
    git(sophia, "add", "-f", ".")
    for _ in range(2):
        found = checks(sophia, 7 if status == "fail" else 0, PATH="/nowhere")["dotenv"]
        assert found["status"] == status
        if status == "fail":
            assert found["message"] == "Committed to git: .env, sub/.env.production."
            assert found["hint"].startswith("Run `git rm --cached .env`, ignore it,")
        git(sophia, "update-index", "--index-version", "3")


def test_an_index_that_cannot_be_read_is_passed_over_and_an_empty_one_is_fine(sophia: Program) -> None:
    git(sophia, "init", "-q")
    assert checks(sophia)["dotenv"]["status"] == "ok"
    (sophia.cwd / ".env").write_text("A=1\n")
    git(sophia, "add", "-f", ".")
    git(sophia, "update-index", "--index-version", "4")
    index = sophia.cwd / ".git" / "index"
    for spoilt in (index.read_bytes(), b"", b"DIRC\0\0\0\2\0\0\0\1", b"nonsense"):
        index.write_bytes(spoilt)
        found = checks(sophia)["dotenv"]
        assert (found["status"], found["message"]) == ("skip", "The git index could not be read.")
    (sophia.cwd / "tree").mkdir()
    (sophia.cwd / "tree" / ".git").write_text("gitdir: elsewhere\n")
    done = sophia("doctor", "--json", cwd=sophia.cwd / "tree")
    (found,) = [row for row in done.json["checks"] if row["id"] == "dotenv"]
    assert found["status"] == "skip"
