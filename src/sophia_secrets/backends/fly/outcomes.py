"""The outcome of a write for a name, from the call's result and Fly's lists before and after it."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from sophia_secrets.backends.fly.failures import Applied
from sophia_secrets.core.model import Entry, EntryState, Outcome, Result

_NO_LIST = "not verified: the list could not be had"


def after_set(
    name: str, applied: Applied, before: Mapping[str, Entry], after: Mapping[str, Entry] | None, staged: str
) -> Result:
    """
    The outcome of storing a name.

    A new name or a changed digest proves it. An unchanged digest proves nothing: the value may be the
    same as before. `after` is None where the list failed.
    """
    old, new = before.get(name), (after or {}).get(name)
    if applied is Applied.NO:
        return Result(name, Outcome.FAILED, "not stored", entry=old)
    if new is not None and new.digest is not None and (old is None or new.digest != old.digest):
        return Result(name, Outcome.DONE, staged, verified=True, entry=new)
    if applied is Applied.UNKNOWN:
        detail = "whether it is stored is not known; repeating is safe"
        return Result(name, Outcome.UNKNOWN, detail, entry=new)
    if after is None:
        return Result(name, Outcome.DONE, f"{staged} ({_NO_LIST})")
    if new is None:
        return Result(name, Outcome.UNKNOWN, "flyctl says that it is stored, and Fly does not list it")
    why = "its digest did not move: the same value as before, or a list from before the write"
    return Result(name, Outcome.DONE, f"{staged} ({why})", entry=new)


def after_unset(
    name: str, applied: Applied, before: Mapping[str, Entry], after: Mapping[str, Entry] | None, staged: str
) -> Result:
    """The outcome of removing a name that was listed before."""
    if applied is Applied.NO:
        return Result(name, Outcome.FAILED, "not removed", entry=before[name])
    if after is not None and name not in after:
        return Result(name, Outcome.DONE, staged, verified=True, entry=Entry(EntryState.ABSENT))
    if after is not None:
        return Result(name, Outcome.UNKNOWN, "Fly still lists it", entry=after[name])
    if applied is Applied.YES:
        return Result(name, Outcome.DONE, f"{staged} ({_NO_LIST})")
    return Result(name, Outcome.UNKNOWN, "whether it is removed is not known; repeating is safe")


def mark_dropped(results: list[Result], applied_by_name: Mapping[str, Applied]) -> list[Result]:
    """
    The results of one request, with silently dropped names marked as failed.

    One verified name shows that the list is new enough; another name that it does not show was dropped.
    """
    if not any(result.verified for result in results):
        return results
    return [
        replace(result, outcome=Outcome.FAILED, detail="Fly did not take it, though it took others with it")
        if result.outcome is Outcome.UNKNOWN and applied_by_name[result.name] is Applied.YES
        else result
        for result in results
    ]
