"""A plug-in as its author tests it, and as a user meets it once the package is installed."""

from __future__ import annotations

import importlib.metadata
import json
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest

from sophia_secrets import backends, errors
from sophia_secrets.backends.base import Context
from sophia_secrets.core.model import Failure, FailureKind
from sophia_secrets.testing import BackendContract, Subject
from tests.plugin_example import cabinet, cabinet_program
from tests.program import Program


class TestCabinet(BackendContract):
    @pytest.fixture
    def subject(self, tmp_path: Path) -> Subject:
        drawer = tmp_path / "app.json"
        drawer.write_text("{}")
        environ = {"CABINET_TOKEN": cabinet_program.TOKEN, "CABINET_HOME": str(tmp_path)}
        context = Context(environ, home="", cwd=str(tmp_path), state_directory=str(tmp_path))
        backend = cabinet.CabinetBackend.configure({"drawer": "app"}, context)
        return Subject(
            backend,
            programs={"cabinet": str(cabinet_program.install(tmp_path / "bin"))},
            held=lambda: {name: each["value"] for name, each in json.loads(drawer.read_text()).items()},
            credentials=(cabinet_program.TOKEN,),
        )


@pytest.mark.parametrize(
    ("drawer", "token", "kind"),
    [
        ("app", "another", FailureKind.NOT_AUTHENTICATED),
        ("gone", cabinet_program.TOKEN, FailureKind.TARGET_NOT_FOUND),
    ],
)
def test_what_the_vendor_refuses_is_a_failure_of_a_known_kind(
    drawer: str, token: str, kind: FailureKind, tmp_path: Path
) -> None:
    environ = {"CABINET_TOKEN": token, "CABINET_HOME": str(tmp_path)}
    context = Context(environ, home="", cwd=str(tmp_path), state_directory=str(tmp_path))
    program = str(cabinet_program.install(tmp_path / "bin"))
    subject = Subject(cabinet.CabinetBackend(drawer, context), programs={"cabinet": program})
    found = subject.run(subject.backend.snapshot())
    assert isinstance(found, Failure)
    assert found.kind is kind


@pytest.fixture
def installed(sophia: Program, tmp_path: Path) -> Program:
    """The plug-in as a package beside the program's own, with the vendor's program on PATH."""
    site, home = tmp_path / "site", tmp_path / "drawers"
    facts = site / "sophia_cabinet-1.0.dist-info"
    for directory in (facts, home):
        directory.mkdir(parents=True)
    (site / "sophia_cabinet.py").write_text(Path(cabinet.__file__).read_text())
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: sophia-cabinet\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text(
        "[sophia_secrets.backends]\ncabinet = sophia_cabinet:CabinetBackend\n"
    )
    (home / "app.json").write_text("{}")
    programs = cabinet_program.install(tmp_path / "bin").parent
    sophia.environment |= {
        "PYTHONPATH": str(site),
        "PATH": f"{programs}:{sophia.full_environment()['PATH']}",
        "CABINET_TOKEN": cabinet_program.TOKEN,
        "CABINET_HOME": str(home),
    }
    return sophia


SETTINGS = 'chain = ["cabinet", "local", "env"]\n[backends]\nextra = ["cabinet"]\n[cabinet]\ndrawer = "app"\n'


def test_an_installed_plug_in_is_a_backend_like_any_other(installed: Program) -> None:
    installed.user_settings(SETTINGS)
    assert installed("set", "API_KEY", "--backend", "cabinet", stdin="from the cabinet").code == 0
    installed.store("API_KEY", "from the vault", "local")
    assert installed("get", "API_KEY").out == "from the cabinet\n"
    (program,) = [row for row in installed("doctor", "--json").json["checks"] if row["id"] == "cabinet.cli"]
    assert program["status"] == "ok"
    assert installed("delete", "API_KEY", "--backend", "cabinet", "--yes").code == 0
    assert installed("get", "API_KEY").out == "from the vault\n"


def test_G6_an_installed_plug_in_that_the_user_did_not_name_is_not_loaded(installed: Program) -> None:
    done = installed("get", "API_KEY", "--backend", "cabinet")
    assert done.code == 2
    assert "There is no backend `cabinet`" in done.err


def offer(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    points = EntryPoints(EntryPoint(name, value, "sophia_secrets.backends") for name, value in values.items())
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda **wanted: points.select(**wanted))


def test_a_named_plug_in_is_loaded_from_its_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, cabinet="tests.plugin_example.cabinet:CabinetBackend")
    assert backends.backend_class("cabinet", ("cabinet",)) is cabinet.CabinetBackend


def test_a_named_plug_in_that_nobody_provides_is_a_settings_error(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch)
    with pytest.raises(errors.BadSettings, match="no installed package provides it"):
        backends.backend_class("cabinet", ("cabinet",))


@pytest.mark.parametrize("value", ["tests.plugin_example.nowhere:X", "tests.plugin_example.cabinet:Nothing"])
def test_a_plug_in_that_cannot_be_loaded_is_a_settings_error(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer(monkeypatch, cabinet=value)
    with pytest.raises(errors.BadSettings, match="could not be loaded") as refused:
        backends.backend_class("cabinet", ("cabinet",))
    assert "cabinet" in refused.value.hint
