"""From Pulumi's recorded words to kinds of failure; each row was printed by the real program (3.260.0)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sophia_secrets.backends.base import Completed, Ended
from sophia_secrets.backends.pulumi import failures
from sophia_secrets.core.model import FailureKind, Target

TARGET = Target("pulumi", "acme/app/production")
WHAT = "environment acme/app/production"
LOGGING_IN = "Logging in using access token from PULUMI_ACCESS_TOKEN\n"
CLOUD = "could not determine current cloud: "
NEEDS_TOKEN = "PULUMI_ACCESS_TOKEN must be set for login during non-interactive CLI sessions"
UNAUTHORIZED = "Unauthorized: No credentials provided or are invalid."
REQUIRES = "this command requires logging in; try running `pulumi login` first"
GET = 'performing HTTP request: Get "https://api.pulumi.com/api/user": '
PATCH = 'performing HTTP request: Patch "https://api.pulumi.com/api/esc/environments/a/b/c": '
CRASH = (
    "=====\nThe Pulumi CLI encountered a fatal error. This is a bug!\nPanic:   runtime error: index\n"
    'goroutine 1 [running]:\nerror: Get "https://x": dial tcp: connection refused\n'
)

A, P, N = FailureKind.NOT_AUTHENTICATED, FailureKind.NOT_PERMITTED, FailureKind.TARGET_NOT_FOUND
U, R, B = FailureKind.UNREACHABLE, FailureKind.RATE_LIMITED, FailureKind.BAD_OUTPUT
ROWS = [
    (3, CLOUD + NEEDS_TOKEN, A, "pulumi login"),
    (3, NEEDS_TOKEN, A, "pulumi login"),
    (255, NEEDS_TOKEN, A, "pulumi login"),
    (1, CLOUD + UNAUTHORIZED, A, "PULUMI_ACCESS_TOKEN"),
    (1, UNAUTHORIZED, A, "PULUMI_ACCESS_TOKEN"),
    (1, f"looking up org to default to: [401] {UNAUTHORIZED}", A, "pulumi login"),
    (1, f"[401] {UNAUTHORIZED}", A, "pulumi login"),
    (3, REQUIRES, A, "pulumi login"),
    (1, "no credentials, please run `pulumi login` to log in", A, "pulumi login"),
    (
        1,
        "file:///x does not support Pulumi ESC. Pulumi ESC requires the Pulumi Cloud backend; use ...",
        A,
        "URL",
    ),
    (
        1,
        CLOUD + 'performing HTTP request: Get "file:///x/api/user": unsupported protocol scheme "file"',
        A,
        "URL",
    ),
    (1, "credentials file '/h/credentials.json' is encrypted but the key is gone", A, "pulumi login"),
    (1, "incorrect passphrase", A, "PULUMI_CONFIG_PASSPHRASE"),
    (1, "passphrase must be set with PULUMI_CONFIG_PASSPHRASE or ...", A, "PULUMI_CONFIG_PASSPHRASE_FILE"),
    (3, "[403] Forbidden", P, "pulumi whoami"),
    (3, CLOUD + "[403] No", P, "pulumi whoami"),
    (1, "[403] you shall not", P, "pulumi whoami"),
    (1, "getting environment definition: [403] no", P, "pulumi whoami"),
    (1, "could not decrypt configuration values: [400] bad cipher", P, "secrets provider"),
    (1, "could not decrypt configuration values: [500] later", U, "again"),
    (1, "config set not supported for remote stack config: use `pulumi env set ...`", P, "environment"),
    (1, "backend vm does not support environments; Pulumi ESC environments require ...", P, "Cloud"),
    (1, "[404] Not Found: environment 'acme/app/production' not found", N, "pulumi env ls"),
    (1, "getting environment definition: [404] Not Found", N, "pulumi env ls"),
    (6, "no stack named 'acme/app/dev' found", N, "pulumi stack ls"),
    (6, "", N, "pulumi stack ls"),
    (1, "organization name must be 'organization'", N, "PULUMI_BACKEND_URL"),
    (
        1,
        'unable to open state directory "file:///x": stat /x: no such file or directory',
        N,
        "PULUMI_BACKEND_URL",
    ),
    (
        1,
        "no Pulumi.yaml project file found (searching upwards from /tmp)",
        FailureKind.NOT_CONFIGURED,
        "directory",
    ),
    (1, "unknown flag: --file", FailureKind.CLI_MISSING, "3.188.0"),
    (1, 'unknown command "env" for "pulumi"', FailureKind.CLI_MISSING, "3.188.0"),
    (1, "esc: request rate-limit exceeded", R, "again"),
    (1, CLOUD + "pulumi service: request rate-limit exceeded", R, "again"),
    (1, "[429] slow down", R, "again"),
    (1, "[408] late", FailureKind.TIMED_OUT, "again"),
    (1, "[500] No", U, "again"),
    (1, CLOUD + "[503] upstream (Request ID: 7)", U, "again"),
    (1, "updating environment definition: [502] bad gateway", U, "again"),
    (1, GET + "dial tcp 127.0.0.1:1: connect: connection refused", U, "network"),
    (1, CLOUD + GET + "dial tcp: lookup api.pulumi.com on 10.0.0.1:53: no such host", U, "network"),
    (1, GET + "dial tcp 1.2.3.4:443: i/o timeout", U, "network"),
    (1, GET + "net/http: TLS handshake timeout", U, "network"),
    (
        1,
        GET + "tls: failed to verify certificate: x509: certificate signed by unknown authority",
        U,
        "network",
    ),
    (1, GET + "read tcp 1.2.3.4:1->1.2.3.4:443: read: connection reset by peer", U, "network"),
    (1, PATCH + "EOF", U, "network"),
    (1, "updating environment definition: [409] Conflict", B, "same command again"),
    (1, '[0] \nDiags: unknown property "foo"', B, "pulumi env get"),
    (1, "[400] Bad Request", B, "pulumi env get"),
    (1, "[418] esc: request rate-limit exceeded, said the teapot", B, "pulumi env get"),
    (1, "ambiguous path provided", B, "organization/project/env"),
    (1, "something entirely new", B, "--debug"),
    (255, "", B, "--debug"),
    (1, "open /tmp/x: connection refused", B, "--debug"),
    (3, "something about rights", A, "pulumi login"),
]


@pytest.mark.parametrize(("code", "said", "kind", "hint"), ROWS)
def test_C5_recorded_words_have_a_kind_and_a_hint(code: int, said: str, kind: FailureKind, hint: str) -> None:
    stderr = LOGGING_IN + (f"error: {said}\n" if said else "")
    got = failures.failure_of(Completed(Ended.EXITED, code, stderr=stderr), TARGET, WHAT)
    assert got is not None
    assert got.kind is kind
    assert hint in got.hint
    assert got.message[0].isupper()
    assert got.message.endswith(".")
    assert got.hint.endswith(".")
    assert got.words == stderr
    assert "{" not in got.message.replace(said, "")


ENDINGS = [
    (Ended.NOT_FOUND, FailureKind.CLI_MISSING),
    (Ended.NOT_RUNNABLE, FailureKind.CLI_MISSING),
    (Ended.TIMED_OUT, FailureKind.TIMED_OUT),
    (Ended.TOO_MUCH_OUTPUT, B),
    (Ended.SIGNALLED, B),
    (Ended.CANCELLED, B),
]


@pytest.mark.parametrize(("ended", "kind"), ENDINGS)
def test_a_call_that_did_not_exit_is_a_failure(ended: Ended, kind: FailureKind) -> None:
    got = failures.failure_of(Completed(ended), TARGET, WHAT)
    assert got is not None
    assert got.kind is kind


def test_every_ending_but_an_exit_is_in_the_table() -> None:
    assert {ended for ended, _ in ENDINGS} | {Ended.EXITED} == set(Ended)


def test_V9_a_crash_is_no_outage_whatever_its_dump_says() -> None:
    completed = Completed(Ended.EXITED, 1, stderr=CRASH)
    got = failures.failure_of(completed, TARGET, WHAT)
    assert got is not None
    assert got.kind is B
    assert failures.is_crash(completed)


@given(st.text(max_size=400), st.integers(1, 255))
def test_C5_random_words_are_never_an_outage(text: str, code: int) -> None:
    got = failures.failure_of(Completed(Ended.EXITED, code, stderr=f"error: {text}"), TARGET, WHAT)
    assert got is not None
    assert not got.kind.is_outage
    assert len(got.words) <= 2000


@given(st.text(alphabet='error: [0123456789] Get"http:/EOF\nrate-limit exceeded{}', max_size=120))
def test_words_that_look_like_rows_never_break_the_table(text: str) -> None:
    assert failures.failure_of(Completed(Ended.EXITED, 1, stderr=text), TARGET, WHAT) is not None


def test_L7_nothing_of_the_words_is_kept_where_they_could_not_be_redacted() -> None:
    completed = Completed(Ended.EXITED, 1, stderr="error: [400] abc", showable=False)
    got = failures.failure_of(completed, TARGET, WHAT)
    assert got is not None
    assert got.words == ""
    assert "abc" not in got.message
    assert failures.diagnostics(completed) == ""
    assert "abc" not in failures.unreadable(completed, TARGET, WHAT).message


def test_notices_are_not_diagnostics() -> None:
    stderr = (
        LOGGING_IN
        + "warning: A new version of Pulumi is available.\n\nFound legacy stack files in state store\n"
    )
    assert failures.diagnostics(Completed(Ended.EXITED, 0, stderr=stderr)) == ""
    stderr += 'dev:3:16: unknown property "foo"\n'
    assert (
        failures.diagnostics(Completed(Ended.EXITED, 0, stderr=stderr)) == 'dev:3:16: unknown property "foo"'
    )


@pytest.mark.parametrize(
    ("said", "nothing"),
    [
        ("getting environment definition: [500] x", True),
        ("updating environment definition: [500] x", False),
        ("updating environment definition: [409] x", True),
        ("updating environment definition: [403] x", True),
        ("updating environment definition: " + PATCH + "EOF", False),
        (GET + "dial tcp 127.0.0.1:1: connect: connection refused", True),
        ("never heard of", False),
    ],
)
def test_V11_only_a_request_that_may_have_been_carried_out_is_unknown(said: str, nothing: bool) -> None:
    completed = Completed(Ended.EXITED, 1, stderr=f"error: {said}\n")
    got = failures.failure_of(completed, TARGET, WHAT)
    assert got is not None
    assert failures.wrote_nothing(completed, got) is nothing


def test_V11_a_call_that_was_cut_off_may_have_written() -> None:
    for ended in (Ended.TIMED_OUT, Ended.SIGNALLED, Ended.CANCELLED, Ended.TOO_MUCH_OUTPUT):
        got = failures.failure_of(Completed(ended), TARGET, WHAT)
        assert got is not None
        assert not failures.wrote_nothing(Completed(ended), got)
