"""
Validating values of the declared types: `url`, `port`, `pem` and so on.

Each check takes linear time, and none quotes the value.
"""

from __future__ import annotations

import re
from binascii import Error as BadBase64
from binascii import a2b_base64
from collections.abc import Callable

from sophia_secrets.core import strict_json
from sophia_secrets.core.model import SecretValue

MAX_SEARCHED = 64 * 1024
"""The longest value, in characters, that is matched against a declared pattern."""

_SCHEME = r"[A-Za-z][A-Za-z0-9+.-]*"
_HOST_PORT = r"(?:\[[0-9A-Fa-f:.]+(?:%[A-Za-z0-9]+)?\]|[^:\[\]]*)(?::([0-9]{0,5}))?"
_LOCAL_SCHEMES = frozenset({"file", "sqlite", "unix"})
_INTEGER = r"[+-]?[0-9]+"
_UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_BOOLEANS = frozenset({"true", "false", "1", "0", "yes", "no", "on", "off"})
_MAILBOX = r"[^\s@.\"(),:;<>\[\]\\]+(?:\.[^\s@.\"(),:;<>\[\]\\]+)*"
_DOMAIN_LABEL = r"[^\W_](?:[^\W_]|-)*"
_PEM_BEGIN = r"-----BEGIN ([A-Z0-9 ]{1,64})-----"
_PEM_HEADER = r"[A-Za-z0-9-]+:.*"


def problem(kind: str, value: SecretValue) -> str | None:
    """Why the value is not of this type, as the end of a sentence, or None. `KeyError`: no such type."""
    return _CHECKS[kind](value.reveal())


def unsearchable(value: SecretValue) -> str | None:
    """Why the value is too long to be matched against a pattern, or None."""
    if len(value.reveal()) > MAX_SEARCHED:
        return f"has more than {MAX_SEARCHED} characters, too many to hold against a pattern"
    return None


def matches(pattern: str, value: SecretValue) -> bool:
    """Whether the pattern matches the value, whose length the caller has checked (`unsearchable`)."""
    return re.search(pattern, value.reveal()) is not None


def _text(text: str) -> str | None:
    del text
    return None


def _url(text: str) -> str | None:
    wanted = "is not a URL (`scheme://host/…`)"
    scheme, mark, rest = text.partition("://")
    if not mark or not re.fullmatch(_SCHEME, scheme) or not rest:
        return wanted
    if any(c.isspace() or not c.isprintable() for c in rest):
        return f"{wanted}: it holds white space or a control character"
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0].rpartition("@")[2]
    # URLs of MongoDB, Kafka and PostgreSQL may have several hosts, separated by commas.
    for host in authority.split(","):
        if not host and scheme.lower() not in _LOCAL_SCHEMES:
            return f"{wanted}: it has no host"
        match = re.fullmatch(_HOST_PORT, host)
        if match is None:
            return f"{wanted}: its host or port is malformed"
        if match[1] and int(match[1]) > 65535:
            return f"{wanted}: its port is above 65535"
    return None


def _integer(text: str) -> str | None:
    return None if re.fullmatch(_INTEGER, text) else "is not a whole number"


def _port(text: str) -> str | None:
    plain = len(text) <= 5 and text.isascii() and text.isdigit()
    return None if plain and 1 <= int(text) <= 65535 else "is not a port (1 to 65535)"


def _boolean(text: str) -> str | None:
    return None if text[:6].lower() in _BOOLEANS and len(text) <= 5 else "is not true or false"


def _json(text: str) -> str | None:
    try:
        strict_json.loads(text.encode("utf-8", "surrogatepass"))
    except strict_json.BadJSON as bad:
        # A fixed reason: it holds nothing of the document.
        return f"is not JSON ({bad})"
    return None


def _pem(text: str) -> str | None:
    lines = text.replace("\r\n", "\n").strip().split("\n")
    position = blocks = 0
    while position < len(lines):
        line = lines[position].strip()
        begin = re.fullmatch(_PEM_BEGIN, line)
        if begin is None:
            # Certificate bundles may have text between their blocks (RFC 7468, section 2).
            if line.startswith("-----"):
                return "is not PEM: a line of dashes is no BEGIN line"
            position += 1
            continue
        end = f"-----END {begin[1]}-----"
        position += 1
        body: list[str] = []
        while position < len(lines) and lines[position].strip() != end:
            body.append(lines[position].strip())
            position += 1
        if position == len(lines):
            return "is not PEM: a block has no END line"
        if not _is_base64(body):
            return "is not PEM: a block is not base64"
        position += 1
        blocks += 1
    return None if blocks else "is not PEM: it has no BEGIN line"


def _is_base64(body: list[str]) -> bool:
    start = 0
    while start < len(body) and re.fullmatch(_PEM_HEADER, body[start]):
        start += 1
    text = "".join(body[start:])
    try:
        return bool(a2b_base64(text.encode("ascii"), strict_mode=True))
    except (BadBase64, UnicodeEncodeError):
        return False


def _uuid(text: str) -> str | None:
    return None if re.fullmatch(_UUID, text) else "is not a UUID"


def _email(text: str) -> str | None:
    mailbox, mark, domain = text.rpartition("@")
    labels = domain.split(".") if len(domain) <= 255 else []
    good = (
        mark
        and len(mailbox) <= 64
        and re.fullmatch(_MAILBOX, mailbox)
        and len(labels) > 1
        and all(
            len(label) <= 63 and re.fullmatch(_DOMAIN_LABEL, label) and not label.endswith("-")
            for label in labels
        )
    )
    return None if good else "is not an e-mail address"


_CHECKS: dict[str, Callable[[str], str | None]] = {
    "text": _text,
    "url": _url,
    "port": _port,
    "integer": _integer,
    "boolean": _boolean,
    "json": _json,
    "pem": _pem,
    "uuid": _uuid,
    "email": _email,
}
