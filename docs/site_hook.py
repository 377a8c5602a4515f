"""Marks, in what a terminal printed, the lines that are sentences or commands: they go on below, tables do not."""

from __future__ import annotations

import re
from typing import Any

_LINE = re.compile(
    r'<span id="(__span-[\d-]+)">'
    r'(?=(?:<span class="g[op]">)?(?:\$ |error: |warning: |hint: |note: |# \w+ says: |\{&quot;schema&quot;|\{"schema"))'
)


def on_page_content(html: str, **_: Any) -> str:
    """Called by MkDocs with each page's HTML."""
    return _LINE.sub(r'<span id="\1" class="sentence">', html)
