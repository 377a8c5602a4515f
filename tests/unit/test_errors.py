"""Errors travel between processes, and each kind of a backend's failure has a class."""

from __future__ import annotations

import pickle
import traceback

import pytest

from sophia_secrets import errors
from sophia_secrets.core.model import FailureKind


def test_an_error_is_the_same_after_it_was_pickled() -> None:
    error = errors.TimedOut("github did not answer.", hint="Try again.", backend="github", target="octo/app")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is errors.TimedOut
    assert (again.message, again.hint, again.backend, again.target) == (
        "github did not answer.",
        "Try again.",
        "github",
        "octo/app",
    )
    assert (str(again), again.exit_code) == (str(error), error.exit_code)


def test_a_traceback_shows_the_hint_once_also_after_pickling() -> None:
    for error in (
        errors.TimedOut("github did not answer.", hint="Try again."),
        pickle.loads(pickle.dumps(errors.TimedOut("github did not answer.", hint="Try again."))),
    ):
        told = traceback.format_exception(error)
        assert told == ["sophia_secrets.errors.TimedOut: github did not answer.\n", "hint: Try again.\n"]
    assert len(traceback.format_exception(errors.TimedOut("github did not answer."))) == 1


@pytest.mark.parametrize("kind", FailureKind)
def test_every_kind_of_failure_has_an_error_of_its_own(kind: FailureKind) -> None:
    found = errors.error_for(kind.value)
    assert issubclass(found, errors.SophiaError)
    assert found is not errors.SophiaError


def test_a_kind_that_a_plug_in_made_up_is_an_error_all_the_same() -> None:
    assert errors.error_for("eaten") is errors.SophiaError
