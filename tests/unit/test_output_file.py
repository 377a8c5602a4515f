"""A file that an answer could not be written to is told with the hint that mends it."""

from __future__ import annotations

import errno
import os

import pytest

from sophia_secrets import errors
from sophia_secrets.cli import output_file
from sophia_secrets.state import atomic


@pytest.mark.parametrize(
    ("number", "hint"),
    [
        (errno.ENOSPC, "Free some space (see `df -h /kept`), or name another file."),
        (errno.EDQUOT, "Free some space (see `df -h /kept`), or name another file."),
        (errno.EROFS, "Make /kept writable, or name another file."),
        (errno.EACCES, "Make /kept writable, or name another file."),
        (errno.EIO, "Try again, or name another file."),
    ],
)
def test_E2_what_the_disk_refuses_is_told(monkeypatch: pytest.MonkeyPatch, number: int, hint: str) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(atomic, "replace_path", refused)
    with pytest.raises(errors.OutputFailed) as caught:
        output_file.write("/kept/out", b"value")
    assert caught.value.message == f"/kept/out could not be written: {os.strerror(number)}."
    assert caught.value.hint == hint
