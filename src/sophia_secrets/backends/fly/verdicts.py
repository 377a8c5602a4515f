"""What became of a name: from the call's end and from what Fly lists before and after it."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from sophia_secrets.backends.fly.failures import Stored
from sophia_secrets.core.model import Entry, EntryState, Outcome, Result

_NO_LIST = "not verified: the list could not be had"


def stored(
    name: str, fate: Stored, before: Mapping[str, Entry], after: Mapping[str, Entry] | None, staged: str
) -> Result:
    """
    What became of a name that was to be stored.

    A new name or a moved digest proves it. A digest that stayed proves nothing: the value may
    be the same as before. `after` is None where the list could not be had.
    """
    old, new = before.get(name), (after or {}).get(name)
    if fate is Stored.NO:
        return Result(name, Outcome.FAILED, "not stored", entry=old)
    if new is not None and new.digest is not None and (old is None or new.digest != old.digest):
        return Result(name, Outcome.DONE, staged, verified=True, entry=new)
    if fate is Stored.UNKNOWN:
        detail = "whether it is stored is not known; repeating is safe"
        return Result(name, Outcome.UNKNOWN, detail, entry=new)
    if after is None:
        return Result(name, Outcome.DONE, f"{staged} ({_NO_LIST})")
    if new is None:
        return Result(name, Outcome.UNKNOWN, "flyctl says that it is stored, and Fly does not list it")
    why = "its digest did not move: the same value as before, or a list from before the write"
    return Result(name, Outcome.DONE, f"{staged} ({why})", entry=new)


def removed(
    name: str, fate: Stored, before: Mapping[str, Entry], after: Mapping[str, Entry] | None, staged: str
) -> Result:
    """What became of a name, listed before, that was to be removed."""
    if fate is Stored.NO:
        return Result(name, Outcome.FAILED, "not removed", entry=before[name])
    if after is not None and name not in after:
        return Result(name, Outcome.DONE, staged, verified=True, entry=Entry(EntryState.ABSENT))
    if after is not None:
        return Result(name, Outcome.UNKNOWN, "Fly still lists it", entry=after[name])
    if fate is Stored.YES:
        return Result(name, Outcome.DONE, f"{staged} ({_NO_LIST})")
    return Result(name, Outcome.UNKNOWN, "whether it is removed is not known; repeating is safe")


def dropped(results: list[Result], fates: Mapping[str, Stored]) -> list[Result]:
    """
    The results of one request, in which a name that moved shows that the list is new enough.

    A name that went with it and is not listed as wanted was then not taken, without a word.
    """
    if not any(result.verified for result in results):
        return results
    return [
        replace(result, outcome=Outcome.FAILED, detail="Fly did not take it, though it took others with it")
        if result.outcome is Outcome.UNKNOWN and fates[result.name] is Stored.YES
        else result
        for result in results
    ]
