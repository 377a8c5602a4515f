"""Names of secrets: the convention, safety for vendors, and suggestions for typos."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from sophia_secrets import errors

MAX_LENGTH = 255

_CONVENTION = r"[A-Z_][A-Z0-9_]*"
_HUMP = r"(?<=[a-z])(?=[A-Z])|(?<=[a-z][0-9])(?=[A-Z])"
_OTHER = r"[^A-Z0-9_]+"
_SEPARATOR = r"[^0-9a-z]+"


def convention_problem(name: str) -> str | None:
    """Why `name` violates the convention (upper case, digits, underscores), or None."""
    if not name:
        return "a name is never empty"
    if len(name) > MAX_LENGTH:
        return f"a name has at most {MAX_LENGTH} characters"
    if "0" <= name[0] <= "9":
        return "a name starts with a letter or an underscore"
    if not re.fullmatch(_CONVENTION, name):
        return "a name is upper case letters, digits and underscores"
    return None


def corrected(name: str) -> str:
    """
    The nearest conventional name: `my-key.name` gives `MY_KEY_NAME`, `apiKey` gives `API_KEY`.

    "" where nothing of the name would be left.
    """
    if convention_problem(name) is None:
        return name
    shouted = re.sub(_OTHER, "_", re.sub(_HUMP, "_", name).upper()).strip("_")
    if shouted[:1].isdigit():
        shouted = f"_{shouted}"
    return shouted[:MAX_LENGTH]


def _safety_problem(name: str) -> str | None:
    if not name:
        return "it is empty"
    if len(name) > MAX_LENGTH:
        return f"it has more than {MAX_LENGTH} characters"
    if name[0] == "-":
        return "it begins with `-`"
    if "=" in name:
        return "it holds `=`"
    if any(character.isspace() for character in name):
        return "it holds white space"
    if not name.isprintable():
        return "it holds a character that cannot be shown"
    return None


def is_safe(name: str) -> bool:
    """Whether this name is safe to pass to a vendor; dotted paths and lower case are (I1, I2)."""
    return _safety_problem(name) is None


def check_safe(name: str) -> None:
    """Raises `errors.BadName` for a name that is not safe to pass to a vendor (I1, I2)."""
    problem = _safety_problem(name)
    if problem is None:
        return
    if not name:
        raise errors.BadName("The name is empty.", hint="See the names with `sophia-secrets list --names`.")
    # What follows `=` may be a value.
    head, sign, _ = name.partition("=")
    suggestion = corrected(head)
    raise errors.BadName(
        f"{shown(f'{head}=…' if sign else name)} cannot be a secret's name: {problem}.",
        hint=f"Did you mean `{suggestion}`?" if suggestion else "",
    )


def shown(name: str) -> str:
    """The name in backquotes, for a message: one line, escaped, at most 64 characters and `…`."""
    short = name if len(name) <= 64 else f"{name[:64]}…"
    visible = (c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in short)
    return f"`{''.join(visible)}`"


def env_candidates(name: str) -> tuple[str, ...]:
    """The variables that `env` looks up: the name itself, then `MY_KEY_NAME` for `my-key.name`."""
    spelled = name.upper().replace("-", "_").replace(".", "_")
    return (name,) if spelled == name else (name, spelled)


def nearest(name: str, known: Iterable[tuple[str, str]], limit: int = 3) -> list[tuple[str, str]]:
    """
    The (name, backend) pairs that were most likely meant by `name`, best first.

    Each name once, with the first backend that has it. Case and separators are ignored, and a name with
    all the words of `name` is near, whatever its length.
    """
    from difflib import SequenceMatcher

    wanted = _plain(name[:MAX_LENGTH])
    if not wanted:
        return []
    words = set(wanted.split("_"))
    # The matcher caches its index of the second sequence.
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(wanted)
    scored: list[tuple[float, int, tuple[str, str]]] = []
    seen: set[str] = set()
    for candidate, backend in known:
        if candidate in seen or len(candidate) > MAX_LENGTH:
            continue
        seen.add(candidate)
        plain = _plain(candidate)
        theirs = set(plain.split("_"))
        bonus = 0.0
        if words <= theirs or (theirs <= words and len(theirs) > 1):
            bonus = 1.0
        matcher.set_seq1(plain)
        if not bonus and (matcher.real_quick_ratio() < 0.7 or matcher.quick_ratio() < 0.7):
            continue
        score = matcher.ratio() + bonus
        if score >= 0.7:
            scored.append((-score, len(scored), (candidate, backend)))
    return [pair for _, _, pair in sorted(scored)[:limit]]


def either(words: Sequence[str]) -> str:
    """The words as a choice: `A`, `A or B`, `A, B or C`."""
    return " or ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def _plain(name: str) -> str:
    return re.sub(_SEPARATOR, "_", name.casefold()).strip("_")
