"""The AWS backend fed recorded answers: failures, rules, settings, and who it will be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sophia_secrets import errors
from sophia_secrets.backends.aws import AwsBackend
from sophia_secrets.backends.base import Call, Completed, Context, Ended, Steps, T, Unconfigured
from sophia_secrets.core.model import (
    Change,
    CheckStatus,
    EntryState,
    Failure,
    FailureKind,
    Outcome,
    SecretValue,
    Snapshot,
)
from sophia_secrets.testing import answered

SECTION: dict[str, object] = {"prefix": "app/", "region": "eu-west-1"}


def backend(section: dict[str, object] | None = None, *declared: str, **environ: str) -> AwsBackend:
    context = Context(
        environ, home="/home/dev", cwd="/srv", state_directory="/s", declared=frozenset(declared)
    )
    made = AwsBackend.configure(SECTION | (section or {}), context)
    assert isinstance(made, AwsBackend)
    return made


def played(steps: Steps[T], *answers: Completed | dict[str, object] | str) -> tuple[T, list[Call]]:
    """What the steps return where the calls are answered so; a text is an error of AWS with that code."""
    calls: list[Call] = []
    left = list(answers)
    try:
        call = next(steps)
        while True:
            calls.append(call)
            call = steps.send(_completed(left.pop(0)))
    except StopIteration as end:
        assert not left, "there was nothing more to ask"
        returned: T = end.value
        return returned, calls


def _completed(answer: Completed | dict[str, object] | str) -> Completed:
    if isinstance(answer, dict):
        return Completed(Ended.EXITED, stdout=json.dumps(answer).encode())
    if isinstance(answer, str):
        return refused(answer)
    return answer


def refused(code: str, message: str = "no") -> Completed:
    words = f"\nAn error occurred ({code}) when calling the PutSecretValue operation: {message}\n"
    return Completed(Ended.EXITED, 254, stderr=words)


def listed(*names: str) -> dict[str, object]:
    return {
        "SecretList": [
            {"Name": f"app/{name}", "SecretVersionsToStages": {"old": ["AWSPREVIOUS"], "v1": ["AWSCURRENT"]}}
            for name in names
        ]
    }


def held(values: dict[str, str], **problems: str) -> dict[str, object]:
    return {
        "SecretValues": [
            {"Name": f"app/{name}", "SecretString": value, "VersionId": f"v-{name}"}
            for name, value in values.items()
        ],
        "Errors": [
            {"SecretId": f"app/{name}", "ErrorCode": code, "Message": "it is so"}
            for name, code in problems.items()
        ],
    }


CODES = [
    ("ExpiredTokenException", FailureKind.NOT_AUTHENTICATED),
    ("ExpiredToken", FailureKind.NOT_AUTHENTICATED),
    ("RequestExpired", FailureKind.NOT_AUTHENTICATED),
    ("UnrecognizedClientException", FailureKind.NOT_AUTHENTICATED),
    ("InvalidSignatureException", FailureKind.NOT_AUTHENTICATED),
    ("MissingAuthenticationTokenException", FailureKind.NOT_AUTHENTICATED),
    ("AccessDeniedException", FailureKind.NOT_PERMITTED),
    ("AccessDenied", FailureKind.NOT_PERMITTED),
    ("ThrottlingException", FailureKind.RATE_LIMITED),
    ("TooManyRequestsException", FailureKind.RATE_LIMITED),
    ("InternalServiceError", FailureKind.UNREACHABLE),
    ("ServiceUnavailableException", FailureKind.UNREACHABLE),
    ("InvalidParameterException", FailureKind.BAD_OUTPUT),
    ("SomethingNew", FailureKind.BAD_OUTPUT),
]
# What `aws` 1.46.3 printed here, or what the source of aws/aws-cli 2.36.7 prints.
TEXTS = [
    (255, 'Unable to locate credentials. You can configure credentials by running "aws configure".', "not_authenticated"),
    (253, 'aws: [ERROR]: Unable to locate credentials. You can configure credentials by running "aws login".', "not_authenticated"),
    (255, "Partial credentials found in env, missing: AWS_SECRET_ACCESS_KEY", "not_authenticated"),
    (255, "Error loading SSO Token: Token for sso does not exist", "not_authenticated"),
    (255, "Error when retrieving token from sso: Token has expired and refresh failed", "not_authenticated"),
    (
        255,
        "The SSO session associated with this profile has expired or is otherwise invalid.",
        "not_authenticated",
    ),
    (255, "The config profile (nope) could not be found", "not_authenticated"),
    (255, 'You must specify a region. You can also configure your region by running "aws configure".', "not_configured"),
    (255, 'Could not connect to the endpoint URL: "http://127.0.0.1:1/"', "unreachable"),
    (255, 'Connect timeout on endpoint URL: "https://secretsmanager.eu-west-1.amazonaws.com/"', "unreachable"),
    (255, 'Failed to connect to proxy URL: "http://proxy:3128"', "unreachable"),
    (255, "SSL validation failed for https://secretsmanager.eu-west-1.amazonaws.com/", "unreachable"),
    (255, 'Read timeout on endpoint URL: "https://secretsmanager.eu-west-1.amazonaws.com/"', "timed_out"),
    (2, "aws: error: argument operation: Invalid choice, valid choices are:", "cli_missing"),
    (252, "aws: [ERROR]: argument operation: Found invalid choice 'batch-get-secret-value'", "cli_missing"),
    (255, "something else", "bad_output"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "kind"), CODES)
def test_C5_a_code_of_aws_is_a_kind_of_failure(code: str, kind: FailureKind) -> None:
    found = answered(backend().snapshot(), refused(code))
    assert isinstance(found, Failure)
    assert found.kind is kind
    assert "app/ in eu-west-1" in found.message
    assert found.hint


@pytest.mark.parametrize(("code", "text", "kind"), TEXTS)
def test_C5_words_of_the_program_are_a_kind_of_failure(code: int, text: str, kind: str) -> None:
    found = answered(backend().snapshot(), Completed(Ended.EXITED, code, stderr=f"\n{text}\n"))
    assert isinstance(found, Failure)
    assert found.kind.value == kind
    assert found.hint


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (refused("InvalidParameterException"), Outcome.FAILED),
        (refused("AccessDeniedException"), Outcome.FAILED),
        (refused("InternalServiceError"), Outcome.UNKNOWN),
        (
            Completed(Ended.EXITED, 255, stderr='Could not connect to the endpoint URL: "https://x"'),
            Outcome.FAILED,
        ),
        (Completed(Ended.EXITED, 255, stderr='Read timeout on endpoint URL: "https://x"'), Outcome.UNKNOWN),
        (Completed(Ended.TIMED_OUT), Outcome.UNKNOWN),
        (Completed(Ended.SIGNALLED, 9), Outcome.UNKNOWN),
        (Completed(Ended.NOT_FOUND), Outcome.NOT_STARTED),
    ],
)
def test_V11_a_write_is_told_as_failed_only_where_nothing_was_stored(
    answer: Completed, outcome: Outcome
) -> None:
    steps = backend().write([Change("A", SecretValue("new")), Change("B", SecretValue("new"))])
    after = [held({"A": "old"})] if outcome is Outcome.UNKNOWN else []
    receipt, calls = played(steps, held({"A": "old", "B": "old"}), answer, *after)
    assert [each.outcome for each in receipt.results] == [outcome, Outcome.NOT_STARTED]
    assert receipt.failure is not None
    assert calls[1].environment["AWS_MAX_ATTEMPTS"] == "1"


def test_V11_a_write_without_an_answer_is_settled_by_reading() -> None:
    steps = backend().write([Change("A", SecretValue("new"))])
    receipt, _ = played(steps, held({"A": "old"}), Completed(Ended.TIMED_OUT), held({"A": "new"}))
    (result,) = receipt.results
    assert (result.outcome, result.verified) == (Outcome.DONE, True)
    assert receipt.failure is None


def test_a_new_name_is_created_and_a_known_one_gets_a_version() -> None:
    steps = backend().write([Change("NEW", SecretValue("n")), Change("OLD", SecretValue("o"))])
    before = held({"OLD": "x"}, NEW="ResourceNotFoundException")
    receipt, calls = played(steps, before, {}, {}, held({"NEW": "n", "OLD": "o"}))
    assert all(each.verified for each in receipt.results)
    assert [call.arguments[1] for call in calls[1:3]] == ["create-secret", "put-secret-value"]
    assert json.loads(calls[1].stdin) == {"Name": "app/NEW", "SecretString": "n"}
    assert all(call.stdin_as_file for call in calls)


def test_who_may_not_read_can_still_write_and_is_told_that_nothing_was_seen() -> None:
    steps = backend().write([Change("A", SecretValue("new"))])
    denied = held({}, A="AccessDeniedException")
    receipt, calls = played(steps, denied, "ResourceNotFoundException", {}, denied)
    (result,) = receipt.results
    assert (result.outcome, result.verified) == (Outcome.DONE, False)
    assert result.detail == "not verified: it must not be read"
    assert [call.arguments[1] for call in calls[1:3]] == ["put-secret-value", "create-secret"]


def test_a_secret_that_is_scheduled_for_deletion_is_not_revived_by_a_write() -> None:
    message = (
        "You can't create this secret because a secret with this name is already scheduled for deletion."
    )
    steps = backend().write([Change("A", SecretValue("new"))])
    receipt, _ = played(
        steps, held({}, A="ResourceNotFoundException"), refused("InvalidRequestException", message)
    )
    assert receipt.results[0].outcome is Outcome.FAILED
    assert receipt.failure is not None
    assert (
        receipt.failure.message
        == "A of app/ in eu-west-1 is scheduled for deletion, so AWS takes no value for it."
    )
    assert receipt.failure.hint == (
        "Restore it with `aws secretsmanager restore-secret --secret-id app/A --region eu-west-1`."
    )


def test_L7_a_failed_write_keeps_the_words_of_the_program_to_itself() -> None:
    value = "canary-2f81"
    words = f"Error parsing parameter 'cli-input-json': Invalid JSON\nJSON received: {value}"
    steps = backend().write([Change("A", SecretValue(value))])
    receipt, calls = played(
        steps, held({"A": "x"}), Completed(Ended.EXITED, 255, stderr=words), held({"A": "x"})
    )
    assert receipt.failure is not None
    assert value not in repr(receipt) + receipt.failure.words + receipt.failure.message
    assert SecretValue(value) in calls[1].secrets


def test_a_secret_that_must_not_be_read_is_write_only_and_an_outage_is_none() -> None:
    found, _ = played(backend().snapshot(), listed("A", "B"), held({"A": "a"}, B="DecryptionFailure"))
    assert isinstance(found, Snapshot)
    assert found.entries["B"].state is EntryState.WRITE_ONLY
    assert found.entries["B"].detail == "AWS does not give its value: DecryptionFailure"
    assert found.entries["B"].version == "v1"
    failed, _ = played(backend().snapshot(), listed("A", "B"), held({"A": "a"}, B="InternalServiceError"))
    assert isinstance(failed, Failure)
    assert failed.kind is FailureKind.UNREACHABLE


def test_a_binary_secret_is_told_and_not_guessed_at() -> None:
    answer = {"SecretValues": [{"Name": "app/A", "SecretBinary": "/w==", "VersionId": "v"}], "Errors": []}
    found, _ = played(backend().snapshot(), listed("A"), answer)
    assert isinstance(found, Snapshot)
    assert (found.entries["A"].state, found.entries["A"].detail) == (
        EntryState.WRITE_ONLY,
        "its value is binary",
    )


def test_where_the_list_is_not_permitted_declared_names_are_read_and_the_rest_is_unknown() -> None:
    found, calls = played(
        backend(None, "A", "B").snapshot(),
        "AccessDeniedException",
        held({"A": "a"}, B="AccessDeniedException"),
    )
    assert isinstance(found, Snapshot)
    assert not found.complete
    assert list(found.entries) == ["A"]
    assert json.loads(calls[1].stdin) == {"SecretIdList": ["app/A", "app/B"]}
    failed, _ = played(backend().snapshot(), "AccessDeniedException")
    assert isinstance(failed, Failure)
    assert failed.kind is FailureKind.NOT_PERMITTED


def test_further_pages_are_turned() -> None:
    first = {**held({"A": "a"}), "NextToken": "more"}
    found, calls = played(backend().snapshot(), listed("A", "B"), first, held({"B": "b"}))
    assert isinstance(found, Snapshot)
    assert list(found.entries) == ["A", "B"]
    assert json.loads(calls[2].stdin)["NextToken"] == "more"


@pytest.mark.parametrize(
    "answer",
    [
        {"SecretList": "x"},
        {"SecretList": [{"Name": 1}]},
        {"SecretList": [1]},
        Completed(Ended.EXITED, stdout=b"[]"),
        Completed(Ended.EXITED, stdout=b""),
    ],
)
def test_an_answer_that_is_none_is_not_an_empty_list(answer: Completed | dict[str, object]) -> None:
    found, _ = played(backend().snapshot(), answer)
    assert isinstance(found, Failure)
    assert found.kind is FailureKind.BAD_OUTPUT


def test_a_value_that_was_not_asked_for_or_is_missing_is_no_answer() -> None:
    for answer in (held({}), {"SecretValues": [{"Name": "other/A", "SecretString": "x", "VersionId": "v"}]}):
        found, _ = played(backend().snapshot(), listed("A"), answer)
        assert isinstance(found, Failure)
        assert found.kind is FailureKind.BAD_OUTPUT


@pytest.mark.parametrize(
    ("section", "named"),
    [
        ({"prefixes": "x"}, "aws.prefixes"),
        ({"recovery_days": 3}, "aws.recovery_days"),
        ({"recovery_days": True}, "aws.recovery_days"),
        ({"delete_at_once": "yes"}, "aws.delete_at_once"),
        ({"region": 1}, "aws.region"),
    ],
)
def test_a_setting_that_is_none_is_an_error(section: dict[str, object], named: str) -> None:
    with pytest.raises(errors.BadSettings, match=named) as refused:
        backend(section)
    assert refused.value.hint


@pytest.mark.parametrize(
    "section",
    [
        {"prefix": "a b"},
        {"region": "--debug"},
        {"profile": "--x"},
        {"profile": "a b"},
        {"endpoint": "http://user:password@host"},
        {"endpoint": "file:///etc"},
    ],
)
def test_I2_what_aws_may_not_be_handed_is_refused(section: dict[str, object]) -> None:
    with pytest.raises(errors.BadName):
        backend(section)


def test_without_a_prefix_it_is_not_configured() -> None:
    context = Context({}, home="", cwd="/", state_directory="/s")
    found = AwsBackend.configure({}, context)
    assert isinstance(found, Unconfigured)
    assert "prefix" in found.hint


def test_region_and_endpoint_are_arguments_and_part_of_the_target_wherever_they_were_said() -> None:
    said = backend(
        {"region": "", "profile": "dev"}, AWS_REGION="eu-north-1", AWS_ENDPOINT_URL="http://localhost:4566"
    )
    assert str(said.target) == "app/ in eu-north-1"
    assert said.target != backend({"region": "eu-north-1"}).target
    _, calls = played(said.snapshot(), {"SecretList": []})
    flags = ("--region", "eu-north-1", "--profile", "dev", "--endpoint-url", "http://localhost:4566")
    assert calls[0].arguments[-6:] == flags
    ignored = backend(AWS_ENDPOINT_URL="http://localhost:4566", AWS_IGNORE_CONFIGURED_ENDPOINT_URLS="true")
    assert ("endpoint", "") in ignored.target.parts


def test_L2_only_what_aws_needs_reaches_it() -> None:
    others = {
        "GH_TOKEN": "g",
        "FLY_API_TOKEN": "f",
        "PULUMI_ACCESS_TOKEN": "p",
        "API_KEY": "x",
        "AWS_PAGER": "less",
    }
    keys = {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "key", "AWS_SESSION_TOKEN": "token"}
    plain = backend(None, PATH="/usr/bin", AWS_CONFIG_FILE="conf", **others, **keys)
    _, calls = played(plain.snapshot(), {"SecretList": []})
    environment = calls[0].environment
    assert not set(others).difference({"AWS_PAGER"}) & set(environment)
    assert environment["AWS_PAGER"] == ""
    assert environment["AWS_CONFIG_FILE"] == "/srv/conf"
    assert {name: environment[name] for name in keys} == keys
    assert set(plain.credential.variables) == set(keys.items())
    profiled = backend({"profile": "dev"}, **keys)
    assert not any(name in keys for name, _ in profiled.credential.variables)
    assert profiled.credential.files == ("/home/dev/.aws/config", "/home/dev/.aws/credentials")
    _, calls = played(profiled.snapshot(), {"SecretList": []})
    assert not set(keys) & set(calls[0].environment)


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("API_KEY", "x" * 65536, None),
        ("API_KEY", "é" * 32769, "65,538 bytes, and AWS keeps at most 65,536"),
        ("API_KEY", "", "an empty value, which AWS does not take; delete the secret instead"),
        ("API_KEY", "\ud800", "a lone surrogate, which is not Unicode text"),
        ("a/b", "x", "AWS's names are letters, digits and `_+=.@-`"),
        ("A" * 509, "x", "with its prefix the name has more than 512 characters"),
    ],
)
def test_I4_what_aws_cannot_keep_is_refused(name: str, value: str, problem: str | None) -> None:
    assert backend().problem(name, SecretValue(value)) == problem


@pytest.mark.parametrize(
    ("version", "status"),
    [
        ("aws-cli/1.30.7 Python/3.11", CheckStatus.OK),
        ("aws-cli/1.30.6 Python/3.11", CheckStatus.FAIL),
        ("aws-cli/2.36.7 Python/3.13 exe/x86_64", CheckStatus.OK),
        ("aws-cli/2.13.38 Python/3.11", CheckStatus.FAIL),
        ("something", CheckStatus.FAIL),
    ],
)
def test_doctor_tells_an_old_program(version: str, status: CheckStatus) -> None:
    steps = backend().probe()
    more = [{"SecretList": []}] if status is CheckStatus.OK else []
    checks, _ = played(steps, Completed(Ended.EXITED, stdout=version.encode()), *more)
    assert checks[0].status is status
    assert [check.id for check in checks] == ["aws.cli", "aws.auth", "aws.target"]


def test_it_is_found_through_the_packages_own_entry_point() -> None:
    from sophia_secrets import backends

    assert backends.backend_class("aws", ("aws",)) is AwsBackend
    with pytest.raises(errors.UsageError):
        backends.backend_class("aws")
    assert "aws" not in backends.BUILT_IN
    assert Path(backends.__file__).parent.joinpath("aws").is_dir()


@pytest.mark.parametrize(
    ("section", "request_more", "told"),
    [
        (
            {},
            {"RecoveryWindowInDays": 30},
            "for 30 days it can be restored: aws secretsmanager restore-secret --secret-id app/A --region eu-west-1",
        ),
        (
            {"delete_at_once": True},
            {"ForceDeleteWithoutRecovery": True},
            "deleted at once, as the settings say",
        ),
    ],
)
def test_a_deletion_says_whether_it_can_be_undone(
    section: dict[str, object], request_more: dict[str, object], told: str
) -> None:
    steps = backend(section).delete(["A", "GONE"])
    receipt, calls = played(
        steps, held({"A": "a"}, GONE="ResourceNotFoundException"), {}, held({}, A="ResourceNotFoundException")
    )
    assert json.loads(calls[1].stdin) == {"SecretId": "app/A", **request_more}
    assert [(each.name, each.outcome, each.detail, each.verified) for each in receipt.results] == [
        ("A", Outcome.DONE, told, True),
        ("GONE", Outcome.UNCHANGED, "absent", True),
    ]


@pytest.mark.parametrize(
    "answer",
    [
        refused("ResourceNotFoundException"),
        refused("InvalidRequestException", "You can't perform this operation on the secret because it was marked for deletion."),
    ],
)  # fmt: skip
def test_what_is_gone_when_it_is_to_be_deleted_is_no_failure(answer: Completed) -> None:
    receipt, _ = played(backend().delete(["A"]), held({}, A="AccessDeniedException"), answer)
    (result,) = receipt.results
    assert (result.outcome, result.detail, receipt.failure) == (Outcome.UNCHANGED, "absent", None)


def test_after_a_deletion_that_failed_no_other_is_tried() -> None:
    receipt, calls = played(
        backend().delete(["A", "B"]), held({"A": "a", "B": "b"}), refused("AccessDeniedException")
    )
    assert [each.outcome for each in receipt.results] == [Outcome.FAILED, Outcome.NOT_STARTED]
    assert receipt.failure is not None
    assert receipt.failure.kind is FailureKind.NOT_PERMITTED
    assert len(calls) == 2


def test_where_the_values_cannot_be_read_nothing_is_deleted() -> None:
    receipt, calls = played(backend().delete(["A", "B"]), refused("ExpiredTokenException"))
    assert [each.outcome for each in receipt.results] == [Outcome.NOT_STARTED] * 2
    assert receipt.failure is not None
    assert receipt.failure.kind is FailureKind.NOT_AUTHENTICATED
    assert len(calls) == 1


def test_a_write_that_cannot_be_read_back_is_done_and_not_verified() -> None:
    steps = backend().write([Change("A", SecretValue("new"))])
    receipt, _ = played(steps, held({"A": "old"}), {}, Completed(Ended.TIMED_OUT))
    (result,) = receipt.results
    assert (result.outcome, result.verified, result.detail) == (Outcome.DONE, False, "not verified")


def test_names_that_may_neither_be_listed_nor_read_are_no_answer() -> None:
    steps = backend(None, "A").snapshot()
    found, _ = played(steps, "AccessDeniedException", held({}, A="AccessDeniedException"))
    assert isinstance(found, Failure)
    assert found.kind is FailureKind.NOT_PERMITTED
    steps = backend(None, "A").snapshot()
    found, _ = played(steps, "AccessDeniedException", Completed(Ended.TIMED_OUT))
    assert isinstance(found, Failure)
    assert found.kind is FailureKind.TIMED_OUT


def test_an_error_about_a_secret_that_was_not_asked_for_is_no_answer() -> None:
    errors_of = {"SecretValues": [], "Errors": [{"SecretId": "other/A", "ErrorCode": "x", "Message": "m"}]}
    found, _ = played(backend().snapshot(), listed("A"), errors_of)
    assert isinstance(found, Failure)
    assert found.kind is FailureKind.BAD_OUTPUT


def test_a_secret_whose_versions_are_not_told_has_its_value_all_the_same() -> None:
    found, _ = played(backend().snapshot(), {"SecretList": [{"Name": "app/A"}]}, held({"A": "a"}))
    assert isinstance(found, Snapshot)
    assert found.entries["A"].value == SecretValue("a")


@pytest.mark.parametrize(
    ("answer", "statuses", "message", "hint"),
    [
        ("ExpiredTokenException", ("ok", "fail", "skip"), "expired", "aws sso login"),
        ("AccessDeniedException", ("ok", "ok", "fail"), "app/ in eu-west-1", ""),
        ("InternalServiceError", ("ok", "skip", "fail"), "app/ in eu-west-1", ""),
    ],
)
def test_doctor_tells_the_sign_in_from_the_target(
    answer: str, statuses: tuple[str, ...], message: str, hint: str
) -> None:
    version = Completed(Ended.EXITED, stdout=b"aws-cli/2.36.7 Python/3.13")
    checks, _ = played(backend().probe(), version, answer)
    assert tuple(check.status.value for check in checks) == statuses
    (failed,) = [check for check in checks if check.status is CheckStatus.FAIL]
    assert message in failed.message
    assert hint in failed.hint
    assert failed.hint


@pytest.mark.parametrize(
    ("done", "message"),
    [
        (Completed(Ended.NOT_FOUND), "The AWS CLI (`aws`) was not found."),
        (
            Completed(Ended.NOT_FOUND, detail="/no/aws does not exist or is not a file"),
            "The AWS CLI (`aws`) was not found: /no/aws does not exist or is not a file.",
        ),
        (
            Completed(Ended.NOT_RUNNABLE, detail="/usr/bin/aws is not executable"),
            "`aws` could not be started: /usr/bin/aws is not executable.",
        ),
    ],
)
def test_V9_doctor_skips_what_a_missing_program_cannot_be_asked(done: Completed, message: str) -> None:
    checks, _ = played(backend().probe(), done)
    assert [check.status.value for check in checks] == ["fail", "skip", "skip"]
    assert checks[0].message == message
    assert ("docs.aws.amazon.com" if done.ended is Ended.NOT_FOUND else "SOPHIA_SECRETS_AWS") in checks[
        0
    ].hint


def test_V3_an_answer_that_is_too_long_is_no_answer_and_says_what_makes_it_shorter() -> None:
    found = answered(backend().snapshot(), Completed(Ended.TOO_MUCH_OUTPUT))
    assert isinstance(found, Failure)
    assert (found.kind, found.hint) == (FailureKind.BAD_OUTPUT, "Choose a longer `prefix` under `[aws]`.")


@pytest.mark.parametrize(
    ("section", "environ", "hint"),
    [
        (
            {},
            {"AWS_ACCESS_KEY_ID": "i", "AWS_SECRET_ACCESS_KEY": "k"},
            "Put valid credentials in `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`.",
        ),
        ({"profile": "dev"}, {}, "Run `aws sso login --profile dev`, or `aws configure` it."),
        ({}, {}, "Run `aws sso login` or `aws configure`, or set `profile` under `[aws]`."),
    ],
)
def test_who_is_signed_out_is_told_how_this_credential_is_renewed(
    section: dict[str, object], environ: dict[str, str], hint: str
) -> None:
    found = answered(backend(section, **environ).snapshot(), refused("ExpiredTokenException"))
    assert isinstance(found, Failure)
    assert found.hint == hint
