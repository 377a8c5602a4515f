"""The package's own names: each there, each lazy, each known to a type checker."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import sophia_secrets

TYPING = Path(__file__).parents[1] / "typing" / "api.py"


def python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize("name", sophia_secrets.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(sophia_secrets, name) is getattr(sophia_secrets, name)
    assert name in dir(sophia_secrets)


def test_a_wrong_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nope"):
        sophia_secrets.nope  # type: ignore[attr-defined]  # noqa: B018


def test_importing_the_package_imports_nothing_else_and_get_secret_no_pydantic() -> None:
    loaded = (
        "import sys, sophia_secrets; print(sorted(m for m in sys.modules if 'sophia' in m and m[0] == 's'))"
    )
    assert python(loaded) == "['sophia_secrets']"
    heavy = "import sys; from sophia_secrets import get_secret; print({'pydantic', 'typer', 'rich', 'yaml'} & {*sys.modules})"
    assert python(heavy) == "set()"


def test_a_type_checker_sees_the_names_and_their_types() -> None:
    pytest.importorskip("mypy")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", str(TYPING)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
