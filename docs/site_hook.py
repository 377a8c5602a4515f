"""
Marks what docs/stylesheets/width.css breaks, and what it does not.

In what a terminal printed, the lines that are sentences or commands go on below, and tables do not; a
short word of code in a sentence, such as an option, stays whole.
"""

from __future__ import annotations

import re
from typing import Any

_LINE = re.compile(
    r'<span id="(__span-[\d-]+)">'
    r'(?=(?:<span class="g[op]">)?(?:\$ |error: |warning: |hint: |note: |# \w+ (?:says|runs): |\{&quot;schema&quot;|\{"schema"))'
)
_WORD = re.compile(r"<code>(?=[^<\s]{1,28}</code>)")


def on_page_content(html: str, **_: Any) -> str:
    """Called by MkDocs with each page's HTML."""
    return _WORD.sub('<code class="whole">', _LINE.sub(r'<span id="\1" class="sentence">', html))
