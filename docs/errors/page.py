"""The page of every error message, made by causing each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from docs.errors import absent, api, aws, names, state, usage, vendors
from docs.errors.elsewhere import ELSEWHERE
from docs.errors.scene import Caused, Says, Scene, cause
from sophia_secrets import errors

SCENES: tuple[Scene, ...] = (
    *usage.SCENES,
    *names.SCENES,
    *state.SCENES,
    *vendors.SCENES,
    *aws.SCENES,
    *absent.SCENES,
    *api.SCENES,
)

_HEAD = """# Every error message

Each was caused by running the program, in a home where two secrets are stored in the local vault, and is shown as it was printed: what happened and where, then the command that helps. The last line of a block that begins with `$` is the command; those before it prepare. `says` is the error that the vendor's program printed, `runs` what was run in its place. The names of the headings are the `kind` of `--json` and of the audit log; [Exit codes](exit-codes.md) has them all, [Troubleshooting](../troubleshooting.md) the usual ones with more words.

Homes, times and host names are replaced by `/home/you`, `2026-05-04` and `laptop`.
"""


def page(caused: Sequence[Caused]) -> str:
    """The whole page, by exit code and kind."""
    parts = [_HEAD]
    for code in sorted({each.code for each in caused}):
        parts.append(f"\n## Exit code {code}\n")
        same = [each for each in caused if each.code == code]
        for kind in sorted({each.scene.kind for each in same}):
            parts.append(f"\n### {kind}\n\n{_meaning(kind)}\n")
            parts += [f"\n{FENCE}{block(each)}```\n" for each in same if each.scene.kind == kind]
    parts.append("\n## Not caused here\n\nWhat a page cannot cause, and why.\n\n")
    parts.append("| sentence | why |\n| --- | --- |\n")
    parts += [
        f"| {text.replace('{}', '…').replace('|', chr(92) + '|')} | {why} |\n"
        for (_, text), why in ELSEWHERE.items()
    ]
    return "".join(parts)


def made() -> str:
    """The page from a run of every scene."""
    return page(cause(SCENES))


def block(each: Caused) -> str:
    """One run as a person sees it."""
    scene = each.scene
    lines = list(_vendor(scene.says)) if scene.says else []
    lines += [f"$ export {name}='{value}'" for name, value in scene.more.items() if not _is_private(value)]
    lines += _typed(scene.lines)
    printed = each.printed if len(each.printed) < _LONGEST else each.printed[:_LONGEST] + "...\n"
    return "\n".join(lines) + "\n" + printed


def _vendor(says: Says) -> Iterator[str]:
    """What the vendor's program did: its error's text, or what a shell ran in its place."""
    runs = says.out.strip().rpartition("\n")[2]
    if says.text:
        yield from (f"# {says.program} says: {line}" for line in says.text.splitlines())
    elif runs and "esac" not in runs:
        yield f"# {says.program} runs: {runs}"
    elif says.code:
        yield f"# {says.program} ends with exit code {says.code}"


_LONGEST = 4000
FENCE = "```{.text .messages}\n"
"""A session of a shell, whose sentences `docs/site_hook.py` marks."""


def _is_private(value: str) -> bool:
    """A path of the machine that made the page."""
    return value.startswith("/") and "sophia" not in value and not value.startswith(("/no", "/etc", "/proc"))


def _typed(lines: str) -> Iterator[str]:
    """The lines of a shell's session: `$ ` begins a command, what a here-document holds stands as it is."""
    inside = False
    for line in lines.split("\n"):
        yield line if inside else f"$ {line}"
        inside = line != "END" if inside else "<<'END'" in line


def _meaning(kind: str) -> str:
    from docs.reference_pages import error_classes

    for cls in error_classes():
        if cls.kind == kind:
            return (cls.__doc__ or "").strip().splitlines()[0]
    raise LookupError(kind)


def exit_codes() -> dict[str, int]:
    """The exit code of every kind of error."""
    from docs.reference_pages import error_classes

    return {cls.kind: cls.exit_code for cls in error_classes()} | {errors.SophiaError.kind: 1}
