"""The checks of `doctor` for Fly: flyctl's version, who is signed in, whether the app exists."""

from __future__ import annotations

from sophia_secrets.backends.base import Completed, Steps
from sophia_secrets.backends.fly import failures, listing, writing
from sophia_secrets.backends.fly.app import FlyApp
from sophia_secrets.core.count import counted
from sophia_secrets.core.model import Check, CheckStatus, Failure, FailureKind
from sophia_secrets.core.strict_json import BadJSON

NEEDED = (0, 3, 178)
"""The first flyctl that keeps secrets through the Machines API, as Fly does now."""


def probe(app: FlyApp) -> Steps[list[Check]]:
    """`fly.cli`, `fly.auth`, `fly.target`; after a failure the rest is skipped."""
    done = yield app.flyctl.call("version", "--json", label="fly version")
    program = _program(app, done)
    if program.status is CheckStatus.FAIL:
        return [program, _skipped("fly.auth"), _skipped("fly.target")]
    done = yield app.flyctl.call("auth", "whoami", "--json", label="fly auth whoami")
    user = _user(app, done)
    if user.status is CheckStatus.FAIL:
        return [program, user, _skipped("fly.target")]
    secrets = yield from listing.fetch(app)
    if isinstance(secrets, Failure):
        return [program, user, _failed("fly.target", secrets)]
    message = f"app {app.name} has {counted(len(secrets), 'secret')}"
    return [program, user, Check("fly.target", CheckStatus.OK, message)]


def _program(app: FlyApp, done: Completed) -> Check:
    try:
        version = listing.version(done.stdout) if done.ok else None
    except BadJSON:
        version = None
    if version is None:
        failure = failures.failure(done, app.target)
        if failure.kind is FailureKind.BAD_OUTPUT:
            return Check(
                "fly.cli",
                CheckStatus.FAIL,
                f"{done.path or 'the program'} does not describe itself as Fly.io's flyctl; "
                "Concourse CI's program is called `fly` too",
                "set `SOPHIA_SECRETS_FLY` to the path of flyctl",
            )
        return _failed("fly.cli", failure)
    text = ".".join(map(str, version))
    if version < NEEDED:
        wanted = ".".join(map(str, NEEDED))
        return Check(
            "fly.cli",
            CheckStatus.FAIL,
            f"flyctl {text} is too old: {wanted} is needed",
            "`fly version upgrade`",
        )
    if version < writing.IMPORT_SINCE:
        message = f"flyctl {text} cannot be given several values at once"
        return Check("fly.cli", CheckStatus.WARN, message, "`fly version upgrade`")
    return Check("fly.cli", CheckStatus.OK, f"flyctl {text}" + (f" at {done.path}" if done.path else ""))


def _user(app: FlyApp, done: Completed) -> Check:
    if not done.ok:
        failure = failures.failure(done, app.target)
        if failure.kind is FailureKind.NOT_PERMITTED:
            # A restricted token may still read or write the app's secrets: `fly.target` checks that.
            return Check("fly.auth", CheckStatus.WARN, "this token must not say whose it is")
        return _failed("fly.auth", failure)
    try:
        who = listing.email(done.stdout)
    except BadJSON as bad:
        return _failed("fly.auth", failures.unreadable(app.target, str(bad)))
    token = app.flyctl.token
    return Check("fly.auth", CheckStatus.OK, f"signed in as {who}" + (f" by {token[0]}" if token else ""))


def _failed(check: str, failure: Failure) -> Check:
    return Check(check, CheckStatus.FAIL, failure.message, failure.hint, failure.words)


def _skipped(check: str) -> Check:
    return Check(check, CheckStatus.SKIP, "not asked, because the check before it failed")
