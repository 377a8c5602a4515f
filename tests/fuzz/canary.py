"""What must never be in a message: a text that is in the corpus wherever a secret would be."""

from __future__ import annotations

from sophia_secrets.core.model import Failure

CANARY = "cAn~ArY"
"""No name may hold it, so that a message that quotes a name does not seem to quote a value."""


def unsaid(error: BaseException) -> None:
    """No canary in an error, in what it carries, or in an error behind it (L3)."""
    seen: BaseException | None = error
    while seen is not None:
        assert CANARY not in f"{seen}{seen!r}{seen.args}{getattr(seen, '__dict__', '')}"
        seen = seen.__cause__ or seen.__context__


def unsaid_in(failure: Failure) -> None:
    """No canary in what a failure tells people; its `words` are the vendor's, redacted elsewhere."""
    assert CANARY not in f"{failure.message}{failure.hint}{failure.target}"
    assert len(failure.words) <= 2000
