"""A vendor's error text, redacted so that it can be classified and, where safe, shown (L7)."""

from __future__ import annotations

from sophia_secrets.backends.base import Call
from sophia_secrets.core.redact import MINIMUM, Masker, Redactor
from sophia_secrets.core.text import without_controls
from sophia_secrets.launch.dangerous import may_be_credential


def error_text(raw: bytes, call: Call, *, cut: bool) -> str:
    """
    `raw` as text without terminal sequences, the values of the call, its input or its credentials.

    Values are redacted before terminal sequences are removed, because a value may hold one, and again
    after, because one may stand inside a value. `cut` says that the end of the output is missing.
    """
    if not raw:
        return ""
    values = [secret.reveal() for secret in call.secrets]
    values.append(call.stdin.decode("utf-8", "replace"))
    values += [value for name, value in call.environment.items() if may_be_credential(name)]
    masker = Masker(values)
    masked = masker.feed(raw) + masker.flush(cut=cut)
    text = without_controls(masked.decode("utf-8", "replace"))
    return Redactor({*values, *map(without_controls, values)}).redact(text, cut=cut)


def showable(call: Call) -> bool:
    """Whether every value of the call is long enough to be redacted from the error text."""
    texts = [secret.reveal() for secret in call.secrets]
    texts.append(call.stdin.decode("utf-8", "replace"))
    return not any(0 < len(text.strip()) < MINIMUM for text in texts)
