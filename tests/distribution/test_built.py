"""What the sdist and the wheel hold, and what they say of themselves."""

from __future__ import annotations

import email
import email.message
import re
import tarfile
import zipfile
from pathlib import Path

import pytest
from packaging.metadata import Metadata
from trove_classifiers import classifiers as known_classifiers

import sophia_secrets
from tests.distribution.building import ROOT, STRAYS, Built, build, checkout, with_strays
from tests.distribution.installed import SELECTED

pytestmark = pytest.mark.skipif(
    not (ROOT / "src").is_dir(), reason="there is no source to build: the tests run against a wheel"
)
INFO = f"sophia_secrets-{sophia_secrets.__version__}.dist-info"
RELATIVE = re.compile(r"\]\((?!https:)|(?:src|href)=\"(?!https:)")
DATA = f"sophia_secrets-{sophia_secrets.__version__}.data"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return with_strays(checkout(tmp_path_factory.mktemp("source") / "checkout"))


@pytest.fixture(scope="module")
def built(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    return build(source, tmp_path_factory.mktemp("dist"))


def _members(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _metadata(built: Built) -> email.message.Message:
    return email.message_from_bytes(_members(built.wheel)[f"{INFO}/METADATA"])


def test_the_wheel_holds_the_package_and_nothing_else(source: Path, built: Built) -> None:
    package = {
        str(path.relative_to(source / "src"))
        for path in (source / "src").rglob("*")
        if path.suffix == ".py" or path.name == "py.typed" or path.parent.name == "texts"
    }
    about = {
        f"{INFO}/{name}" for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE")
    }
    page = f"{DATA}/data/share/man/man1/sophia-secrets.1"
    assert set(_members(built.wheel)) == package | about | {page}
    assert "sophia_secrets/py.typed" in package


def test_the_wheel_of_the_sdist_is_the_wheel_of_the_checkout(built: Built) -> None:
    assert built.wheel.name == built.wheel_of_sdist.name
    assert _members(built.wheel) == _members(built.wheel_of_sdist)


def test_the_sdist_has_the_tests_the_pages_and_the_locked_dependencies(built: Built) -> None:
    with tarfile.open(built.sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    for wanted in (
        "pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "Makefile", "requirements-dev.txt",
        "src/sophia_secrets/py.typed", "tests/conftest.py", "docs/index.md", "docs/build.py", ".ci/run",
    ):  # fmt: skip
        assert wanted in names
    assert not names & set(STRAYS)
    assert not [name for name in names if "cache" in name.lower() and not (ROOT / name).is_file()]


def test_what_is_run_against_the_wheel_is_there() -> None:
    assert [path for path in SELECTED if not (ROOT / path).exists()] == []
    assert {"tests/unit", "tests/cli", "tests/plugin_example"} <= set(SELECTED)


def test_no_stray_file_is_in_any_of_them(built: Built) -> None:
    for wheel in (built.wheel, built.wheel_of_sdist):
        assert not [name for name, data in _members(wheel).items() if b"SECRET=stray" in data]
    with tarfile.open(built.sdist) as archive:
        for member in archive.getmembers():
            file = archive.extractfile(member)
            assert file is None or file.read() != b"SECRET=stray", member.name


def test_every_classifier_exists_and_says_what_is_tested(built: Built) -> None:
    given = _metadata(built).get_all("Classifier", [])
    assert set(given) <= known_classifiers
    assert "Typing :: Typed" in given
    assert not [each for each in given if each.startswith("License ::")], "the licence is an SPDX expression"


def test_the_metadata_is_valid_for_an_index(built: Built) -> None:
    Metadata.from_email(_members(built.wheel)[f"{INFO}/METADATA"], validate=True)


def test_the_description_is_the_readme_and_no_link_of_it_leads_nowhere(built: Built) -> None:
    text = str(_metadata(built).get_payload())
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.findall("^#.*", text, re.MULTILINE) == re.findall("^#.*", readme, re.MULTILINE)
    assert re.search(RELATIVE, readme)
    assert not re.search(RELATIVE, text)
    assert not re.search("<[a-z]", text), "an index takes HTML away"
    named = set(re.findall(r"`(docs/[^`]*)`", text))
    with tarfile.open(built.sdist) as archive:
        assert named < {name.partition("/")[2] for name in archive.getnames()}
    assert {"docs/index.md", "docs/security.md"} < named


def test_the_metadata_names_licence_readme_python_and_script(built: Built) -> None:
    metadata = _metadata(built)
    assert metadata["Name"] == "sophia-secrets"
    assert metadata["Version"] == sophia_secrets.__version__
    assert metadata["License-Expression"] == "MIT"
    assert metadata.get_all("License-File") == ["LICENSE"]
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["Description-Content-Type"] == "text/markdown"
    script = _members(built.wheel)[f"{INFO}/entry_points.txt"].decode()
    assert "[console_scripts]\nsophia-secrets = sophia_secrets.__main__:main\n" in script
    assert _members(built.wheel)[f"{INFO}/WHEEL"].decode().split("Tag: ")[1].strip() == "py3-none-any"
