"""
The installed program, but for one thing: the thread that waits for the disk writes the log itself.

strace counts the calls of each thread by itself, so only then can each of them be met by number.
"""

from __future__ import annotations

import sys

from sophia_secrets.__main__ import main
from sophia_secrets.state import audit

audit.start_new_thread = lambda run, arguments: run(*arguments)  # type: ignore[assignment]
sys.exit(main())
