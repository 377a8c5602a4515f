"""Writes the reference and the pictures from the program, then builds the site: what `make docs` runs."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main(arguments: list[str]) -> int:
    """Write what is made; with no `--reference-only`, build `site/` too. The exit code of the build."""
    sys.path.insert(0, str(ROOT))
    from docs.errors import page as errors_page
    from docs.man_page import man_page
    from docs.pictures import PICTURES, drawn
    from docs.prebuilt_texts import prebuilt_texts
    from docs.reference_pages import MADE, pages
    from docs.reference_schemas import files
    from docs.walk_page import walk_page
    from sophia_secrets.view.prebuilt import DIRECTORY

    made = {ROOT / "docs" / "reference" / name: text for name, text in (*pages().items(), *files().items())}
    made[ROOT / "docs" / "man" / "sophia-secrets.1"] = man_page()
    made |= {Path(DIRECTORY) / name: text for name, text in prebuilt_texts().items()}
    made[ROOT / "docs" / "walk.md"] = f"{MADE}\n{walk_page()}"
    made[ROOT / "docs" / "reference" / "errors.md"] = f"{MADE}\n{errors_page.made()}"
    made |= {PICTURES / name: text for name, text in drawn().items()}
    for path, text in made.items():
        path.parent.mkdir(exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"wrote {path.relative_to(ROOT)}")
    if "--reference-only" in arguments:
        return 0
    if importlib.util.find_spec("mkdocs") is None or importlib.util.find_spec("material") is None:
        print(
            "The site needs mkdocs: `python -m pip install --group docs`, then run this again.",
            file=sys.stderr,
        )
        return 1
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(ROOT / "site")],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        check=False,
    ).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
