"""Storing and removing: the calls, and the outcome of each name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from sophia_secrets.backends.base import Call, Completed, Steps
from sophia_secrets.backends.fly import dialect, failures, listing, outcomes, rules
from sophia_secrets.backends.fly.app import FlyApp
from sophia_secrets.backends.fly.failures import Applied
from sophia_secrets.core.model import (
    Change,
    Entry,
    EntryState,
    Failure,
    FailureKind,
    Outcome,
    Receipt,
    Result,
)
from sophia_secrets.core.strict_json import BadJSON

IMPORT_SINCE = (0, 4, 14)
"""The first flyctl whose `import` reads all forms of `dialect` (superfly/flyctl PR #4744)."""

WRITE_SECONDS = 60.0
ROLLOUT_SECONDS = 900.0


class Delivery(Struct, frozen=True):
    """One call that stores some changes."""

    changes: tuple[Change, ...]
    call: Call


def write(app: FlyApp, changes: Sequence[Change]) -> Steps[Receipt]:
    """
    Store the changes: list, store (one `import` for many, else one `set`), list again.

    Everything is staged, so the app restarts at most once, at the end, and only with `deploy`.
    """
    refusals = _refusals(changes)
    if refusals:
        return Receipt(
            app.target,
            tuple(
                Result(change.name, Outcome.REFUSED, refusals[change.name])
                if change.name in refusals
                else Result(change.name, Outcome.NOT_STARTED)
                for change in changes
            ),
        )
    names = [change.name for change in changes]
    if not names:
        return Receipt(app.target, ())
    before = yield from listing.fetch(app)
    if isinstance(before, Failure):
        return _not_started(app, names, before)
    deliveries = _deliveries(app, changes)
    if any("import" in delivery.call.arguments for delivery in deliveries):
        too_old = yield from _import_problem(app)
        if too_old is not None:
            return _not_started(app, names, too_old)
    applied_by_name: dict[str, Applied] = {}
    failure: Failure | None = None
    for delivery in deliveries:
        done = yield delivery.call
        applied_by_name.update({change.name: _applied(done) for change in delivery.changes})
        if not done.ok:
            failure = failures.failure(done, app.target)
            break
    return (yield from _receipt(app, names, before, applied_by_name, failure, together=len(deliveries) == 1))


def delete(app: FlyApp, names: Sequence[str]) -> Steps[Receipt]:
    """Remove the listed names in one staged call."""
    names = list(dict.fromkeys(names))
    wrong = {name: why for name in names if (why := rules.name_problem(name)) is not None}
    if wrong:
        refused = (
            Result(name, Outcome.REFUSED, wrong[name]) if name in wrong else Result(name, Outcome.NOT_STARTED)
            for name in names
        )
        return Receipt(app.target, tuple(refused))
    before = yield from listing.fetch(app)
    if isinstance(before, Failure):
        return _not_started(app, names, before)
    absent = Entry(EntryState.ABSENT)
    unchanged = [
        Result(name, Outcome.UNCHANGED, "absent", verified=True, entry=absent)
        for name in names
        if name not in before
    ]
    there = [name for name in names if name in before]
    if not there:
        return Receipt(app.target, tuple(unchanged))
    done = yield app.flyctl.call(
        *("secrets", "unset", app.flag, "--stage", "--", *there),
        label="fly secrets unset",
        least=WRITE_SECONDS,
    )
    failure = None if done.ok else failures.failure(done, app.target)
    applied_by_name = dict.fromkeys(there, _applied(done))
    receipt = yield from _receipt(app, there, before, applied_by_name, failure, together=True, removed=True)
    results = {result.name: result for result in (*unchanged, *receipt.results)}
    return replace(receipt, results=tuple(results[name] for name in names))


def _refusals(changes: Sequence[Change]) -> dict[str, str]:
    refusals: dict[str, str] = {}
    seen: set[str] = set()
    for change in changes:
        why = rules.problem(change.name, change.value)
        if why is None and change.name in seen:
            why = "the name is there twice"
        if why is not None:
            refusals[change.name] = why
        seen.add(change.name)
    return refusals


def _deliveries(app: FlyApp, changes: Sequence[Change]) -> list[Delivery]:
    """One `import` for all names that it can store exactly; a `set` for each other, and for a single one."""
    importable = [change for change in changes if dialect.encode(change.name, change.value.reveal())]
    if len(importable) == 1 and dialect.settable(importable[0].value.reveal()):
        importable = []
    others = [change for change in changes if change not in importable]
    made = [
        _delivery(
            app, (change,), ("set", app.flag, "--stage", "--", f"{change.name}=-"), change.value.reveal()
        )
        for change in others
    ]
    text = dialect.encode_all({change.name: change.value.reveal() for change in importable})
    if importable and text is not None:
        made.insert(0, _delivery(app, tuple(importable), ("import", app.flag, "--stage"), text))
    return made


def _delivery(app: FlyApp, changes: tuple[Change, ...], arguments: tuple[str, ...], text: str) -> Delivery:
    call = app.flyctl.call(
        *("secrets", *arguments),
        label=f"fly secrets {arguments[0]}",
        stdin=text.encode(),
        secrets=tuple(change.value for change in changes),
        least=WRITE_SECONDS,
    )
    return Delivery(changes, call)


def _import_problem(app: FlyApp) -> Steps[Failure | None]:
    done = yield app.flyctl.call("version", "--json", label="fly version")
    if not done.ok:
        return failures.failure(done, app.target)
    try:
        version = listing.version(done.stdout)
    except BadJSON as bad:
        return failures.unreadable(app.target, str(bad))
    if version >= IMPORT_SINCE:
        return None
    wanted = ".".join(map(str, IMPORT_SINCE))
    return Failure(
        FailureKind.CLI_MISSING,
        app.target,
        f"This flyctl ({'.'.join(map(str, version))}) is too old to be given values by `import` exactly: "
        f"{wanted} is needed.",
        "Update it with `fly version upgrade`.",
    )


def _applied(done: Completed) -> Applied:
    return Applied.YES if done.ok else failures.was_applied(done)


def _not_started(app: FlyApp, names: Sequence[str], failure: Failure) -> Receipt:
    return Receipt(app.target, tuple(Result(name, Outcome.NOT_STARTED) for name in names), failure)


def _receipt(
    app: FlyApp,
    names: Sequence[str],
    before: Mapping[str, Entry],
    applied_by_name: Mapping[str, Applied],
    failure: Failure | None,
    *,
    together: bool,
    removed: bool = False,
) -> Steps[Receipt]:
    """The receipt, from a list after the calls, and after the deployment if configured."""
    after: dict[str, Entry] | None = None
    if any(applied is not Applied.NO for applied in applied_by_name.values()):
        seen = yield from listing.fetch(app)
        after = None if isinstance(seen, Failure) else seen
    outcome_after = outcomes.after_unset if removed else outcomes.after_set
    results = [
        outcome_after(name, applied_by_name[name], before, after, app.staged_hint)
        if name in applied_by_name
        else Result(name, Outcome.NOT_STARTED)
        for name in names
    ]
    if together:
        results = outcomes.mark_dropped(results, applied_by_name)
    if app.deploy and any(result.outcome is Outcome.DONE for result in results):
        results, trouble = yield from _deploy(app, results)
        failure = failure or trouble
    return Receipt(app.target, tuple(results), failure)


def _deploy(app: FlyApp, results: list[Result]) -> Steps[tuple[list[Result], Failure | None]]:
    done = yield app.flyctl.call(
        *("secrets", "deploy", app.flag),
        label="fly secrets deploy",
        least=ROLLOUT_SECONDS,
        variables=(("FLY_EMIT_RELEASE_JSON", "1"),),
    )
    trouble = None
    release = listing.release(done.stdout) if done.ok else ""
    if release:
        detail = f"deployed in release v{release}"
    elif done.ok:
        detail = "deployed, as far as flyctl says"
    elif "no machines available to deploy" in failures.error_text(done.stderr):
        detail = "stored for the app's next deployment: it has no Machine yet"
    else:
        why = failures.failure(done, app.target)
        detail = f"stored, not rolled out; {app.staged_hint}"
        trouble = replace(
            why,
            message=f"the change is stored, but its roll-out did not end well: {why.message}",
            hint=f"`fly secrets deploy --app {app.name}`",
            words=failures.headline(why.words),
        )
    return [
        replace(result, detail=detail) if result.outcome is Outcome.DONE else result for result in results
    ], trouble
