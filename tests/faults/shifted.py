"""The program with its clock off by the seconds in the first argument; the rest is its command line."""

from __future__ import annotations

import sys
import time

_real, _shift = time.time, float(sys.argv.pop(1))
time.time = lambda: _real() + _shift

from sophia_secrets.__main__ import main  # noqa: E402  everything after the clock

sys.exit(main())
