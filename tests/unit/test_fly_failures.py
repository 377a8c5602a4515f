"""C5, V6, V9: flyctl's own words, one row each, and never more certainty than they give."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sophia_secrets.backends.base import Completed, Ended
from sophia_secrets.backends.fly.failures import Applied, error_text, failure, was_applied
from sophia_secrets.core.model import FailureKind, Target

TARGET = Target("fly", "my-app", (("app", "my-app"),))
LIST = "Error: failed to list app secrets: "
UPDATE = "Error: update secrets: failed to update app secrets: "
QUERY = (
    "Error: failed to run query ($appName: String!) { appcompact:app(name: $appName) { id name "
    "organization { id slug } postgresAppRole: role { name } } }: "
)
WHOAMI = (
    "Error: failed retrieving current user: failed to run query { viewer { ... on User { id email } "
    "... on Macaroon { email } } }: "
)
ID = " (Request ID: 01REQUEST-ams)\n"
CLI = FailureKind.CLI_MISSING
AUTH = FailureKind.NOT_AUTHENTICATED
DENIED = FailureKind.NOT_PERMITTED
GONE = FailureKind.TARGET_NOT_FOUND
DOWN = FailureKind.UNREACHABLE
BUSY = FailureKind.RATE_LIMITED
ODD = FailureKind.BAD_OUTPUT

# Recorded from flyctl against local APIs, or quoted in its issues.
RECORDED = [
    ("Error: no access token available. Please login with 'flyctl auth login'\n", AUTH),
    ("Error: No access token available. Please login with 'flyctl auth login'\n", AUTH),
    (LIST + "no verified tokens" + ID, AUTH),
    (LIST + "missing third-party discharge tokens" + ID, AUTH),
    (LIST + "failed to fetch discharge tokens: tp error (401): unauthorized\n", AUTH),
    (LIST + "no tokens found in header" + ID, AUTH),
    (LIST + "request returned non-2xx status: 401: go away" + ID, AUTH),
    (QUERY + "You must be authenticated to view this.\n", AUTH),
    (WHOAMI + "You must be authenticated to view this.\n", AUTH),
    (QUERY + "server returned a non-200 status code: 401\n", AUTH),
    (LIST + "app not found" + ID, GONE),
    (LIST + "request returned non-2xx status: 404: not found" + ID, GONE),
    (QUERY + 'Could not find App "my-app"\n', GONE),
    ("Error: machine 3d8d9 was not found in app 'my-app'\n", GONE),
    ("Error: could not exec command on machine m1: failed to exec on VM m1: machine not found" + ID, GONE),
    (LIST + "unauthorized" + ID, DENIED),
    (UPDATE + "unauthorized" + ID, DENIED),
    (LIST + "request returned non-2xx status: 403: no" + ID, DENIED),
    (QUERY + "Not authorized to access this app\n", DENIED),
    (WHOAMI + "Not authorized to access this\n", DENIED),
    (QUERY + "server returned a non-200 status code: 403\n", DENIED),
    (LIST + "rate limit exceeded" + ID, BUSY),
    (LIST + "request returned non-2xx status: 429: slow" + ID, BUSY),
    (QUERY + "server returned a non-200 status code: 429\n", BUSY),
    (LIST + 'Get "https://api.machines.dev/v1/apps/my-app/secrets": EOF\n', DOWN),
    (UPDATE + 'Post "https://api.machines.dev/v1/apps/my-app/secrets": unexpected EOF\n', DOWN),
    (
        LIST + 'Get "https://api.machines.dev/v1/apps/a": dial tcp: lookup api.machines.dev: no such host\n',
        DOWN,
    ),
    (LIST + 'Get "https://x": dial tcp 127.0.0.1:9: connect: connection refused\n', DOWN),
    (LIST + 'Get "https://x": read tcp 1.2.3.4:5: read: connection reset by peer\n', DOWN),
    (LIST + 'Get "https://x": dial tcp: lookup x: Temporary failure in name resolution\n', DOWN),
    (LIST + 'Get "https://x": dial tcp: lookup x on 10.0.0.1:53: server misbehaving\n', DOWN),
    (LIST + 'Get "https://x": dial tcp 1.2.3.4:443: connect: network is unreachable\n', DOWN),
    (LIST + 'Get "https://x": dial tcp 1.2.3.4:443: i/o timeout\n', DOWN),
    (LIST + 'Get "https://x": net/http: TLS handshake timeout\n', DOWN),
    (LIST + 'Get "https://x": tls: failed to verify certificate: x509: certificate has expired\n', DOWN),
    (LIST + 'Get "https://x": proxyconnect tcp: dial tcp 1.2.3.4:8080: connect: no route to host\n', DOWN),
    (QUERY + 'Post "https://api.fly.io/graphql": dial tcp 1.2.3.4:9: connect: connection refused\n', DOWN),
    (QUERY + "server returned a non-200 status code: 500\n", DOWN),
    (LIST + "request returned non-2xx status: 503: x" + ID, DOWN),
    (LIST + "request returned non-2xx status: 500: unauthorized" + ID, DOWN),
    (LIST + "deadline_exceeded" + ID, DOWN),
    (LIST + "internal server error" + ID, DOWN),
    (LIST + "boom" + ID, ODD),
    (LIST + " (Request ID: 01REQUEST-ams)\n", ODD),
    (LIST + "failed decoding response: invalid character '<' looking for beginning of value\n", ODD),
    (LIST + "failed decoding response: unexpected EOF\n", ODD),
    (LIST + "failed decoding response: EOF\n", ODD),
    (QUERY + "decoding response: invalid character '<' looking for beginning of value\n", ODD),
    (UPDATE + '"unauthorized" is not a valid secret name' + ID, ODD),
    ("Error: failed loading app config from /x/fly.toml: row 1 column 1\n", ODD),
    ("Error: yaml: did not find expected key\n", ODD),
    ("Error: failed ensuring config directory perms: mkdir /x: permission denied\n", ODD),
    ("Error: update secrets: error saving config file: open /x/config.yml: no such file or directory\n", ODD),
    ("Error: unknown flag: --json\n", CLI),
    ('Error: unknown command "secrets" for "flyctl"\n', CLI),
    ("error: Unknown command `secrets'. Please specify one command of: abort-build, builds\n", CLI),
    ("Error: requires at least 1 arg(s), only received 0\n", ODD),
    ("Error: something new\n", ODD),
    ("something new without the word\n", ODD),
    ("rate limit; connection refused; i/o timeout: EOF\n", ODD),
    ("", ODD),
]


@pytest.mark.parametrize(("stderr", "kind"), RECORDED)
def test_C5_recorded_words_have_their_kind(stderr: str, kind: FailureKind) -> None:
    told = failure(Completed(Ended.EXITED, 1, stderr=stderr), TARGET)
    assert told.kind is kind
    assert told.message
    assert told.hint
    assert "{" not in told.message + told.hint


@pytest.mark.parametrize(
    ("ended", "code", "kind"),
    [
        (Ended.NOT_FOUND, 0, CLI),
        (Ended.NOT_RUNNABLE, 0, CLI),
        (Ended.TIMED_OUT, 15, FailureKind.TIMED_OUT),
        (Ended.TOO_MUCH_OUTPUT, 0, ODD),
        (Ended.SIGNALLED, 9, ODD),
        (Ended.CANCELLED, 15, ODD),
        (Ended.EXITED, 2, ODD),
        (Ended.EXITED, 3, ODD),
        (Ended.EXITED, 126, ODD),
        (Ended.EXITED, 127, ODD),
    ],
)
def test_V9_every_way_to_end_has_its_kind(ended: Ended, code: int, kind: FailureKind) -> None:
    assert failure(Completed(ended, code, stderr=LIST + "rate limit exceeded"), TARGET).kind is kind


@given(st.text() | st.text("Error: EOF429503rate limt\n"))
def test_C5_words_that_are_not_flyctls_are_never_an_outage(noise: str) -> None:
    told = failure(Completed(Ended.EXITED, 1, stderr="noise " + noise.replace("\n", " ")), TARGET)
    assert told.kind is ODD


@given(st.text("abc -_.:{}()/", max_size=40))
def test_C5_an_app_or_address_in_the_words_does_not_decide(name: str) -> None:
    words = LIST + f'Get "https://x/{name}/rate limit/unauthorized": dial tcp: connect: connection refused\n'
    assert failure(Completed(Ended.EXITED, 1, stderr=words), TARGET).kind is DOWN


def test_the_request_id_is_shown_and_the_words_are_not() -> None:
    told = failure(Completed(Ended.EXITED, 1, stderr=LIST + "Zq9" + ID), TARGET)
    assert "01REQUEST-ams" in told.message
    assert "Zq9" not in told.message + told.hint
    assert "Zq9" in told.words


def test_L7_words_that_may_hold_a_value_are_left_out() -> None:
    assert failure(Completed(Ended.EXITED, 1, stderr="Error: x", showable=False), TARGET).words == ""


def test_the_error_text_has_nothing_that_came_from_elsewhere() -> None:
    assert (
        error_text(QUERY + 'Could not find App "rate limit"\n')
        == 'failed to run query: could not find app ""'
    )


def _exit(code: int, stderr: str = "") -> Completed:
    return Completed(Ended.EXITED, code, stderr=stderr)


@pytest.mark.parametrize(
    ("completed", "wanted"),
    [
        (Completed(Ended.NOT_FOUND), Applied.NO),
        (Completed(Ended.NOT_RUNNABLE), Applied.NO),
        (Completed(Ended.TIMED_OUT, 15), Applied.UNKNOWN),
        (Completed(Ended.SIGNALLED, 9), Applied.UNKNOWN),
        (Completed(Ended.TOO_MUCH_OUTPUT), Applied.UNKNOWN),
        (_exit(127), Applied.UNKNOWN),
        (_exit(2, "panic: x"), Applied.UNKNOWN),
        (_exit(126, "Error: context deadline exceeded\n"), Applied.NO),
        (
            Completed(
                Ended.EXITED, 126, stderr="Error: update secrets: error saving config file: deadline\n"
            ),
            Applied.YES,
        ),
        (_exit(126, UPDATE + "context deadline exceeded\n"), Applied.UNKNOWN),
        (_exit(1, QUERY + 'Could not find App "a"\n'), Applied.NO),
        (
            _exit(1, QUERY + "server returned a non-200 status code: 500\n"),
            Applied.NO,
        ),
        (_exit(1, "Error: no access token available. Please\n"), Applied.NO),
        (_exit(1, "Error: Failed to parse secrets from stdin: x\n"), Applied.NO),
        (_exit(1, "Error: could not parse secrets: x\n"), Applied.NO),
        (_exit(1, "Error: requires at least one SECRET=VALUE pair\n"), Applied.NO),
        (_exit(1, "Error: secret `X` expects standard input but none\n"), Applied.NO),
        (
            _exit(1, "Error: error reading stdin for 'X': Input exceeded\n"),
            Applied.NO,
        ),
        (_exit(1, "Error: unknown flag: --stage\n"), Applied.NO),
        (_exit(1, UPDATE + "unauthorized" + ID), Applied.NO),
        (_exit(1, UPDATE + "rate limit exceeded" + ID), Applied.NO),
        (_exit(1, UPDATE + '"X" is not a valid secret name' + ID), Applied.NO),
        (_exit(1, UPDATE + "boom" + ID), Applied.UNKNOWN),
        (_exit(1, UPDATE + 'Post "https://x": EOF\n'), Applied.UNKNOWN),
        (
            _exit(1, UPDATE + "request returned non-2xx status: 500: x\n"),
            Applied.UNKNOWN,
        ),
        (_exit(1, UPDATE + "failed decoding response: invalid\n"), Applied.UNKNOWN),
        (
            _exit(1, "Error: update secrets: error saving config file: x\n"),
            Applied.YES,
        ),
        (_exit(1, "Error: something new\n"), Applied.UNKNOWN),
        (_exit(1), Applied.UNKNOWN),
    ],
)
def test_X5_a_write_that_failed_is_stored_or_not_or_honestly_unknown(
    completed: Completed, wanted: Applied
) -> None:
    assert was_applied(completed) is wanted
