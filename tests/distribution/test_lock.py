"""The locked development dependencies: whole, with hashes, from no named place, and as pyproject.toml says."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
GROUPS = {"requirements-dev.txt": "dev", "requirements-docs.txt": "docs"}
_PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^ ;\\]+)(?: ; (?P<marker>[^\\]+))? \\$")
_HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}(?: \\)?$")


@dataclass
class Pin:
    """One package of a lock: its version, how many hashes it has, and whether pyproject.toml itself asks for it."""

    version: str
    hashes: int = 0
    direct: bool = False


def pins(text: str) -> dict[str, Pin]:
    """The packages of a lock by name; what is neither a pin, a hash nor a remark is refused."""
    found: dict[str, Pin] = {}
    pin = None
    for line in text.splitlines():
        if match := _PIN.match(line):
            pin = found[canonicalize_name(match["name"])] = Pin(match["version"])
        elif pin is not None and _HASH.match(line):
            pin.hashes += 1
        elif pin is not None and line.lstrip().startswith("#"):
            pin.direct |= "sophia-secrets (pyproject.toml" in line
        else:
            assert line.startswith("#"), line
    return found


def asked(group: str) -> list[Requirement]:
    """What pyproject.toml asks for to run the program and for this group."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return [
        Requirement(each)
        for each in (*project["project"]["dependencies"], *project["dependency-groups"][group])
    ]


def differences(found: dict[str, Pin], wanted: Iterable[Requirement]) -> list[str]:
    """Where a lock is no longer what pyproject.toml asks for."""
    wanted = list(wanted)
    told = []
    for requirement in wanted:
        pin = found.get(canonicalize_name(requirement.name))
        if pin is None or not pin.direct:
            told.append(f"{requirement.name} is not in it")
        elif not requirement.specifier.contains(pin.version, prereleases=True):
            told.append(f"{requirement.name} is {pin.version} there, and must be {requirement.specifier}")
    names = {canonicalize_name(requirement.name) for requirement in wanted}
    told += [
        f"{name} is no longer asked for" for name, pin in found.items() if pin.direct and name not in names
    ]
    return told


@pytest.mark.parametrize("name", GROUPS)
def test_the_lock_is_what_pyproject_asks_for(name: str) -> None:
    found = pins((ROOT / name).read_text(encoding="utf-8"))
    assert not differences(found, asked(GROUPS[name])), f"{name} is old: run `make lock`"


@pytest.mark.parametrize("name", GROUPS)
def test_every_package_has_hashes_and_no_place_is_named(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert all(pin.hashes for pin in pins(text).values())
    assert not re.search(r"https?:|--(extra-)?index|--find-links|--trusted-host", text)


def test_both_locks_agree() -> None:
    dev, docs = (pins((ROOT / name).read_text(encoding="utf-8")) for name in GROUPS)
    shared = dev.keys() & docs.keys()
    assert "typer" in shared
    assert [name for name in shared if dev[name].version != docs[name].version] == []


def test_a_lock_that_no_longer_fits_would_be_seen() -> None:
    text = (
        "# made\n"
        f"a==1.0 ; sys_platform == 'win32' \\\n    --hash=sha256:{'0' * 64}\n    # via sophia-secrets (pyproject.toml)\n"
        f"b==2.0 \\\n    --hash=sha256:{'0' * 64} \\\n    --hash=sha256:{'1' * 64}\n    # via a\n"
    )
    found = pins(text)
    assert (found["b"].version, found["b"].hashes, found["b"].direct) == ("2.0", 2, False)
    assert differences(found, [Requirement("A>=1")]) == []
    assert differences(found, [Requirement("A>=2")]) == ["A is 1.0 there, and must be >=2"]
    assert differences(found, [Requirement("A"), Requirement("b")]) == ["b is not in it"]
    assert differences(found, []) == ["a is no longer asked for"]
