"""The names and values that Secrets Manager can store, checked before anything is started."""

from __future__ import annotations

import re

from sophia_secrets.backends.aws.place import Place
from sophia_secrets.core.model import SecretValue

LIMIT = 65536
"""The most bytes of a value (Secrets Manager user guide, quotas)."""

_NAME = re.compile(r"[A-Za-z0-9_+=.@-]+", re.ASCII)


def problem(place: Place, name: str, value: SecretValue | None) -> str | None:
    """Why this cannot be stored exactly, or None. Never quotes the value."""
    if _NAME.fullmatch(name) is None:
        return "AWS's names are letters, digits and `_+=.@-`"
    if len(place.id(name)) > 512:
        return "with its prefix the name has more than 512 characters"
    if value is None:
        return None
    text = value.reveal()
    if not text:
        return "an empty value, which AWS does not take; delete the secret instead"
    if "\0" in text:
        return "a NUL character, which no environment variable can hold"
    if re.search("[\ud800-\udfff]", text):
        return "a lone surrogate, which is not Unicode text"
    size = len(text.encode())
    return f"{size:,} bytes, and AWS keeps at most {LIMIT:,}" if size > LIMIT else None
