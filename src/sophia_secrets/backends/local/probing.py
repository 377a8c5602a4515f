"""The checks of `doctor` for the vault: its identity, its recipients, whether it can be decrypted."""

from __future__ import annotations

from sophia_secrets.backends.local.opening import opened
from sophia_secrets.backends.local.place import OperationFailed, Place
from sophia_secrets.core.count import counted
from sophia_secrets.core.model import Check, CheckStatus

IDENTITY = "local.identity"
RECIPIENTS = "local.recipients"
FILE = "local.file"


def probe(place: Place) -> list[Check]:
    """`local.identity`, `local.recipients`, `local.file`; nothing is created or written."""
    try:
        data = place.read()
    except OperationFailed as failed:
        return [_failed(FILE, failed)]
    try:
        identities = place.identities()
    except OperationFailed as failed:
        return [_failed(IDENTITY, failed)]
    if data is None and not identities and place.own_identity:
        return [
            Check(IDENTITY, CheckStatus.OK, f"{place.identity_file} will be made at the first write"),
            Check(FILE, CheckStatus.OK, f"{place.target.label} will be made at the first write"),
        ]
    checks = []
    if identities:
        own = tuple(identity.public for identity in identities)
        checks = [Check(IDENTITY, CheckStatus.OK, f"the identity's public key is {own[0]}")]
        if place.recipients:
            checks.append(_recipients(place, own))
    if data is None:
        message = f"{place.target.label} will be made at the first write"
        return [*checks, Check(FILE, CheckStatus.OK, message)]
    try:
        count = len(opened(place, data, identities))
    except OperationFailed as failed:
        return [*checks, _failed(FILE, failed)]
    return [*checks, Check(FILE, CheckStatus.OK, f"{place.target.label} opens: {counted(count, 'name')}")]


def _recipients(place: Place, own: tuple[str, ...]) -> Check:
    if set(own) & set(place.recipients):
        return Check(
            RECIPIENTS, CheckStatus.OK, f"{len(place.recipients)} recipients, this identity among them"
        )
    return Check(
        RECIPIENTS,
        CheckStatus.FAIL,
        "the identity in use is not among the recipients, so nothing can be written",
        f"Add `{own[0]}` to `recipients` under `[local]`.",
    )


def _failed(check: str, failed: OperationFailed) -> Check:
    return Check(check, CheckStatus.FAIL, failed.failure.message, failed.failure.hint)
