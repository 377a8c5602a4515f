"""
Habits of `pulumi` that the backend is built around, shown with the program alone.

Where one is gone, what guards against it can go too. The stand-in has each that it can have.
"""

from __future__ import annotations

import re
import subprocess

import pytest

from sophia_secrets.core.model import Failure, FailureKind
from tests.contract.test_real_pulumi import (
    REFERENCE,
    STACK,
    World,
    changes,
    stack,  # noqa: F401
    world,  # noqa: F401
)

DEFINITION = "values: {environmentVariables: {A: {fn::secret: first}}}"


def started(world: World, *arguments: str, stdin: str = "", **environ: str) -> tuple[int, str]:  # noqa: F811
    """Exit code and standard error of one start; nothing is ever on standard output here."""
    done = subprocess.run(
        [world.program, "--non-interactive", "--color", "never", *arguments],
        input=stdin.encode(),
        env=world.environ | {"PULUMI_SKIP_UPDATE_CHECK": "true", "NO_COLOR": "1"} | environ,
        cwd=world.cwd,
        capture_output=True,
        timeout=60,
    )
    assert done.stdout == b""
    told = done.stderr.decode().replace("Logging in using access token from PULUMI_ACCESS_TOKEN\n", "")
    return done.returncode, told.strip()


def test_removing_what_is_not_there_is_silent_and_makes_a_revision(world: World) -> None:  # noqa: F811
    world.define(DEFINITION)
    assert started(world, "env", "rm", REFERENCE, "environmentVariables.GONE") == (0, "")
    with world.service() as service:
        assert service.revisions[REFERENCE] == 2


def test_storing_the_same_value_makes_a_revision_too(world: World) -> None:  # noqa: F811
    world.define(DEFINITION)
    command = ("env", "set", REFERENCE, "environmentVariables.A", "--secret", "--string", "--file", "-")
    assert started(world, *command, stdin="first") == (0, "")
    with world.service() as service:
        assert service.revisions[REFERENCE] == 2


def test_removing_under_a_heading_that_is_not_there_is_a_crash(world: World) -> None:  # noqa: F811
    world.define(DEFINITION)
    code, told = started(world, "env", "rm", REFERENCE, "nothere.A")
    assert code == 1
    assert "The Pulumi CLI encountered a fatal error." in told
    assert re.search(r"^Panic: +runtime error: index out of range", told, re.MULTILINE)


def test_a_refused_value_is_exit_code_0_with_words_and_no_write(world: World) -> None:  # noqa: F811
    world.define(DEFINITION)
    command = ("env", "set", REFERENCE, "environmentVariables.A", "--secret", "--string", "--file", "-")
    code, told = started(world, *command, stdin="a${b")
    assert code == 0
    assert re.fullmatch(r"production:\d+:\d+: secret values must be string literals", told)
    assert world.held()["A"] == {"fn::secret": "first"}


def test_the_first_call_after_a_new_token_is_made_with_the_old_one(world: World) -> None:  # noqa: F811
    world.define(DEFINITION)
    with world.service() as service:
        service.tokens["old"] = "other"
        service.denied.append(["other", REFERENCE])
    remove = ("env", "rm", REFERENCE, "environmentVariables.GONE")
    code, told = started(world, *remove, PULUMI_ACCESS_TOKEN="old")
    assert (code, "[403]" in told) == (1, True)
    code, told = started(world, *remove)
    assert (code, "[403]" in told) == (1, True)
    assert started(world, *remove) == (0, "")


def test_a_stacks_value_from_an_empty_standard_input_is_an_empty_secret(stack: World) -> None:  # noqa: F811
    command = ("-C", "infra", "config", "set", "A", "--secret", "--stack", "dev")
    assert started(stack, *command) == (0, "")
    assert "shop:A" in (stack.cwd / "infra" / "Pulumi.dev.yaml").read_text()


def test_a_stacks_file_that_was_tampered_with_gives_no_value(stack: World) -> None:  # noqa: F811
    if stack.cli is not None:
        pytest.skip("the stand-in does not encrypt")
    backend = stack.backend(STACK)
    stack.run(backend.write(changes(A="first", B="second")))
    file = stack.cwd / "infra" / "Pulumi.dev.yaml"
    text = file.read_text()
    (sealed, *_) = re.findall(r"secure: v1:[^:]+:(\S+)", text)
    file.write_text(text.replace(sealed, f"{'B' if sealed[0] == 'A' else 'A'}{sealed[1:]}"))
    got = stack.run(backend.snapshot())
    assert isinstance(got, Failure)
    assert got.kind is FailureKind.NOT_PERMITTED
    assert "second" not in repr(got)
