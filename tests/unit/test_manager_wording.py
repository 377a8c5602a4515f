"""An error tells a caller in Python of arguments, not of options that it cannot give."""

from __future__ import annotations

import asyncio
import inspect
import re
import traceback
from pathlib import Path
from typing import Any

import pytest

from sophia_secrets import errors
from sophia_secrets.manager import SecretsManager
from sophia_secrets.manager.wording import ARGUMENTS, in_python, with_python_wording


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Try again, or allow more with `--timeout SECONDS`.", "Try again, or allow more with `timeout=`."),
        ("was not asked (`--offline`)", "was not asked (`offline=True`)"),
        ("Store it with `sophia-secrets set NAME --backend fly`.",) * 2,
        ("`--pattern` is another word",) * 2,
        (
            "Run the command again with `--debug` to see its words.",
            "Run it again with `logging.DEBUG` to see its words.",
        ),
        ("See what `sophia-secrets doctor --debug` shows.",) * 2,
        ("There is no profile `x` (flag --profile).", "There is no profile `x` (argument `profile`)."),
        ("The flag for `timeout` is empty.", "The argument `timeout` is empty."),
    ],
)
def test_options_alone_become_arguments(said: str, told: str) -> None:
    assert in_python(said) == told


def test_the_error_is_the_same_one_with_its_traceback_and_its_note() -> None:
    error = errors.TimedOut("late (`--offline`)", hint="allow more with `--timeout SECONDS`", backend="fly")

    @with_python_wording
    async def late() -> None:
        raise error

    for _ in range(2):  # one error can be raised to many who wait for one reading
        with pytest.raises(errors.TimedOut) as caught:
            asyncio.run(late())
    assert caught.value is error
    assert (error.message, error.hint, error.backend) == (
        "late (`offline=True`)",
        "allow more with `timeout=`",
        "fly",
    )
    shown = "".join(traceback.format_exception(error))
    assert "late (`offline=True`)" in shown
    assert "hint: allow more with `timeout=`" in shown
    assert "`--" not in shown


def test_every_argument_is_one_of_the_manager_or_of_its_methods() -> None:
    known = set(inspect.signature(SecretsManager).parameters)
    for method in ("get_secret", "set_secret", "delete_secret", "resolve"):
        known |= set(inspect.signature(getattr(SecretsManager, method)).parameters)
    assert {argument.partition("=")[0] for argument in ARGUMENTS.values()} - {"logging.DEBUG"} <= known


def test_a_manager_without_a_default_backend_says_how_to_name_one(tmp_path: Path) -> None:
    manager = SecretsManager(environ={"HOME": str(tmp_path)}, cwd=str(tmp_path))
    with pytest.raises(errors.UsageError) as caught:
        asyncio.run(manager.delete_secret("API_KEY"))
    assert "`backend=`" in caught.value.hint + caught.value.message
    assert not re.search(r"`--", caught.value.hint + caught.value.message)


@pytest.mark.parametrize(
    "given", [{"profile": "nowhere"}, {"timeout": -1.0}, {"config_file": "/no/such/file"}]
)
def test_an_argument_that_cannot_be_is_told_as_one(tmp_path: Path, given: dict[str, Any]) -> None:
    manager = SecretsManager(environ={"HOME": str(tmp_path)}, cwd=str(tmp_path), **given)
    with pytest.raises(errors.UsageError) as caught:
        asyncio.run(manager.get_secret("API_KEY"))
    said = caught.value.message + caught.value.hint
    assert "flag" not in said
    assert "`--" not in said
