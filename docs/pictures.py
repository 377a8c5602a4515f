"""
Pictures of the product, made from real runs in a real terminal of 80 columns, light and dark.

`python docs/pictures.py` writes docs/pictures/*.svg. The vendors are the tests' own: the real gh
against a local API, stand-ins for pulumi and flyctl. The program's clock stands still, and what is
another one at each run (the key of the vault, the place of the home) is written over in the same
width, so that the pictures are the same until the program is not.
"""

from __future__ import annotations

import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from itertools import groupby
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.program import GH, Program  # noqa: E402
from tests.terminal import Terminal  # noqa: E402
from tests.world import World, world  # noqa: E402

PICTURES = ROOT / "docs" / "pictures"
COLUMNS, CELL, LINE, EDGE = 80, 8.4, 19, 16


@dataclass(frozen=True)
class Look:
    """The colours of one theme; what a terminal dims is shown as other text is."""

    ground: str
    text: str
    colours: dict[str, str]


LOOKS = {
    "light": Look(
        "#ffffff", "#24292f", {"green": "#116329", "red": "#b3152a", "brown": "#8a5a00", "cyan": "#0b6e7a"}
    ),
    "dark": Look(
        "#0d1117", "#e6edf3", {"green": "#56d364", "red": "#ff7b72", "brown": "#e3b341", "cyan": "#76d9e6"}
    ),
}


def _prepare(sophia: Program, vendors: World) -> None:
    vendors.define({"OPENAI_API_KEY": "sk-one", "NEON_DATABASE_URL": "postgres://db"})
    sophia.store("OPENAI_API_KEY", "sk-one", "fly")
    sophia.store("STRIPE_API_KEY", "st-one", "local")
    sophia.store("STRIPE_API_KEY", "st-two", "github")
    for name in ("OPENAI_API_KEY", "OPENAI_API_KEY", "NEON_DATABASE_URL", "STRIPE_API_KEY", "NOT_THERE"):
        sophia("get", name)


def _mistakes(sophia: Program, vendors: World) -> None:
    (sophia.cwd / ".env").write_text("DATABASE_URL=postgres://db\n")
    for words in (("init", "-q"), ("add", ".env")):
        subprocess.run(["git", *words], cwd=sophia.cwd, check=True)
    vendors.pulumi_fails(401, {"code": 401, "message": "Unauthorized"}, 1)


def _down(_: Program, vendors: World) -> None:
    vendors.pulumi_fails(503, {"code": 503, "message": "down"})


Step = Callable[[Program, World], None]
SCENES: tuple[tuple[str, tuple[str, ...], Step | None], ...] = (
    ("list", ("list",), _prepare),
    ("explain", ("explain", "STRIPE_API_KEY"), None),
    ("plan", ("sync", "--from", "pulumi", "--to", "fly", "--dry-run"), None),
    ("report", ("audit", "report"), None),
    ("doctor", ("doctor",), _mistakes),
    ("degraded", ("get", "STRIPE_API_KEY", "--no-cache", "--explain"), _down),
    ("error", ("get", "STRIPE_KEY"), None),
)


def _runs(row: list[Any], look: Look) -> str:
    """One line of the screen as SVG text: a `tspan` for each run of one style."""
    spans = []
    end = max((x for x, cell in enumerate(row) if cell.data != " "), default=-1) + 1
    for (colour, bold), cells in groupby(row[:end], key=lambda cell: (cell.fg, cell.bold)):
        text = escape("".join(cell.data for cell in cells))
        fill = look.colours.get(colour, look.text)
        weight = ' font-weight="bold"' if bold else ""
        spans.append(f'<tspan fill="{fill}"{weight}>{text}</tspan>')
    return "".join(spans)


def draw(title: str, rows: list[list[Any]], look: Look) -> str:
    """The screen as an SVG picture that needs nothing from elsewhere."""
    width, height = COLUMNS * CELL + 2 * EDGE, (len(rows) + 2) * LINE + 2 * EDGE
    command = f'<tspan fill="{look.colours["green"]}">$ </tspan><tspan fill="{look.text}" font-weight="bold">{escape(title)}</tspan>'
    lines = [command, *(_runs(row, look) for row in rows)]
    texts = "\n".join(
        f'<text x="{EDGE}" y="{EDGE + (number + 1) * LINE}" xml:space="preserve">{line}</text>'
        for number, line in enumerate(lines)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" role="img" '
        f'aria-label="{escape(title)}">\n'
        f'<rect width="100%" height="100%" rx="8" fill="{look.ground}" stroke="#8884"/>\n'
        f'<g font-family="ui-monospace, Menlo, Consolas, \'DejaVu Sans Mono\', monospace" font-size="14">\n{texts}\n</g>\n</svg>\n'
    )


_FROZEN = """#!{python}
import pwd, sys, time
time.time = lambda: 1777888800.0
_entry = pwd.getpwuid
pwd.getpwuid = lambda uid: pwd.struct_passwd(("ana", *_entry(uid)[1:]))
from sophia_secrets.__main__ import main
sys.exit(main())
"""
"""The program at 2026-05-04 10:00 UTC, run by the user `ana`."""

_KEY = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"
_ANY_KEY = re.compile(r"\bage1[a-z0-9]{58}\b")


@contextmanager
def _place() -> Iterator[Path]:
    """A directory whose path is as long as `/tmp/demo`, so that lines break where they would there."""
    while True:
        place = Path("/tmp") / secrets.token_hex(2)
        try:
            place.mkdir(0o700)
        except FileExistsError:
            continue
        break
    try:
        yield place
    finally:
        shutil.rmtree(place)


def _steady(row: list[Any], place: Path) -> list[Any]:
    """The row with what is another one each time written over, cell by cell."""
    text = _ANY_KEY.sub(_KEY, "".join(cell.data for cell in row).replace(str(place), "/tmp/demo"))
    return [cell._replace(data=sign) for cell, sign in zip(row, text, strict=True)]


def drawn() -> dict[str, str]:
    """Every picture in every theme, by the name of its file."""
    pictures = {}
    with _place() as place:
        program = place / "sophia-secrets"
        program.write_text(_FROZEN.format(python=sys.executable))
        program.chmod(0o700)
        sophia = Program(place, executable=program)
        with world(sophia, place) as vendors:
            gh = place / "gh"
            gh.symlink_to(GH)
            sophia.environment["SOPHIA_SECRETS_GH"] = str(gh)
            for name, arguments, before in SCENES:
                if before is not None:
                    before(sophia, vendors)
                with Terminal(sophia, *arguments, lines=70, executable=str(program)) as terminal:
                    terminal.end()
                    rows = [_steady(row, place) for row in terminal.cells]
                title = " ".join(("sophia-secrets", *arguments))
                pictures |= {f"{name}-{word}.svg": draw(title, rows, look) for word, look in LOOKS.items()}
    return pictures


def main() -> int:
    """Draw every scene in every theme."""
    PICTURES.mkdir(exist_ok=True)
    for name, text in drawn().items():
        (PICTURES / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
