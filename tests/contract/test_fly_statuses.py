"""What Fly's API answers, through the real flyctl: each status is a kind of failure, and a write says what it knows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sophia_secrets.backends.base import Context
from sophia_secrets.backends.fly import FlyBackend
from sophia_secrets.core.model import Change, Failure, FailureKind, Outcome, SecretValue
from sophia_secrets.process import run
from tests.vendors.fly_api import Request
from tests.vendors.fly_cli import TOKEN
from tests.vendors.fly_vendor import Real, real_vendor

LISTS = [
    (401, b'{"error":"no verified tokens"}', FailureKind.NOT_AUTHENTICATED),
    (403, b'{"error":"unauthorized"}', FailureKind.NOT_PERMITTED),
    (404, b'{"error":"app not found"}', FailureKind.TARGET_NOT_FOUND),
    (408, b'{"error":"deadline_exceeded: request returned"}', FailureKind.UNREACHABLE),
    (429, b'{"error":"rate limit exceeded"}', FailureKind.RATE_LIMITED),
    (429, b"slow down", FailureKind.RATE_LIMITED),
    (500, b'{"error":"internal server error"}', FailureKind.UNREACHABLE),
    (502, b"<html>bad gateway</html>", FailureKind.UNREACHABLE),
    (503, b"", FailureKind.UNREACHABLE),
    (0, b"", FailureKind.UNREACHABLE),
    (200, b"<html>sign in</html>", FailureKind.BAD_OUTPUT),
    (200, b'{"secrets":[', FailureKind.BAD_OUTPUT),
]
WRITES = [
    (401, b'{"error":"no verified tokens"}', Outcome.FAILED, FailureKind.NOT_AUTHENTICATED),
    (403, b'{"error":"unauthorized"}', Outcome.FAILED, FailureKind.NOT_PERMITTED),
    (422, b'{"error":"\\"A\\" is not a valid secret name"}', Outcome.FAILED, FailureKind.BAD_OUTPUT),
    (429, b'{"error":"rate limit exceeded"}', Outcome.FAILED, FailureKind.RATE_LIMITED),
    (500, b'{"error":"internal server error"}', Outcome.UNKNOWN, FailureKind.UNREACHABLE),
    (503, b"unavailable", Outcome.UNKNOWN, FailureKind.UNREACHABLE),
]


@pytest.fixture
def real(tmp_path: Path) -> Iterator[Real]:
    with real_vendor(tmp_path) as real:
        yield real


def backend(real: Real, tmp_path: Path, method: str, status: int, body: bytes) -> FlyBackend:
    """A backend whose app's secrets are answered so, for one method."""

    def fault(request: Request) -> tuple[int, bytes] | None:
        asked = request.method == method and request.path.endswith("/secrets")
        return (status, body) if asked else None

    real.api.fault = fault
    context = Context({"PATH": "/usr/bin:/bin", "FLY_API_TOKEN": TOKEN}, str(tmp_path), "/", "")
    made = FlyBackend.configure({"app": "my-app"}, context)
    assert isinstance(made, FlyBackend)
    return made


@pytest.mark.parametrize(("status", "body", "kind"), LISTS)
def test_C5_what_the_api_answers_to_a_list_is_the_right_kind_of_failure(
    real: Real, tmp_path: Path, status: int, body: bytes, kind: FailureKind
) -> None:
    steps = backend(real, tmp_path, "GET", status, body).snapshot()
    got = run(steps, programs={"fly": real.program}, path="")
    assert isinstance(got, Failure)
    assert got.kind is kind, got
    asked = [request for request in real.api.requests if request.path.endswith("/secrets")]
    assert len(asked) == (4 if status in (502, 503) else 1)
    assert TOKEN not in repr(got)


@pytest.mark.parametrize(("status", "body", "outcome", "kind"), WRITES)
def test_X5_a_write_that_the_api_answers_badly_is_not_told_as_done(
    real: Real, tmp_path: Path, status: int, body: bytes, outcome: Outcome, kind: FailureKind
) -> None:
    steps = backend(real, tmp_path, "POST", status, body).write([Change("A", SecretValue("canary-1"))])
    receipt = run(steps, programs={"fly": real.program}, path="")
    assert [result.outcome for result in receipt.results] == [outcome]
    assert receipt.failure is not None
    assert receipt.failure.kind is kind, receipt.failure
    posted = [
        request for request in real.api.requests if request.method == "POST" and "/secrets" in request.path
    ]
    assert len(posted) == (4 if status in (502, 503) else 1)
    assert real.values() == {}
    assert "canary-1" not in repr(receipt)
