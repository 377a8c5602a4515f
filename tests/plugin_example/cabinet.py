"""
A plug-in backend to start one's own from: the drawers of `cabinet`, an imagined vendor's program.

    cabinet version                     prints {"version": "1.2"}
    cabinet list --drawer D             prints {"NAME": {"value": "...", "version": 3}, ...}
    cabinet put --drawer D              stores {"NAME": "value", ...} from standard input, all or none
    cabinet remove --drawer D NAME...   removes the names; one that is not there is no error

It exits with 0; 3 where `CABINET_TOKEN` is not accepted, 4 where there is no such drawer, 75 where the
service cannot be reached.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from sophia_secrets.backends.base import (
    Call,
    Capabilities,
    Completed,
    Context,
    Credential,
    Ended,
    Section,
    Steps,
    Unconfigured,
)
from sophia_secrets.core import strict_json
from sophia_secrets.core.model import (
    Change,
    Check,
    CheckStatus,
    Entry,
    EntryState,
    Failure,
    FailureKind,
    Outcome,
    Receipt,
    Result,
    SecretValue,
    Snapshot,
    Target,
)
from sophia_secrets.errors import BadName

LIMIT = 64 * 1024
"""The most bytes that the vendor stores under a name."""

_DRAWER = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_NAME = re.compile(r"[A-Z_][A-Z0-9_]{0,127}")
_EXITS = {
    3: (FailureKind.NOT_AUTHENTICATED, "does not accept the token", "Set `CABINET_TOKEN`."),
    4: (FailureKind.TARGET_NOT_FOUND, "has no such drawer", "Correct `drawer` under `[cabinet]`."),
    75: (FailureKind.UNREACHABLE, "could not be reached", "Check the network."),
}


class CabinetBackend:
    """One drawer. Settings: `drawer`."""

    name = "cabinet"
    capabilities = Capabilities(readable=True, writable=True, needs_call=True, batch=True, versions=True)

    def __init__(self, drawer: str, context: Context) -> None:
        if _DRAWER.fullmatch(drawer) is None:
            raise BadName("a drawer's name is lower-case letters, digits and dashes", backend=self.name)
        self.target = Target(self.name, drawer, (("drawer", drawer),))
        # All that the program gets; what is not named here it does not see.
        self._environment = {
            name: context.environ[name]
            for name in ("CABINET_TOKEN", "CABINET_HOME")
            if name in context.environ
        }
        token = self._environment.get("CABINET_TOKEN")
        self.credential = Credential((("CABINET_TOKEN", token),) if token else ())
        self._drawer = drawer
        self._timeout = context.timeout

    @classmethod
    def configure(cls, section: Section, context: Context) -> CabinetBackend | Unconfigured:
        """The backend of the drawer that the settings name."""
        drawer = section.get("drawer")
        if not isinstance(drawer, str) or not drawer:
            return Unconfigured(cls.name, "no drawer is named", 'Set `drawer = "app"` under `[cabinet]`.')
        return cls(drawer, context)

    def snapshot(self) -> Steps[Snapshot | Failure]:
        """Every name with its value, in one call."""
        done = yield self._call("list")
        if not done.ok:
            return self._failure(done)
        try:
            return Snapshot(self.target, _entries(done.stdout))
        except strict_json.BadJSON:
            # Raised here or chained, the parser's error could carry what the vendor printed.
            return self._unreadable()

    def write(self, changes: Sequence[Change]) -> Steps[Receipt]:
        """All of the values or none, in one call; then read back."""
        problems = {change.name: self.problem(change.name, change.value) for change in changes}
        if any(problems.values()):
            results = [
                Result(name, Outcome.REFUSED, reason) if reason else Result(name, Outcome.NOT_STARTED)
                for name, reason in problems.items()
            ]
            return Receipt(self.target, tuple(results))
        text = json.dumps({change.name: change.value.reveal() for change in changes})
        done = yield self._call("put", stdin=text.encode(), secrets=tuple(each.value for each in changes))
        if not done.ok:
            return self._not_done(done, list(problems))
        return (yield from self._seen({change.name: change.value for change in changes}))

    def delete(self, names: Sequence[str]) -> Steps[Receipt]:
        """Remove the names in one call, and see that they are gone."""
        before = yield from self.snapshot()
        if isinstance(before, Failure):
            return Receipt(self.target, tuple(Result(name, Outcome.NOT_STARTED) for name in names), before)
        there = [name for name in names if name in before.entries]
        absent = [Result(name, Outcome.UNCHANGED, "absent") for name in names if name not in there]
        if not there:
            return Receipt(self.target, tuple(absent))
        done = yield self._call("remove", *there)
        receipt = (
            self._not_done(done, there) if not done.ok else (yield from self._seen(dict.fromkeys(there)))
        )
        return Receipt(self.target, (*receipt.results, *absent), receipt.failure)

    def probe(self) -> Steps[list[Check]]:
        """`cabinet.cli` and `cabinet.target`."""
        done = yield self._call("version", target=False)
        if not done.ok:
            failure = self._failure(done)
            return [Check("cabinet.cli", CheckStatus.FAIL, failure.message, failure.hint or "Reinstall it.")]
        checks = [Check("cabinet.cli", CheckStatus.OK, f"cabinet is {done.path}")]
        found = yield from self.snapshot()
        if isinstance(found, Failure):
            hint = found.hint or "Look at it with `cabinet list`."
            return [*checks, Check("cabinet.target", CheckStatus.FAIL, found.message, hint)]
        told = f"drawer {self._drawer} has {len(found.entries)} secrets"
        return [*checks, Check("cabinet.target", CheckStatus.OK, told)]

    def problem(self, name: str, value: SecretValue | None = None) -> str | None:
        """Why the vendor cannot store this exactly, or None."""
        if _NAME.fullmatch(name) is None:
            return "a name is upper-case letters, digits and underscores"
        if value is None:
            return None
        text = value.reveal()
        if "\0" in text:
            return "the value holds a NUL character"
        try:
            size = len(text.encode())
        except UnicodeEncodeError:
            return "the value is not Unicode text"
        return f"the value has more than {LIMIT} bytes" if size > LIMIT else None

    def _call(
        self,
        verb: str,
        *names: str,
        stdin: bytes = b"",
        secrets: tuple[SecretValue, ...] = (),
        target: bool = True,
    ) -> Call:
        where = ("--drawer", self._drawer) if target else ()
        return Call(
            "cabinet",
            (verb, *where, *names),
            self._environment,
            stdin=stdin,
            secrets=secrets,
            timeout=self._timeout,
            label=f"cabinet {verb}",
        )

    def _seen(self, wanted: dict[str, SecretValue | None]) -> Steps[Receipt]:
        """What became of the names, by what the vendor holds now."""
        found = yield from self.snapshot()
        if isinstance(found, Failure):
            results = [Result(name, Outcome.DONE, "not verified") for name in wanted]
            return Receipt(self.target, tuple(results))
        results = []
        for name, value in wanted.items():
            entry = found.entries.get(name)
            if (entry.value if entry else None) == value:
                told = (
                    Entry(EntryState.ABSENT) if entry is None else Entry(entry.state, version=entry.version)
                )
                results.append(Result(name, Outcome.DONE, verified=True, entry=told))
            else:
                results.append(Result(name, Outcome.UNKNOWN, "it did not read back as it was written"))
        return Receipt(self.target, tuple(results))

    def _not_done(self, done: Completed, names: Sequence[str]) -> Receipt:
        """The vendor's own refusal stored nothing; what was cut short may have."""
        match done.ended:
            case Ended.NOT_FOUND | Ended.NOT_RUNNABLE:
                outcome = Outcome.NOT_STARTED
            case Ended.EXITED if done.code in _EXITS:
                outcome = Outcome.FAILED
            case _:
                outcome = Outcome.UNKNOWN
        results = tuple(Result(name, outcome) for name in names)
        return Receipt(self.target, results, self._failure(done))

    def _failure(self, done: Completed) -> Failure:
        words = done.stderr.strip()[:2000] if done.showable else ""
        if done.ended in (Ended.NOT_FOUND, Ended.NOT_RUNNABLE):
            message, hint = f"`cabinet` cannot be started: {done.detail}.", "Install `cabinet`."
            return Failure(FailureKind.CLI_MISSING, self.target, message, hint)
        if done.ended is Ended.TIMED_OUT:
            message = f"cabinet did not answer for {self.target} within {self._timeout:g} seconds."
            return Failure(FailureKind.TIMED_OUT, self.target, message, "Allow more with `timeout`.")
        if done.ended is Ended.EXITED and done.code in _EXITS:
            kind, reason, hint = _EXITS[done.code]
            return Failure(kind, self.target, f"cabinet {reason} ({self.target}).", hint, words)
        # Whatever is not recognised is no outage, so no old value may stand in for it.
        message = f"cabinet ended in a way that is not understood ({self.target})."
        return Failure(FailureKind.BAD_OUTPUT, self.target, message, words=words)

    def _unreadable(self) -> Failure:
        message = f"cabinet answered for {self.target} with something that cannot be understood."
        return Failure(FailureKind.BAD_OUTPUT, self.target, message, "Update `cabinet`.")


def _entries(data: bytes) -> dict[str, Entry]:
    """The names in the vendor's listing. Raises `BadJSON`."""
    found = strict_json.loads(data)
    if not isinstance(found, dict):
        raise strict_json.BadJSON("not an object")
    entries = {}
    for name, each in found.items():
        match each:
            case {"value": str(text), "version": strict_json.Number(text=version)}:
                entries[name] = Entry(EntryState.READABLE, SecretValue(text), version=version)
            case _:
                raise strict_json.BadJSON("not a secret")
    return entries
