"""The program as it is after the machine was started again: with another word for this boot."""

from __future__ import annotations

import sys

from sophia_secrets.__main__ import main
from sophia_secrets.state import audit_disk

audit_disk._boot = b"00000000-0000-4000-8000-000000000000"
sys.exit(main())
