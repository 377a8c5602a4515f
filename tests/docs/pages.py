"""What a page of the documentation holds for a machine: its fences, its links, what it says of the program."""

from __future__ import annotations

import getpass
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *DOCS.rglob("*.md")])
STAND_INS = "<!-- with stand-ins for gh, pulumi and flyctl -->"

_FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
_TITLE = re.compile(r'\btitle="([^"]+)"')
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_TYPED = re.compile(r"\bsophia-secrets\b((?: +(?:\"[^\"\n]*\"|'[^'\n]*'|[^\s`|;&()'\"<>]+))*)")


@dataclass(frozen=True)
class Fence:
    """One fenced block: its language, the file it stands for, and its text."""

    language: str
    title: str
    body: str


@dataclass(frozen=True)
class Typed:
    """One command line of a console block, and what it prints."""

    command: str
    printed: str


def fences(text: str) -> list[Fence]:
    """The fenced blocks in order."""
    found = []
    for match in _FENCE.finditer(text):
        title = _TITLE.search(match["info"])
        found.append(Fence(match["info"].split(" ")[0], title[1] if title else "", match["body"]))
    return found


def session(body: str) -> list[Typed]:
    """The commands of a console block: `$ ` begins one, `> ` goes on with it, the rest is printed."""
    typed: list[Typed] = []
    for line in body.splitlines():
        if line.startswith("$ "):
            typed.append(Typed(line[2:], ""))
        elif line.startswith("> ") and typed and not typed[-1].printed:
            typed[-1] = Typed(f"{typed[-1].command}\n{line[2:]}", "")
        elif typed and not line.startswith("# "):
            typed[-1] = Typed(typed[-1].command, f"{typed[-1].printed}{line}\n")
        else:
            assert line.startswith("# "), f"neither a command nor its output: {line}"
    return typed


def agrees(shown: str, printed: str) -> bool:
    """
    Whether what is shown is what was printed, but for the moment and the user it was printed for.

    `...` stands for anything within a line, and alone on a line for any lines. Runs of blanks are
    one blank: the width of a column is no promise.
    """
    pattern = ""
    for line in _same(shown):
        if line == "...":
            pattern += r"(?:[^\n]*\n)*?"
        else:
            pattern += r"[^\n]*".join(re.escape(part) for part in line.split("...")) + r"\n"
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in _same(printed))) is not None


_SAME = (
    (re.compile(r"\b20\d\d-\d\d-\d\d(?:[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z| UTC)?)?"), "<moment>"),
    (re.compile(r"\b\d+ (?:s|min|h|days) ago\b"), "<age>"),
    (re.compile(rf" (?:you|{re.escape(getpass.getuser())})$"), " <user>"),
)


def _same(text: str) -> Iterator[str]:
    for line in text.splitlines():
        words = " ".join(line.split())
        for pattern, token in _SAME:
            words = pattern.sub(token, words)
        yield words


def links(text: str) -> list[str]:
    """The targets of the links between pages, without those that lead out."""
    prose = _FENCE.sub("", text)
    return [
        target for target in _LINK.findall(prose) if "://" not in target and not target.startswith("mailto:")
    ]


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings."""
    found = set()
    for heading in re.findall(r"^#{1,6} (.+)$", _FENCE.sub("", text), re.MULTILINE):
        plain = re.sub(r"[^\w\s-]", "", heading.lower().replace("`", "")).strip()
        found.add(re.sub(r"[\s-]+", "-", plain))
    return found


def program_lines(text: str) -> Iterator[list[str]]:
    """The words after every `sophia-secrets` that is shown as a command: in a fence or in backquotes."""
    shown = [
        fence.body for fence in fences(text) if fence.language in ("console", "sh", "yaml", "dockerfile")
    ]
    shown += re.findall(r"`([^`\n]+)`", _FENCE.sub("", text))
    for part in shown:
        for match in _TYPED.finditer(part.replace("\\\n", " ")):
            before = part[max(0, match.start() - 1) : match.start()]
            words = shlex.split(match[1].replace("…", ""))
            if words and before not in ("/", "-", "."):
                yield words
