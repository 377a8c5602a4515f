"""C5: which words of `gh` mean which failure; what is not recognised is never an outage."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sophia_secrets.backends.base import Completed, Ended
from sophia_secrets.backends.github.failures import failure_of, wrote_nothing
from sophia_secrets.backends.github.gh import Gh, gh_for
from sophia_secrets.backends.github.scope import Scope
from sophia_secrets.core.model import FailureKind as Kind
from tests.vendors.github_feed import context, exited

APP = 'invalid argument "agents" for "-a, --app" flag: valid values are {actions|codespaces|dependabot}'
URL = "https://api.github.com/repos/octo/app/actions/secrets"
KEY = "failed to fetch public key: "
PUT = 'failed to set secret "API_KEY": '
USAGE = "\n\nUsage:  gh api <endpoint> [flags]\n"


def gh(environment: str = "", host: str = "github.com", org: bool = False, token: bool = False) -> Gh:
    scope = Scope(host, "octo", "" if org else "app", environment)
    return gh_for(scope, context({"HOME": "/h", **({"GH_TOKEN": "t"} if token else {})}))


SAID = [
    (
        Kind.NOT_AUTHENTICATED,
        4,
        "`gh auth login`",
        [
            "To get started with GitHub CLI, please run:  gh auth login\n",
        ],
    ),
    (
        Kind.NOT_AUTHENTICATED,
        4,
        "auth login",
        [
            "gh: To use GitHub CLI in a GitHub Actions workflow, set the GH_TOKEN",
            "",
        ],
    ),
    (
        Kind.NOT_AUTHENTICATED,
        1,
        "auth login",
        [
            "gh: Bad credentials (HTTP 401)\n",
            f"{KEY}HTTP 401: Bad credentials ({URL})\nTry authenticating with:  gh auth login",
            f"{PUT}HTTP 401: Requires authentication ({URL})",
            f'Get "{URL}": net/http: invalid header field value for "Authorization"',
        ],
    ),
    (
        Kind.NOT_PERMITTED,
        1,
        '"Secrets"',
        [
            "gh: Resource not accessible by personal access token (HTTP 403)",
            f"{PUT}HTTP 403: Resource not accessible by personal access token ({URL})",
        ],
    ),
    (
        Kind.NOT_PERMITTED,
        1,
        "personal or app token",
        [
            "gh: Resource not accessible by integration (HTTP 403)",
        ],
    ),
    (
        Kind.NOT_PERMITTED,
        1,
        "GH_TOKEN",
        [
            f"{KEY}HTTP 403: Resource not accessible by integration ({URL})",
        ],
    ),
    (
        Kind.NOT_PERMITTED,
        1,
        "--scopes repo",
        [
            f"{KEY}HTTP 403: Must have admin rights to Repository. ({URL})",
            f'{KEY}HTTP 404: Not Found ({URL})\nThis API operation needs the "repo" scope.',
        ],
    ),
    (
        Kind.NOT_PERMITTED,
        1,
        "--scopes admin:org",
        [
            f'{KEY}HTTP 403: no ({URL})\nThis API operation needs the "admin:org" scope.',
        ],
    ),
    (
        Kind.NOT_PERMITTED,
        1,
        "single sign-on",
        [
            "gh: Resource protected by organization SAML enforcement. You must grant (HTTP 403)",
        ],
    ),
    (
        Kind.TARGET_NOT_FOUND,
        1,
        "gh repo view github.com/octo/app",
        [
            "gh: Not Found (HTTP 404)",
        ],
    ),
    (
        Kind.TARGET_NOT_FOUND,
        1,
        "gh repo view",
        [
            f"{KEY}HTTP 404: Not Found ({URL})",
            f"failed to delete secret API_KEY: HTTP 404: Not Found ({URL})",
        ],
    ),
    (
        Kind.RATE_LIMITED,
        1,
        "rate_limit",
        [
            "gh: API rate limit exceeded for user ID 1. (HTTP 403)",
            "gh: You have exceeded a secondary rate limit. Please wait (HTTP 403)",
            f"{PUT}HTTP 403: API Rate Limit Exceeded ({URL})",
            "gh: Too many requests (HTTP 429)",
            f"{PUT}HTTP 429 ({URL})",
        ],
    ),
    (
        Kind.UNREACHABLE,
        1,
        "githubstatus",
        [
            "gh: Server Error (HTTP 500)",
            "gh: HTTP 502",
            f"{KEY}HTTP 502: 502 Bad Gateway ({URL})",
            f"{KEY}HTTP 503 ({URL})",
            "gh: We couldn't respond in time (HTTP 504)",
            f"1 error(s) occurred:\n\t* {PUT}HTTP 500: Server Error ({URL})",
        ],
    ),
    (
        Kind.UNREACHABLE,
        1,
        "HTTPS_PROXY",
        [
            "error connecting to api.github.com\ncheck your internet connection or https://githubstatus.com",
        ],
    ),
    (
        Kind.UNREACHABLE,
        1,
        "network",
        [
            f'Get "{URL}": dial tcp 140.82.1.1:443: connect: connection refused',
            f'{KEY}Get "{URL}": dial tcp: lookup api.github.com: i/o timeout',
            f'{KEY}Get "{URL}": proxyconnect tcp: dial tcp 10.0.0.1:3128: connect: no route to host',
            f'Get "{URL}": net/http: TLS handshake timeout',
            f'{PUT}Put "{URL}": context deadline exceeded',
            f'{PUT}Put "{URL}": EOF',
            f'failed to delete secret A: Delete "{URL}": read: connection reset by peer',
        ],
    ),
    (
        Kind.UNREACHABLE,
        1,
        "SSL_CERT_FILE",
        [
            f'{KEY}Get "{URL}": x509: certificate signed by unknown authority',
            f'Get "{URL}": tls: failed to verify certificate: x509: certificate has expired',
        ],
    ),
    (
        Kind.CLI_MISSING,
        1,
        "2.23.0",
        [
            "unknown flag: --env-file" + USAGE,
            "unknown shorthand flag: 'f' in -f" + USAGE,
            'unknown command "secret" for "gh"',
        ],
    ),
    (Kind.CLI_MISSING, 1, "newest", [APP]),
    (
        Kind.BAD_OUTPUT,
        1,
        "",
        [
            f"{PUT}HTTP 422: Secret names can only contain alphanumeric ({URL})",
            "gh: Gone (HTTP 410)",
            "gh: Moved (HTTP 301)",
        ],
    ),
    (
        Kind.BAD_OUTPUT,
        1,
        "proxy",
        [
            "unexpected end of JSON input",
            f"{KEY}unexpected EOF",
            f"{KEY}EOF",
            "invalid character '<' looking for beginning of value",
            "json: cannot unmarshal string into Go value",
        ],
    ),
    (
        Kind.BAD_OUTPUT,
        1,
        "gh config list",
        [
            "failed to read configuration: invalid config file /h/config.yml: invalid yaml",
        ],
    ),
    (
        Kind.BAD_OUTPUT,
        1,
        "--debug",
        [
            'expected the "[HOST/]OWNER/REPO" format, got "X"',
            "",
            "timeout",
            "connection refused",
            "could not connect: i/o timeout",
            "HTTP 5031",
            "rate limit",
        ],
    ),
    (
        Kind.BAD_OUTPUT,
        2,
        "--debug",
        [
            "panic: runtime error: index out of range\n\ngoroutine 1 [running]:",
            "",
        ],
    ),
]
ROWS = [(kind, code, hint, stderr) for kind, code, hint, said in SAID for stderr in said]


@pytest.mark.parametrize(("kind", "code", "hint", "stderr"), ROWS)
def test_C5_what_gh_says_is_one_kind_of_failure(kind: Kind, code: int, hint: str, stderr: str) -> None:
    failure = failure_of(exited(stderr=stderr, code=code), gh())
    assert failure.kind is kind
    assert hint in failure.hint
    assert failure.target.label == "octo/app"
    assert failure.message.endswith(".")
    assert failure.words == stderr.strip()


@pytest.mark.parametrize(
    ("ended", "kind"),
    [
        (Ended.NOT_FOUND, Kind.CLI_MISSING),
        (Ended.NOT_RUNNABLE, Kind.CLI_MISSING),
        (Ended.TIMED_OUT, Kind.TIMED_OUT),
        (Ended.TOO_MUCH_OUTPUT, Kind.BAD_OUTPUT),
        (Ended.SIGNALLED, Kind.BAD_OUTPUT),
        (Ended.CANCELLED, Kind.BAD_OUTPUT),
    ],
)
def test_C5_a_call_that_did_not_end_by_itself_is_told_by_its_end(ended: Ended, kind: Kind) -> None:
    completed = Completed(ended, 9, stderr="gh: Bad credentials (HTTP 401)")
    assert failure_of(completed, gh()).kind is kind


@given(st.text(), st.integers(0, 255).filter(lambda code: code != 4))
def test_C5_random_words_are_neither_an_outage_nor_about_rights(stderr: str, code: int) -> None:
    kind = failure_of(exited(stderr=stderr, code=code), gh()).kind
    assert not kind.is_outage
    assert not kind.is_about_rights


def test_the_hint_names_the_variable_whose_token_is_used() -> None:
    failure = failure_of(exited(stderr="gh: Bad credentials (HTTP 401)", code=1), gh(token=True))
    assert "`GH_TOKEN`" in failure.hint
    failure = failure_of(exited(stderr="gh: No (HTTP 403)", code=1), gh(token=True))
    assert "token with the scope `repo` in `GH_TOKEN`" in failure.hint


def test_the_hint_is_for_the_host_and_the_scope() -> None:
    missing = exited(stderr="gh: Not Found (HTTP 404)", code=1)
    forbidden = exited(stderr="gh: No (HTTP 403)", code=1)
    assert "ghes.test" in failure_of(exited(code=4), gh(host="ghes.test")).hint
    assert "repos/octo/app/environments`" in failure_of(missing, gh("production")).hint
    assert "orgs/octo`" in failure_of(missing, gh(org=True)).hint
    assert "--scopes admin:org" in failure_of(forbidden, gh(org=True)).hint
    by_workflow = exited(stderr="gh: Resource not accessible by integration (HTTP 403)", code=1)
    assert "`GH_ENTERPRISE_TOKEN`" in failure_of(by_workflow, gh(host="ghes.test")).hint


def test_L7_words_that_may_hold_a_value_are_left_out() -> None:
    said = exited(stderr="unterminated quoted value canary", code=1)
    assert failure_of(said, gh(), omit_words=True).words == ""
    short = exited(stderr="canary", code=1, showable=False)
    failure = failure_of(short, gh())
    assert failure.words == ""
    assert "canary" not in failure.message + failure.hint


def test_words_are_bounded() -> None:
    assert len(failure_of(exited(stderr="x" * 9000, code=1), gh()).words) == 2000


@pytest.mark.parametrize(
    ("completed", "certain"),
    [
        (Completed(Ended.NOT_FOUND), True),
        (Completed(Ended.NOT_RUNNABLE), True),
        (Completed(Ended.TIMED_OUT, stderr=KEY), False),
        (Completed(Ended.SIGNALLED, 9), False),
        (Completed(Ended.CANCELLED), False),
        (exited(code=4), True),
        (exited(stderr=f"{KEY}HTTP 404: Not Found ({URL})", code=1), True),
        (exited(stderr="unknown flag: --env-file", code=1), True),
        (exited(stderr=APP, code=1), True),
        (exited(stderr=f"{PUT}HTTP 422: no ({URL})", code=1), False),
        (exited(stderr="error connecting to api.github.com", code=1), False),
        (exited(code=1), False),
    ],
)
def test_only_what_ended_before_the_value_was_sent_is_said_to_have_written_nothing(
    completed: Completed, certain: bool
) -> None:
    assert wrote_nothing(completed) is certain
