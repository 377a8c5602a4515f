"""Nothing foreign acts on a terminal (I5)."""

import unicodedata

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sophia_secrets.core.text import first_workflow_command, listed, sentence, visible, without_controls

HOSTILE = [
    ("\x1b[2J", r"\x1b[2J"),
    ("\x1b]52;c;Zm9v\x07", r"\x1b]52;c;Zm9v\x07"),
    ("\x9b31m", r"\x9b31m"),
    ("\u202egnp.exe", r"\u202egnp.exe"),
    ("a\u200bb", r"a\u200bb"),
    ("a\u2066b\u2069", r"a\u2066b\u2069"),
    ("\ufeffNAME", r"\ufeffNAME"),
    ("\ud800", r"\ud800"),
    ("\U000e0041", r"\U000e0041"),
    ("a\u3164b", r"a\u3164b"),
    ("a\u00a0b", r"a\xa0b"),
    ("a\u00adb", r"a\xadb"),
    ("a\ufe0f", r"a\ufe0f"),
    ("\x00\x7f", r"\x00\x7f"),
    ("one\ntwo\tthree\r", r"one\ntwo\tthree\r"),
]


@pytest.mark.parametrize(("text", "shown"), HOSTILE)
def test_I5_what_could_act_or_hide_is_spelled_out(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_ordinary_text_of_any_language_is_left_alone() -> None:
    text = "naïve Größe 東京 привет 🔑 [link=x] \\x1b — ok"
    assert visible(text) == text


@given(st.text(st.characters()))
def test_I5_nothing_but_printable_characters_comes_out(text: str) -> None:
    shown = visible(text)
    assert not {unicodedata.category(sign) for sign in shown} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    shown.encode()


@given(st.text(st.sampled_from("\x1b[]0;31mHJA \x07\x9b\x9d\n\r\t\x08\x0e(B7c")))
def test_I5_a_terminal_shows_the_text_and_does_nothing_else(text: str) -> None:
    screen = pyte.Screen(400, 3)
    pyte.Stream(screen).feed("before " + visible(text))
    assert screen.display[0].rstrip() == ("before " + visible(text)).rstrip()
    assert screen.title == ""
    assert screen.cursor.y == (len("before " + visible(text)) - 1) // 400


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("\x1b[1;31merror\x1b[0m: no", "error: no"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;https://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x9b2Kline", "line"),
        ("\x1b(Bplain\x1b7", "plain"),
        ("\x1bPq data\x1b\\after", "after"),
        ("ends \x1b[3", "ends "),
        ("ends \x1b", "ends "),
        ("kept\n\ttoo", "kept\n\ttoo"),
    ],
)
def test_terminal_sequences_are_taken_out_whole(text: str, left: str) -> None:
    assert without_controls(text) == left


@given(st.text(st.sampled_from("\x1b[]P0;31mHA \x07\x9b\x9d\x9c\\\n")))
def test_no_escape_survives(text: str) -> None:
    assert "\x1b" not in without_controls(text)
    assert "\x9b" not in without_controls(text)


@pytest.mark.parametrize("unit", ["\x1b]", "\x1b[0", "\x1b[", "\x1bP;", "\x9d0", "\x1b  "])
def test_R3_a_megabyte_of_unfinished_sequences_takes_one_pass(unit: str) -> None:
    text = unit * (1_000_000 // len(unit))
    assert len(without_controls(text)) <= len(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ""),
        ("  ", ""),
        ("rm x", "Run `rm x`."),
        ("chmod 600 ~/x", "Run `chmod 600 ~/x`."),
        ("`gh auth login`", "Run `gh auth login`."),
        ("`A` and `B`", "`A` and `B`."),
        ("unlock it", "Unlock it."),
        ("gh is too old", "gh is too old."),
        ("local: the file is gone", "local: the file is gone."),
        ("Is it there?", "Is it there?"),
        ("wait for it...", "Wait for it."),
        ("API_KEY is there", "API_KEY is there."),
    ],
)
def test_a_text_is_a_whole_sentence_and_a_command_is_named_as_one(text: str, said: str) -> None:
    assert sentence(text) == said


@pytest.mark.parametrize(
    ("most", "shown"), [(None, r"A, B\x1b, C"), (3, r"A, B\x1b, C"), (2, r"A, B\x1b and 1 more")]
)
def test_I5_a_list_is_visible_and_says_how_many_it_leaves_out(most: int | None, shown: str) -> None:
    assert listed(["A", "B\x1b", "C"], most) == shown


# What .NET's `Char.IsWhiteSpace` takes for white space, and so `TrimStart` in the runner.
DOTNET_SPACE = "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000\u2005\u200a\u2028\u2029\u202f\u205f\u3000"


@pytest.mark.parametrize("space", ["", *DOTNET_SPACE, DOTNET_SPACE])
def test_G2_a_workflow_command_is_seen_behind_white_space_of_any_alphabet(space: str) -> None:
    assert first_workflow_command(f"one\n{space}::add-path::/evil".encode()) > 1
    assert first_workflow_command(f"one\r{space}x ##[group]".encode()) > 1


def test_text_that_only_holds_colons_is_no_workflow_command() -> None:
    assert first_workflow_command(b"a::b\n:: \n") == 2
    assert first_workflow_command("a ::b\nstd::vector\n\xa0: :x\n".encode()) == 0
