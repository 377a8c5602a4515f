"""Decryption of the file to its names and values."""

from __future__ import annotations

from collections.abc import Sequence

from sophia_secrets import errors
from sophia_secrets.backends.local import vault
from sophia_secrets.backends.local.place import IDENTITY_VARIABLE, Place
from sophia_secrets.core.model import FailureKind
from sophia_secrets.formats import Pair, dotenv


def contents(place: Place) -> list[Pair]:
    """The current names and values; empty if there is no file. Raises `OperationFailed`."""
    data = place.read()
    return [] if data is None else opened(place, data, place.identities())


def opened(place: Place, data: bytes, identities: Sequence[vault.Identity]) -> list[Pair]:
    """The names and values in the file's bytes. Raises `OperationFailed`: `not_permitted` for the wrong identity, `bad_output`."""
    label = place.target.label
    if not identities:
        raise place.failed(
            FailureKind.NOT_PERMITTED,
            f"{label} cannot be opened: there is no identity at {place.identity_file}.",
            f"Put its identity there, or into `{IDENTITY_VARIABLE}`.",
        )
    try:
        return dotenv.read(vault.unseal(data, identities))
    except vault.NotForUs:
        failed = place.failed(
            FailureKind.NOT_PERMITTED,
            f"{label} is not encrypted for the identity in use.",
            f"Ask somebody who can open it to add `{identities[0].public}` to its recipients, "
            "or name another file as `identity` under `[local]`.",
        )
    except vault.Damaged as error:
        failed = place.failed(
            FailureKind.BAD_OUTPUT,
            f"{label} cannot be opened: {error}.",
            "Put it back from a backup or from version control.",
        )
    except errors.UsageError as error:
        failed = place.failed(
            FailureKind.BAD_OUTPUT,
            f"{label} opens, but not as a dotenv text. {error.message}",
            "Decrypt it with `age -d`, mend that line and encrypt it again.",
        )
    raise failed
