"""What the command line says of a fault of its own."""

from __future__ import annotations

import pytest

from sophia_secrets.cli.report import OutputMode, unexpected


def fault() -> KeyError:
    """A fault as it is caught: with the traceback of where it was raised, and a text that may be a value."""
    try:
        raise KeyError("canary")
    except KeyError as error:
        return error


@pytest.mark.parametrize("as_json", [False, True])
def test_with_debug_a_fault_shows_where_it_came_from_and_not_its_text(
    capfd: pytest.CaptureFixture[str], as_json: bool
) -> None:
    assert unexpected(fault(), OutputMode(json=as_json, debug=True)) == 1
    out, err = capfd.readouterr()
    assert "traceback, outermost first:\n" in err
    assert f"  {__file__}:" in err
    assert " in fault\n" in err
    assert err.count("traceback") == 1
    assert "(KeyError at test_report.py:" in out + err
    assert "canary" not in out + err


def test_without_debug_a_fault_says_how_to_see_more(capfd: pytest.CaptureFixture[str]) -> None:
    assert unexpected(fault(), OutputMode(json=False, debug=False)) == 1
    err = capfd.readouterr().err
    assert "traceback" not in err
    assert "Run it again with `--debug`" in err
