"""The installed program, on a disk that takes half of what each write gives it."""

from __future__ import annotations

import os
import stat
import sys
from typing import Any


def _halved(real: Any) -> Any:
    def write(fd: int, data: Any, *place: int) -> int:
        whole = memoryview(data).cast("B")
        if stat.S_ISREG(os.fstat(fd).st_mode):
            whole = whole[: (len(whole) + 1) // 2]
        written: int = real(fd, whole, *place)
        return written

    return write


os.write = _halved(os.write)
os.pwrite = _halved(os.pwrite)

from sophia_secrets.__main__ import main  # noqa: E402

sys.exit(main())
