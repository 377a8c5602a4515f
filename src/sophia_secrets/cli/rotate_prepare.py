"""Preparing a rotation: resumed with the sealed value, or begun with a new one."""

from __future__ import annotations

from collections.abc import Sequence

from sophia_secrets import errors
from sophia_secrets.cli import prompt
from sophia_secrets.cli.command_session import ago, warn_about_failures
from sophia_secrets.cli.console import Console
from sophia_secrets.core import generate as generating
from sophia_secrets.core.model import SecretValue
from sophia_secrets.core.text import visible
from sophia_secrets.operations import declaring, rotating
from sophia_secrets.operations.holding import Holding, find_holders
from sophia_secrets.operations.rotating import Rotation
from sophia_secrets.operations.session import Session
from sophia_secrets.state.pending import Claim
from sophia_secrets.state.pending_record import Pending
from sophia_secrets.view.styling import is_terminal

_ORIGIN_GIVEN = "given"
"""The origin of a value that was typed or piped in; that of a generated one is the specification."""


def prepare(
    session: Session,
    console: Console,
    claim: Claim,
    only: Sequence[str],
    generate: str | None,
    *,
    dry_run: bool,
) -> Rotation:
    """The rotation to apply. The backends are shown before the value is read."""
    record = claim.read()
    if record is not None:
        if only:
            goes = ", ".join(f"{holder.backend} ({holder.target})" for holder in record.holders)
            raise errors.UsageError(
                f"An interrupted rotation of {claim.name} goes to {goes}, and is resumed as it began.",
                hint=f"Run `sophia-secrets rotate {claim.name}` without `--backend`, or with `--abandon`.",
            )
        return resume(session, console, claim, record)
    spec = spec_of(session, claim.name, generate)
    made = generated(session, claim.name, spec) if spec is not None else None
    holdings = find_holders(session, [claim.name], only)[claim.name]
    _require_holders(claim.name, holdings)
    if not only:
        warn_outside_chain(session, console, claim.name, holdings)
    warn_about_failures(tuple(holding.answer for holding in holdings), console, session)
    for holding in holdings:
        if not holding.obstacle:
            console.note(f"{claim.name} → {holding.backend.name} ({holding.backend.target})")
    if dry_run:
        # The plan is made with a value that is not kept.
        shown = made or generating.generate(generating.DEFAULT)
        return rotating.begin(session, claim, holdings, shown, "")
    if made is not None:
        return rotating.begin(session, claim, holdings, made, spec or "")
    value = _ask(session, claim.name)
    declaring.check_new_value(session, claim.name, value)
    return rotating.begin(session, claim, holdings, value, _ORIGIN_GIVEN)


def resume(session: Session, console: Console, claim: Claim, record: Pending) -> Rotation:
    """The interrupted rotation, with its sealed value."""
    console.note(
        f"Resuming the rotation of {claim.name} that was interrupted {ago(session.clock() - record.started)} "
        "ago, with the value that was sealed then: none is generated or read now."
    )
    rotation = rotating.resume(session, claim, record)
    warn_about_failures(tuple(holding.answer for holding in rotation.holdings), console, session)
    return rotation


def _require_holders(name: str, holdings: Sequence[Holding]) -> None:
    if not holdings:
        raise errors.NotFound(
            f"No configured backend holds `{name}`, so there is nothing to rotate.",
            hint=f"Store it with `sophia-secrets set {name} --backend B`.",
        )
    if all(holding.obstacle for holding in holdings):
        where = ", ".join(holding.backend.name for holding in holdings)
        raise errors.NotSupported(
            f"`{name}` is only in {where}, which cannot be written.",
            hint=f"Store it where it can be with `sophia-secrets set {name} --backend B`.",
        )


def spec_of(session: Session, name: str, generate: str | None) -> str | None:
    """The specification of `--generate`; for `default` the declared one."""
    declared = session.settings.declared.get(name)
    if generate != "default":
        return generate
    return (declared.generate if declared is not None else None) or generating.DEFAULT


def generated(session: Session, name: str, spec: str) -> SecretValue:
    """A generated value. Raises `UsageError`, or `BadValue` where it does not match its declaration."""
    value = generating.generate(spec)
    declaring.check_new_value(session, name, value)
    return value


def warn_outside_chain(session: Session, console: Console, name: str, holdings: Sequence[Holding]) -> None:
    """Say which backends must hold the secret and keep what they have, because the chain lacks them."""
    declared = session.settings.declared.get(name)
    chain = session.settings.chain
    outside = [each for each in (declared.backends if declared is not None else ()) if each not in chain]
    if not outside:
        return
    able = [holding.backend.name for holding in holdings if not holding.obstacle]
    options = "".join(f" --backend {each}" for each in (*able, *outside))
    console.warn(
        f"{name} must be in {' and '.join(outside)} too, which the chain does not have: not rotated there.",
        f"`sophia-secrets rotate {name}{options}` rotates it there too.",
    )


def _ask(session: Session, name: str) -> SecretValue:
    if is_terminal(0):
        return prompt.ask_value(f"New value of {visible(name)} (hidden)")
    value = prompt.piped_value(raw=False)
    if value == SecretValue(""):
        raise errors.BadValue(
            "Standard input is empty, so nothing was rotated.", hint=_new_value_hint(session, name)
        )
    return value


def _new_value_hint(session: Session, name: str) -> str:
    """How to come to a new value that is as declared."""
    declared = session.settings.declared.get(name)
    if declared is not None and declared.generate:
        return f"Add `--generate`, which makes one as declared (`{declared.generate}`), or give it there."
    if declared is not None and (declared.pattern is not None or declared.type != "text"):
        return "Give the new value there."
    return "Give the new value there, or add `--generate hex:32`."
