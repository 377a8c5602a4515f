"""The naming convention, what may be asked for, what is dangerous, what is near."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sophia_secrets import errors
from sophia_secrets.core import names
from sophia_secrets.launch.dangerous import is_dangerous, is_ours


@pytest.mark.parametrize("name", ["A", "_A", "OPENAI_API_KEY", "X1", "_", "A" * 255])
def test_a_name_of_the_convention_has_no_problem(name: str) -> None:
    assert names.convention_problem(name) is None


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "never empty"),
        ("A" * 256, "at most 255"),
        ("1A", "starts with"),
        ("a", "upper case"),
        ("A-B", "upper case"),
        ("A.B", "upper case"),
        ("Ä", "upper case"),
        ("A\n", "upper case"),
        ("A٣", "upper case"),
    ],
)
def test_a_name_outside_the_convention_says_why(name: str, reason: str) -> None:
    assert reason in (names.convention_problem(name) or "")


@pytest.mark.parametrize(
    ("name", "better"),
    [
        ("my-key.name", "MY_KEY_NAME"),
        ("apiKey", "API_KEY"),
        ("OPENAI_API_KEY", "OPENAI_API_KEY"),
        ("_PRIVATE", "_PRIVATE"),
        ("2fa secret", "_2FA_SECRET"),
        ("oAuth2Token", "O_AUTH2_TOKEN"),
        ("S3BUCKET-x", "S3BUCKET_X"),
        ("--", ""),
        ("", ""),
        ("x" * 300, "X" * 255),
    ],
)
def test_a_name_is_corrected(name: str, better: str) -> None:
    assert names.corrected(name) == better


@given(st.text())
def test_a_corrected_name_is_of_the_convention_and_stays(name: str) -> None:
    better = names.corrected(name)
    if better:
        assert names.convention_problem(better) is None
        assert names.corrected(better) == better


@pytest.mark.parametrize(
    "name", ["OPENAI_API_KEY", "my-key.name", "aws.login.accessKeyId", "a[0]", "é", "@f"]
)
def test_what_a_vendor_accepts_may_be_asked_for(name: str) -> None:
    assert names.is_safe(name)
    names.check_safe(name)


@pytest.mark.parametrize(
    "name",
    ["", "-b", "--", "--repo=x", "a=b", "a b", "a\tb", "a\nb", "a\rb", "a\0b", "\x1b[2J", "\x7f", "\x85",
     "a\u2028b", "a\u202eb", "a\u200bb", "a\u00a0b", "\ufeffA", "\ud800", "A" * 256],
)  # fmt: skip
def test_I1_I2_a_name_that_could_be_an_option_or_a_line_is_refused(name: str) -> None:
    assert not names.is_safe(name)
    with pytest.raises(errors.BadName) as caught:
        names.check_safe(name)
    assert caught.value.exit_code == 2
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 400


@given(st.text(max_size=300))
def test_I2_accepted_means_harmless(name: str) -> None:
    if names.is_safe(name):
        assert 0 < len(name) <= 255
        assert name[0] != "-"
        assert "=" not in name
        assert name.isprintable()
        assert not any(c.isspace() for c in name)
        name.encode()


def test_a_refused_name_is_answered_with_the_one_it_should_be() -> None:
    with pytest.raises(errors.BadName) as caught:
        names.check_safe("my key")
    assert caught.value.hint == "Did you mean `MY_KEY`?"


def test_a_shown_name_is_one_short_line() -> None:
    assert names.shown("a\x1b[2J\n\u202e\ud800") == "`a\\x1b[2J\\n\\u202e\\ud800`"
    assert names.shown("A" * 100) == "`" + "A" * 64 + "…`"


@pytest.mark.parametrize(
    ("name", "candidates"),
    [
        ("my-key.name", ("my-key.name", "MY_KEY_NAME")),
        ("openai_api_key", ("openai_api_key", "OPENAI_API_KEY")),
        ("A_B", ("A_B",)),
    ],
)
def test_the_environment_is_searched_for_the_name_then_for_its_upper_case(
    name: str, candidates: tuple[str, ...]
) -> None:
    assert names.env_candidates(name) == candidates


@pytest.mark.parametrize(
    "name",
    ["", "LD_PRELOAD", "LD_LIBRARY_PATH", "DYLD_INSERT_LIBRARIES", "PATH", "IFS", "BASH_ENV", "ENV",
     "NODE_OPTIONS", "PYTHONPATH", "PYTHONSTARTUP", "PERL5OPT", "PERL5LIB", "RUBYOPT", "RUBYLIB",
     "GIT_SSH_COMMAND", "GITHUB_ENV", "BASH_FUNC_ls%%", "PROMPT_COMMAND", "SHELLOPTS",
     "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "SSL_CERT_FILE", "https_proxy", "ld_preload",
     "SOPHIA_SECRETS_CACHE_KEY", "SOPHIA_GITHUB_SECRETS_JSON"],
)  # fmt: skip
def test_I8_a_variable_that_steers_programs_is_dangerous(name: str) -> None:
    assert is_dangerous(name)


@pytest.mark.parametrize(
    "name",
    ["OPENAI_API_KEY", "DATABASE_URL", "SSH_PRIVATE_KEY", "NODE_AUTH_TOKEN", "RUBYGEMS_API_KEY", "PHRASE",
     "PATHS", "ENVIRONMENT", "AWS_SECRET_ACCESS_KEY", "GH_TOKEN", "RUST_API_KEY", "SOPHIA_API_KEY"],
)  # fmt: skip
def test_I8_an_ordinary_secret_is_not_dangerous(name: str) -> None:
    assert not is_dangerous(name)


def test_our_own_variables_are_known() -> None:
    assert is_ours("SOPHIA_SECRETS_CACHE_KEY")
    assert is_ours("SOPHIA_GITHUB_SECRETS_JSON")
    assert not is_ours("SOPHIA_API_KEY")


KNOWN = [
    ("OPENAI_API_KEY", "pulumi"),
    ("OPENAI_API_KEY", "env"),
    ("OPENAI_ORG", "pulumi"),
    ("STRIPE_API_KEY", "fly"),
    ("DATABASE_URL", "fly"),
    ("SENTRY_DSN", "github"),
]


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("OPENAI_KEY", "OPENAI_API_KEY"),
        ("OPENAI_API_KYE", "OPENAI_API_KEY"),
        ("openai-api-key", "OPENAI_API_KEY"),
        ("OPENAIAPIKEY", "OPENAI_API_KEY"),
        ("DATABSE_URL", "DATABASE_URL"),
        ("STRIPE_KEY", "STRIPE_API_KEY"),
        ("SENTRY", "SENTRY_DSN"),
    ],
)
def test_a_typing_mistake_finds_what_was_meant(typed: str, first: str) -> None:
    assert names.nearest(typed, KNOWN)[0][0] == first


def test_a_near_name_is_told_once_with_the_first_backend_that_has_it() -> None:
    near = names.nearest("OPENAI_KEY", KNOWN)
    assert near[0] == ("OPENAI_API_KEY", "pulumi")
    assert len({name for name, _ in near}) == len(near)


@pytest.mark.parametrize("typed", ["", "---", "ZZZZZZZZ", "COMPLETELY_OTHER"])
def test_nothing_near_is_no_suggestion(typed: str) -> None:
    assert names.nearest(typed, KNOWN) == []


def test_no_more_than_asked_for_are_near() -> None:
    assert len(names.nearest("KEY_1", [(f"KEY_{n}", "env") for n in range(50)], limit=3)) == 3


@pytest.mark.parametrize(
    ("words", "choice"), [([], ""), (["A"], "A"), (["A", "B"], "A or B"), (["A", "B", "C"], "A, B or C")]
)
def test_a_choice_is_read_as_a_person_says_it(words: list[str], choice: str) -> None:
    assert names.either(words) == choice


def test_R3_hostile_names_are_handled_in_no_time() -> None:
    known = [("A" * n, "env") for n in range(1, 255)] + [("_" * 100_000, "env"), ("A" * 1_000_000, "env")]
    began = time.process_time()
    names.nearest("A" * 1_000_000, known)
    names.corrected("aB" * 500_000)
    names.is_safe("-" * 1_000_000)
    assert time.process_time() - began < 10
