"""Commands in messages, with the options that chose the settings."""

from __future__ import annotations

import pytest

from sophia_secrets.cli.chosen import hints_with_options, repeated, with_options


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ([], ""),
        (["--json", "--timeout", "5", "--reason", "--profile"], ""),
        (["--profile", "production", "--json"], "--profile production"),
        (["--profile=production"], "--profile production"),
        (["--config", "a file.toml", "--profile=p"], "--config 'a file.toml' --profile p"),
    ],
)
def test_the_options_that_choose_the_settings_are_repeated_as_typed(options: list[str], text: str) -> None:
    assert repeated(options) == text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "Store it with `sophia-secrets set A --backend fly`.",
            "Store it with `sophia-secrets --profile p set A --backend fly`.",
        ),
        (
            "`sophia-secrets get A`, or `sophia-secrets doctor`",
            "`sophia-secrets --profile p get A`, or `sophia-secrets --profile p doctor`",
        ),
        (
            "Run `sophia-secrets trust`, then `sophia-secrets help`.",
            "Run `sophia-secrets trust`, then `sophia-secrets help`.",
        ),
        ("See `sophia-secrets --help`.", "See `sophia-secrets --help`."),
        ("Run `fly deploy`; sophia-secrets said so.", "Run `fly deploy`; sophia-secrets said so."),
        ("", ""),
    ],
)
def test_the_commands_of_a_message_get_them(text: str, told: str) -> None:
    assert with_options(text, "--profile p") == told
    assert with_options(text, "") == text


def test_in_JSON_the_hints_alone_get_them() -> None:
    text = "Run `sophia-secrets list`."
    shape = {"hint": text, "value": text, "all": [{"hint": text}, {"hint": None}, text], "n": 1}
    told = "Run `sophia-secrets --profile p list`."
    assert hints_with_options(shape, "--profile p") == {
        "hint": told,
        "value": text,
        "all": [{"hint": told}, {"hint": None}, text],
        "n": 1,
    }
    assert hints_with_options(shape, "") is shape
