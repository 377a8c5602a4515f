"""The oracle of faults.md's LEAK: a value must occur nowhere, in none of the forms it could take."""

from __future__ import annotations

import base64
import hashlib
import json
import urllib.parse
import xml.sax.saxutils
from collections.abc import Iterable
from pathlib import Path


def forms(value: str) -> dict[str, bytes]:
    """Every form of the value that is looked for, by name."""
    raw = value.encode()
    found = {
        "raw": raw,
        "json": json.dumps(value)[1:-1].encode(),
        "url": urllib.parse.quote(value, safe="").encode(),
        "xml": xml.sax.saxutils.escape(value).encode(),
        "repr": repr(value)[1:-1].encode(),
        "hex": raw.hex().encode(),
        "base32": base64.b32encode(raw).rstrip(b"=")[:-2],
        "md5": hashlib.md5(raw).hexdigest().encode(),
        "sha1": hashlib.sha1(raw).hexdigest().encode(),
        "sha256": hashlib.sha256(raw).hexdigest().encode(),
        "sha512": hashlib.sha512(raw).hexdigest().encode(),
    }
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + raw)
        found[f"base64+{offset}"] = encoded[4 if offset else 0 : len(encoded) - 4]
    for number, line in enumerate(value.splitlines()):
        if len(line) >= 6:
            found[f"line {number}"] = line.encode()
    return {name: form for name, form in found.items() if len(form) >= 6}


def leaks(value: str, places: Iterable[tuple[str, bytes]]) -> list[str]:
    """Where the value was found, as `place: form`."""
    wanted = forms(value)
    return [f"{place}: {name}" for place, data in places for name, form in wanted.items() if form in data]


def kept_files(directory: Path) -> list[tuple[str, bytes]]:
    """The files below a directory, names included, as places to look at."""
    places = []
    for path in directory.rglob("*"):
        places.append((f"name of {path.name}", path.name.encode()))
        if path.is_file():
            places.append((str(path), path.read_bytes()))
    return places
