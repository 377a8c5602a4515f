"""A plug-in backend that is named, and not there or broken, is told with what helps."""

from __future__ import annotations

import importlib.metadata
from importlib.metadata import EntryPoint

import pytest

from sophia_secrets import backends, errors


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ([], "The settings name the backend `vault`, but no installed package provides it."),
        (
            ["nowhere.at_all:Vault"],
            "The plug-in backend `vault` could not be loaded: No module named 'nowhere'",
        ),
        (["json:Vault"], "The plug-in backend `vault` could not be loaded: "),
    ],
)
def test_G6_a_plug_in_that_cannot_be_loaded_names_its_package_and_the_setting(
    monkeypatch: pytest.MonkeyPatch, found: list[str], message: str
) -> None:
    def entry_points(*, group: str, name: str) -> list[EntryPoint]:
        assert (group, name) == ("sophia_secrets.backends", "vault")
        return [EntryPoint(name, each, group) for each in found]

    monkeypatch.setattr(importlib.metadata, "entry_points", entry_points)
    with pytest.raises(errors.BadSettings) as caught:
        backends.backend_class("vault", ("vault",))
    assert caught.value.message.startswith(message)
    assert caught.value.backend == "vault"
    verb = "Reinstall" if found else "Install"
    assert caught.value.hint == (
        f"{verb} the package that provides `vault`, or take it out of `[backends] extra`."
    )
