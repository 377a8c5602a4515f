"""Which names a command gets, and the environment that they make."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sophia_secrets import errors
from sophia_secrets.core.child_environment import (
    ANY,
    ChosenNames,
    Environment,
    Selection,
    build,
    check_size,
    choose,
    names_to_query,
)
from sophia_secrets.core.model import SecretValue
from sophia_secrets.launch.variables import WITHHELD, Limits

HELD = ["AWS_KEY", "AWS_TOKEN", "AWSOME", "DB", "DB_URL", "GITHUB_TOKEN", "LD_PRELOAD", "my-key"]
SCOPES: dict[str, tuple[str, ...]] = {"API_KEY": ("web",), "DB_URL": ("web", "jobs"), "SMTP": ()}
LINUX = Limits(131_072, 2_097_152)


def chosen(
    selection: Selection,
    scopes: Mapping[str, Collection[str]] | None = None,
    *,
    held: list[str] = HELD,
    inherited: Collection[str] = (),
) -> ChosenNames:
    return choose(selection, scopes or {}, held, lambda name: name in held, inherited)


def secrets(**values: str) -> dict[str, SecretValue]:
    return {name: SecretValue(value) for name, value in values.items()}


# Which names


def test_without_a_word_the_declared_secrets_are_meant() -> None:
    assert names_to_query(Selection(), SCOPES) == ("API_KEY", "DB_URL", "SMTP")
    assert chosen(Selection(), SCOPES).names == ("API_KEY", "DB_URL", "SMTP")
    assert chosen(Selection(), SCOPES).named == frozenset()


def test_where_none_is_declared_all_that_can_be_read_are_meant() -> None:
    assert names_to_query(Selection(), {}) == (ANY,)
    assert chosen(Selection()).names == ("AWS_KEY", "AWS_TOKEN", "AWSOME", "DB", "DB_URL")


def test_a_name_that_no_shell_keeps_is_handed_over_only_if_it_is_named() -> None:
    assert "my-key" not in chosen(Selection()).names
    assert chosen(Selection(only=("my-key",))).names == ("my-key",)


def test_only_is_the_exact_name_where_it_exists() -> None:
    assert chosen(Selection(only=("DB",))) == ChosenNames(("DB",), frozenset({"DB"}))


def test_only_is_the_prefix_of_a_group_where_no_such_name_exists() -> None:
    assert chosen(Selection(only=("AWS",))) == ChosenNames(("AWS_KEY", "AWS_TOKEN"), frozenset())
    assert chosen(Selection(only=("AWS_",))).names == ("AWS_KEY", "AWS_TOKEN")


def test_only_with_a_star_is_always_a_prefix_and_needs_all_names() -> None:
    assert names_to_query(Selection(only=("DB*",)), SCOPES) == (ANY,)
    assert chosen(Selection(only=("DB*",))).names == ("DB", "DB_URL")
    assert chosen(Selection(only=("AWS*",))).names == ("AWS_KEY", "AWS_TOKEN", "AWSOME")
    assert chosen(Selection(only=("*",))).names == chosen(Selection()).names


def test_a_star_alone_asks_for_all_names() -> None:
    assert names_to_query(Selection(only=("*",)), SCOPES) == (ANY,)


def test_only_reaches_declared_names_that_nothing_listed() -> None:
    assert chosen(Selection(only=("API",)), SCOPES, held=[]).names == ("API_KEY",)


def test_only_of_what_is_nowhere_stays_a_name_that_must_exist() -> None:
    assert chosen(Selection(only=("NOPE",))) == ChosenNames(
        ("NOPE",), frozenset({"NOPE"}), loose=frozenset({"NOPE"})
    )


def test_a_prefix_that_no_name_has_is_not_found() -> None:
    with pytest.raises(errors.NotFound, match="`NOPE_`"):
        chosen(Selection(only=("NOPE_*",)))


def test_a_scope_means_its_declared_secrets() -> None:
    assert names_to_query(Selection(scopes=("web",)), SCOPES) == ("API_KEY", "DB_URL")
    assert chosen(Selection(scopes=("jobs",)), SCOPES).names == ("DB_URL",)
    assert chosen(Selection(scopes=("jobs",), only=("SMTP",)), SCOPES).names == ("SMTP", "DB_URL")


def test_a_scope_that_nothing_declares_is_a_usage_error_with_those_there_are() -> None:
    with pytest.raises(errors.UsageError, match="`wbe`") as caught:
        names_to_query(Selection(scopes=("wbe",)), SCOPES)
    assert caught.value.hint == "The scopes are jobs, web."


def test_a_file_names_a_secret_too() -> None:
    assert names_to_query(Selection(files=("CERT",)), SCOPES) == ("CERT", "API_KEY", "DB_URL", "SMTP")
    done = chosen(Selection(only=("DB",), files=("CERT",)))
    assert (done.names, done.named) == (("DB", "CERT"), frozenset({"DB", "CERT"}))


def test_I8_dangerous_names_are_left_out_unless_they_are_named() -> None:
    assert chosen(Selection()).dangerous == ("GITHUB_TOKEN", "LD_PRELOAD")
    assert chosen(Selection(only=("LD*",))).names == ()
    named = chosen(Selection(only=("LD_PRELOAD", "GITHUB")))
    assert (named.names, named.dangerous) == (("LD_PRELOAD",), ("GITHUB_TOKEN",))


@pytest.mark.parametrize("name", [*sorted(WITHHELD), "SOPHIA_SECRETS_HOME"])
def test_G3_our_own_variables_are_nobodys_secret(name: str) -> None:
    assert chosen(Selection(), held=[name]) == ChosenNames((), frozenset(), (name,))
    with pytest.raises(errors.BadName):
        chosen(Selection(only=(name,)), held=[name])


def test_a_preserved_name_is_not_asked_for_where_it_is_inherited() -> None:
    selection = Selection(only=("DB",), preserve=frozenset({"DB"}))
    assert chosen(selection, inherited=["DB"]) == ChosenNames((), frozenset())
    assert chosen(selection, inherited=[]).names == ("DB",)


@pytest.mark.parametrize("name", ["-x", "A=B", "A B", "A\n", "A\0", "", "=", "\x1b[2J"])
def test_I1_I2_no_word_reaches_a_vendor_that_could_be_taken_for_something_else(name: str) -> None:
    for selection in (Selection(only=(name,)), Selection(files=(name,))):
        with pytest.raises(errors.BadName):
            names_to_query(selection, {})


@given(st.text(max_size=12))
def test_every_word_is_a_bad_name_or_leads_to_names_that_exec_takes(word: str) -> None:
    try:
        names_to_query(Selection(only=(word,)), {})
        names = chosen(Selection(only=(word,))).names
    except (errors.BadName, errors.NotFound):
        return
    assert all(name and "=" not in name and "\0" not in name for name in names)


# What environment


def test_secrets_win_over_what_is_inherited_and_the_names_are_told() -> None:
    done = build(
        Selection(), (), secrets(A="new", B="same", C="c"), {b"A": b"old", b"B": b"same", b"X": b"x"}
    )
    assert done.variables == {b"A": b"new", b"B": b"same", b"C": b"c", b"X": b"x"}
    assert done.replaced == ("A",)


def test_E6_what_is_inherited_passes_as_the_bytes_it_is() -> None:
    inherited = {b"X": b"\xff\xfe", b"\xe4": b"1", b"EMPTY": b"", b"BASH_FUNC_f%%": b"() { :; }"}
    assert build(Selection(), (), {}, inherited).variables == inherited


def test_a_variable_without_a_name_which_no_exec_takes_is_left_out() -> None:
    assert build(Selection(), (), {}, {b"": b"x"}).variables == {}


def test_pristine_leaves_the_secrets_and_what_is_preserved() -> None:
    selection = Selection(pristine=True, preserve=frozenset({"PATH"}))
    done = build(selection, (), secrets(A="1"), {b"PATH": b"/bin", b"HOME": b"/root"})
    assert done.variables == {b"A": b"1", b"PATH": b"/bin"}


def test_a_scope_takes_the_other_declared_secrets_out() -> None:
    inherited = {b"API_KEY": b"a", b"SMTP": b"s", b"DB_URL": b"d", b"HOME": b"/"}
    done = build(Selection(scopes=("jobs",)), SCOPES, secrets(DB_URL="d"), inherited)
    assert done.variables == {b"DB_URL": b"d", b"HOME": b"/"}
    kept = build(Selection(scopes=("jobs",), preserve=frozenset({"SMTP"})), SCOPES, {}, inherited)
    assert kept.variables == {b"SMTP": b"s", b"HOME": b"/"}


def test_L2_G3_no_key_identity_or_collection_of_ours_is_inherited() -> None:
    inherited = {name.encode(): b"canary" for name in WITHHELD}
    assert build(Selection(preserve=WITHHELD), (), {}, inherited).variables == {}
    kept = {b"SOPHIA_SECRETS_HOME": b"/x"}
    assert build(Selection(), (), {}, kept).variables == kept


def test_E5_a_nul_is_refused_and_the_secret_named() -> None:
    with pytest.raises(errors.BadValue, match=r"`PIN`.*NUL") as caught:
        build(Selection(), (), secrets(PIN="canary\0"), {})
    assert "canary" not in repr(caught.value.__dict__)


def test_E5_L3_half_a_surrogate_pair_is_refused_and_nothing_holds_the_value() -> None:
    with pytest.raises(errors.BadValue, match=r"`PIN`.*surrogate") as caught:
        build(Selection(), (), secrets(PIN="canary\udc80"), {})
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None


def sized(name: str, size: int) -> Environment:
    return Environment({name.encode(): b"x" * size})


def test_E5_the_boundary_of_one_variable_is_the_systems() -> None:
    """`N=` and the final NUL are three bytes of the 131,072."""
    check_size(sized("N", 131_069), ["N"], [], LINUX)
    with pytest.raises(errors.BadValue, match=r"`N`.*131,073 bytes.*131,072") as caught:
        check_size(sized("N", 131_070), ["N"], [], LINUX)
    assert caught.value.exit_code == 2
    assert "--file N" in caught.value.hint


def test_E5_what_is_inherited_is_not_ours_to_refuse() -> None:
    check_size(sized("N", 500_000), [], [], LINUX)


def test_E5_the_sum_names_the_largest_secret() -> None:
    both = Environment({b"A": b"x" * 60_000, b"B": b"x" * 50_000, b"BIG": b"x" * 1_000})
    with pytest.raises(errors.BadValue, match="largest secret is `A` with 60,003"):
        check_size(both, ["A", "B"], [b"x" * 30_000], Limits(131_072, 140_000))
    check_size(both, ["A", "B"], [b"x" * 20_000], Limits(131_072, 140_000))


@given(
    st.dictionaries(st.from_regex(r"[A-Z_][A-Z0-9_]{0,8}", fullmatch=True), st.text(max_size=20), max_size=6),
    st.dictionaries(st.binary(min_size=1, max_size=6), st.binary(max_size=6), max_size=6),
    st.booleans(),
)
def test_every_secret_arrives_exactly_or_is_refused(
    values: dict[str, str], inherited: dict[bytes, bytes], pristine: bool
) -> None:
    try:
        done = build(Selection(pristine=pristine), (), secrets(**values), inherited)
    except errors.BadValue:
        assert any("\0" in v or any("\ud800" <= c <= "\udfff" for c in v) for v in values.values())
        return
    expected = {name.encode(): value.encode() for name, value in values.items()}
    assert done.variables == ({} if pristine else inherited) | expected


def test_the_environment_shows_no_value() -> None:
    assert "canary" not in repr(build(Selection(), (), secrets(A="canary"), {b"B": b"canary"}))
