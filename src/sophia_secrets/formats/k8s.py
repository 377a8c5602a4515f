"""
A Kubernetes Secret manifest (v1, `Opaque`), exact for `kubectl apply -f`: the values are base64
under `data`, so any text survives.

Base64 is not encryption: the file is as secret as the values.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence

from sophia_secrets import errors
from sophia_secrets.core import names
from sophia_secrets.formats import Pair, check_names, name_refusal, refusal, text_of

# kubernetes/apimachinery pkg/util/validation: IsConfigMapKey, IsDNS1123Subdomain;
# kubernetes/api core/v1: MaxSecretSize.
_KEY = r"(?!\.\.?\Z|\.\.)[-._a-zA-Z0-9]{1,253}"
_LABEL = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*", re.ASCII)
_MAX_TOTAL = 1024 * 1024


def write(pairs: Sequence[Pair], *, name: str = "secrets") -> bytes:
    """The manifest of the Secret `name`. Raises `errors.BadName` for an invalid name."""
    if len(name) > 253 or not _SUBDOMAIN.fullmatch(name):
        raise errors.BadName(
            f"{names.shown(name)} cannot be a Secret's name.",
            hint="Use at most 253 lower case letters, digits, `-` and `.`, with a letter or digit first "
            "and last (RFC 1123).",
        )
    check_names(pairs, identifier=False)
    lines = ["apiVersion: v1", "kind: Secret", "metadata:", f'  name: "{name}"', "type: Opaque"]
    lines += ["data:"] if pairs else ["data: {}"]
    total = 0
    for pair in pairs:
        if not re.fullmatch(_KEY, pair.name):
            raise name_refusal(pair, "its name is not one that a Secret's data can have")
        value = text_of(pair, nul=True).encode()
        total += len(value)
        if total > _MAX_TOTAL:
            raise refusal(pair, f"with it the Secret is larger than {_MAX_TOTAL} bytes")
        lines.append(f'  "{pair.name}": "{b64encode(value).decode()}"')
    return "\n".join(lines).encode() + b"\n"
