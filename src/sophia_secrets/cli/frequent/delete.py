"""`delete`."""

from __future__ import annotations

from sophia_secrets import errors
from sophia_secrets.cli.command_session import command_session
from sophia_secrets.cli.options import Options
from sophia_secrets.core.model import Outcome
from sophia_secrets.operations import writing


def delete(
    options: Options, name: str, *, backend: str | None, yes: bool = False, if_exists: bool = False
) -> None:
    """Remove a secret from one backend. Asks unless `yes`."""
    with command_session(options, "delete") as (session, console):
        if backend is None:
            raise errors.UsageError(
                "Say where to delete from with `--backend`.",
                hint=f"See who holds it with `sophia-secrets explain {name}`.",
            )
        target = writing.destination(session, backend)
        if not yes:
            if not console.interactive:
                raise errors.UsageError(
                    f"Deleting {name} from {target.name} ({target.target}) needs a confirmation, and there is no terminal.",
                    hint="Add `--yes`.",
                )
            if not console.confirm(f"Delete {name} from {target.name} ({target.target})?"):
                raise errors.Interrupted("Nothing was deleted.")
        written = writing.delete(session, target, [name])
        problem = writing.problem_of(written.receipt)
        if problem is not None:
            raise problem
        (result,) = written.receipt.results
        if result.outcome is Outcome.UNCHANGED and not if_exists:
            raise errors.NotFound(
                f"{target.name} ({target.target}) holds no `{name}`, so nothing was deleted.",
                hint="Add `--if-exists` where that is no error.",
                backend=target.name,
                target=str(target.target),
            )
        if console.json:
            shape = {
                "schema": 1,
                "name": name,
                "backend": target.name,
                "target": str(target.target),
                "deleted": result.outcome is Outcome.DONE,
                "verified": result.verified,
            }
            console.answer(shape)
        elif result.outcome is Outcome.DONE:
            remark = f"; {result.detail.rstrip('.')}" if result.detail else ""
            console.note(f"Deleted {name} from {target.name} ({target.target}){remark}.")
        else:
            console.note(f"{target.name} ({target.target}) held no {name}.")
