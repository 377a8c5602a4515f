"""Which target is meant, what a child may see, and what a write, a delete and a probe come to."""

from __future__ import annotations

import itertools
import json
import pwd
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sophia_secrets import errors
from sophia_secrets.backends.base import Call, Completed, Context, Ended, Steps, T, Unconfigured
from sophia_secrets.backends.pulumi import PulumiBackend, names
from sophia_secrets.backends.pulumi.esc import reads_as_reference
from sophia_secrets.core.model import (
    Change,
    CheckStatus,
    Failure,
    FailureKind,
    Outcome,
    SecretValue,
    Snapshot,
)

ESC = {"organization": "acme", "project": "app", "environment": "production"}
HOME = {"PULUMI_HOME": "/nowhere/pulumi"}
OPEN = (
    "--non-interactive",
    "--color",
    "never",
    "env",
    "open",
    "acme/app/production",
    "--format",
    "detailed",
    "--lifetime",
    "5m",
)


def context(environ: dict[str, str] | None = None, cwd: str = "/nowhere") -> Context:
    return Context(HOME | (environ or {}), "", cwd, "", timeout=7.0)


def configured(
    section: dict[str, str], environ: dict[str, str] | None = None, cwd: str = "/nowhere"
) -> PulumiBackend:
    backend = PulumiBackend.configure(section, context(environ, cwd))
    assert isinstance(backend, PulumiBackend), backend
    return backend


def fed(steps: Steps[T], answer: Callable[[Call], Completed] | Sequence[Completed]) -> tuple[T, list[Call]]:
    """Drive a generator with answers; what it returned, and its calls."""
    calls: list[Call] = []
    answers = iter(answer) if not callable(answer) else None
    try:
        call = next(steps)
        while True:
            calls.append(call)
            call = steps.send(next(answers) if answers is not None else answer(call))  # type: ignore[operator]
    except StopIteration as stop:
        assert answers is None or next(answers, None) is None, "an answer was not asked for"
        return stop.value, calls


def opened(**named: str) -> Completed:
    nodes = {name: {"value": text, "trace": {}} for name, text in named.items()}
    document = {"value": {"environmentVariables": {"value": nodes, "trace": {}}}, "trace": {}}
    return Completed(Ended.EXITED, 0, json.dumps(document).encode())


def ended(code: int = 0, stderr: str = "", stdout: bytes = b"") -> Completed:
    return Completed(Ended.EXITED, code, stdout, stderr)


def changes(**named: str) -> list[Change]:
    return [Change(name, SecretValue(text)) for name, text in named.items()]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "infra" / "deeper").mkdir(parents=True)
    (tmp_path / "infra" / "Pulumi.yaml").write_text("name: app\nruntime: yaml\n")
    return tmp_path


# --- targets


@pytest.mark.parametrize(
    ("section", "environ", "reference"),
    [
        (ESC, {}, "acme/app/production"),
        ({"organization": "acme", "environment": "production"}, {}, "acme/default/production"),
        (
            {"organization": "acme", "project": "app", "environment": "other/production"},
            {},
            "acme/other/production",
        ),
        ({"organization": "acme", "environment": "octo/other/prod.1"}, {}, "octo/other/prod.1"),
        ({"environment": "octo/other/prod"}, {}, "octo/other/prod"),
        ({"environment": " p/e "}, {"PULUMI_DEFAULT_ORGANIZATION": "acme"}, "acme/p/e"),
    ],
)
def test_C3_an_environment_is_always_asked_for_by_its_three_parts(
    section: dict[str, str], environ: dict[str, str], reference: str
) -> None:
    backend = configured(section, environ)
    assert str(backend.target) == reference
    steps = backend.snapshot()
    assert next(steps).arguments[5] == reference
    steps.close()


def test_C4_every_blank_or_missing_setting_is_not_configured() -> None:
    for kept in itertools.product(["", "  ", None], repeat=5):
        keys = ("organization", "project", "environment", "stack", "directory")
        section = {key: value for key, value in zip(keys, kept, strict=True) if value is not None}
        assert isinstance(PulumiBackend.configure(section, context()), Unconfigured)


@pytest.mark.parametrize(
    ("section", "hint"),
    [
        ({"environment": "production"}, "organization"),
        ({"environment": "p/production", "project": "x"}, "organization"),
        ({"project": "app", "organization": "acme"}, "PULUMI_ENVIRONMENT"),
        ({"stack": "dev"}, "directory"),
        ({"stack": "dev", "directory": "nowhere"}, "Pulumi.yaml"),
    ],
)
def test_C4_a_part_of_a_target_is_no_target(section: dict[str, str], hint: str) -> None:
    got = PulumiBackend.configure(section, context())
    assert isinstance(got, Unconfigured)
    assert hint in got.hint


REFUSED = [
    "-x",
    "--env",
    "a b",
    "a\nb",
    "a/b/c/d",
    "..",
    "a/../b",
    "a//b",
    "/a",
    "a/",
    "prod@3",
    "a:b",
    "a=b",
    "é",
    "a\0",
]


@pytest.mark.parametrize("text", REFUSED)
def test_I1_a_target_that_pulumi_must_not_be_handed_is_refused(text: str, project: Path) -> None:
    with pytest.raises(errors.BadName):
        PulumiBackend.configure({"organization": "acme", "environment": text}, context())
    with pytest.raises(errors.BadName):
        PulumiBackend.configure({"stack": text, "directory": "infra"}, context(cwd=str(project)))


@given(st.text(max_size=30) | st.from_regex(r"[-a-z./@:=]{0,12}", fullmatch=True))
def test_I2_an_accepted_target_is_three_plain_parts(text: str) -> None:
    try:
        parts = names.environment_parts(text, "acme", "")
    except errors.BadName:
        return
    assert all(part[0].isalnum() or part[0] == "_" for part in parts)
    assert all(
        part.isascii() and not set(part) - set("_.-") - set(filter(str.isalnum, part)) for part in parts
    )


def test_C3_a_stack_is_spelled_out_in_an_absolute_directory(project: Path) -> None:
    section = {"stack": "dev", "directory": "infra/deeper", "project": "app"}
    backend = configured(section, cwd=str(project))
    assert str(backend.target) == "stack dev"
    steps = backend.snapshot()
    call = next(steps)
    assert call.arguments == (
        "-C",
        str(project / "infra"),
        *("--non-interactive", "--color", "never", "config", "--json", "--show-secrets", "--stack", "dev"),
    )
    steps.close()


@pytest.mark.parametrize(
    ("stack", "url", "asked"),
    [
        ("dev", "https://api.pulumi.com", "acme/app/dev"),
        ("octo/dev", "https://api.pulumi.com", "octo/app/dev"),
        ("octo/app/dev", "", "octo/app/dev"),
        ("dev", "", "acme/app/dev"),
        ("dev", "file:///state", "dev"),
        ("dev", "s3://bucket", "dev"),
        ("organization/app/dev", "s3://bucket", "organization/app/dev"),
    ],
)
def test_C3_a_stack_of_a_cloud_gets_its_organisation(stack: str, url: str, asked: str, project: Path) -> None:
    section = {"organization": "acme", "stack": stack, "directory": "infra"}
    backend = configured(section, {"PULUMI_BACKEND_URL": url}, cwd=str(project))
    assert dict(backend.target.parts)["stack"] == asked


@pytest.mark.parametrize("section", [{"stack": "acme/other/dev"}, {"stack": "dev", "project": "other"}])
def test_C3_a_stack_of_another_project_is_refused(section: dict[str, str], project: Path) -> None:
    with pytest.raises(errors.BadName) as caught:
        PulumiBackend.configure(section | {"directory": "infra"}, context(cwd=str(project)))
    assert "other" in caught.value.message
    assert "app" in caught.value.message


def test_a_stack_without_its_directory_leaves_the_environment_and_a_note() -> None:
    backend = configured(ESC | {"stack": "dev"})
    got, calls = fed(backend.snapshot(), [opened(A="a")])
    assert isinstance(got, Snapshot)
    assert len(calls) == 1
    assert "stack" in got.notes[0]


def test_C1_what_differs_in_a_target_differs_in_its_parts(project: Path) -> None:
    stack = {"stack": "dev", "directory": "infra"}
    made = [
        configured(section, environ, cwd=str(project)).target.parts
        for section, environ in [
            (ESC, {}),
            (ESC | {"environment": "staging"}, {}),
            (ESC | {"project": "other"}, {}),
            (ESC | {"environment": "app/production", "project": ""}, {}),
            (ESC, {"PULUMI_BACKEND_URL": "https://pulumi.example"}),
            (ESC, {"PULUMI_API": "https://pulumi.example2"}),
            (ESC | stack, {}),
            (stack, {}),
            (stack | {"stack": "prod"}, {}),
        ]
    ]
    assert len(set(made)) == len(made)


# --- what a child may see

EVERYTHING = {
    "HOME": "/h",
    "USER": "u",
    "PATH": "/bin",
    "LANG": "C",
    "LC_ALL": "C.UTF-8",
    "TMPDIR": "/t",
    "HTTPS_PROXY": "http://proxy",
    "SSL_CERT_FILE": "/ca",
    "PULUMI_HOME": "/nowhere/pulumi",
    "PULUMI_ACCESS_TOKEN": "pul-1",
    "PULUMI_API": "https://api.example",
    "PULUMI_CREDENTIALS_PATH": "/c",
    "PULUMI_CONFIG_PASSPHRASE": "phrase",
    "PULUMI_DIY_BACKEND_GZIP": "1",
    "PULUMI_STACK": "wrong",
    "PULUMI_OPTION_YES": "true",
    "PULUMI_SKIP_CONFIRMATIONS": "true",
    "PULUMI_EXPERIMENTAL": "1",
    "PULUMI_DEV": "1",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "x",
    "EDITOR": "vi",
    "CI": "true",
    "AWS_SECRET_ACCESS_KEY": "aws",
    "AZURE_CLIENT_SECRET": "azure",
    "GOOGLE_CREDENTIALS": "google",
    "VAULT_TOKEN": "vault",
    "GH_TOKEN": "gh",
    "GITHUB_TOKEN": "gh",
    "FLY_API_TOKEN": "fly",
    "SOPHIA_SECRETS_CACHE_KEY": "key",
    "SOPHIA_GITHUB_SECRETS_JSON": "{}",
    "LD_PRELOAD": "/x.so",
}
ALWAYS = {
    **{
        name: EVERYTHING[name] for name in ("HOME", "USER", "PATH", "LANG", "LC_ALL", "TMPDIR", "HTTPS_PROXY")
    },
    "SSL_CERT_FILE": "/ca",
    "PULUMI_HOME": "/nowhere/pulumi",
    "PULUMI_ACCESS_TOKEN": "pul-1",
    "PULUMI_API": "https://api.example",
    "PULUMI_CREDENTIAL_STORE": "plaintext",
    "PULUMI_SKIP_UPDATE_CHECK": "true",
    "NO_COLOR": "1",
}


def first_call(backend: PulumiBackend) -> Call:
    steps = backend.snapshot()
    call = next(steps)
    steps.close()
    return call


def test_L2_an_environments_child_sees_this_and_nothing_else() -> None:
    call = first_call(configured(ESC, EVERYTHING))
    assert call.environment == ALWAYS | {"PULUMI_DEFAULT_ORGANIZATION": "acme", "TMPDIR": "/dev/null"}
    assert [scratch.variable for scratch in call.scratch] == ["PULUMI_CREDENTIALS_PATH"]
    assert call.arguments == OPEN
    assert call.timeout == 7.0


@pytest.mark.parametrize(
    ("provider", "more"),
    [
        ("", {}),
        ("passphrase", {}),
        ("awskms://alias/x", {"AWS_SECRET_ACCESS_KEY": "aws"}),
        ("azurekeyvault://v/k", {"AZURE_CLIENT_SECRET": "azure"}),
        ("gcpkms://k", {"GOOGLE_CREDENTIALS": "google"}),
        ("hashivault://k", {"VAULT_TOKEN": "vault"}),
    ],
)
def test_L2_a_stacks_child_sees_the_keys_of_its_own_provider(
    provider: str, more: dict[str, str], project: Path
) -> None:
    (project / "infra" / "Pulumi.dev.yaml").write_text(f"secretsprovider: {provider}\n" if provider else "{}")
    call = first_call(configured({"stack": "acme/dev", "directory": "infra"}, EVERYTHING, cwd=str(project)))
    own = {"PULUMI_CONFIG_PASSPHRASE": "phrase", "PULUMI_DIY_BACKEND_GZIP": "1"}
    assert call.environment == ALWAYS | own | more


def test_an_empty_passphrase_is_a_passphrase(project: Path) -> None:
    section = {"stack": "dev", "directory": "infra"}
    call = first_call(configured(section, {"PULUMI_CONFIG_PASSPHRASE": ""}, cwd=str(project)))
    assert call.environment["PULUMI_CONFIG_PASSPHRASE"] == ""


def test_C9_a_token_does_not_follow_a_project_to_the_backend_it_names(project: Path) -> None:
    file = project / "infra" / "Pulumi.yaml"
    file.write_text("name: app\nruntime: yaml\nbackend:\n  url: https://evil.example\n")
    section = {"stack": "acme/dev", "directory": "infra"}
    token = {"PULUMI_ACCESS_TOKEN": "pul-1"}
    assert "PULUMI_ACCESS_TOKEN" not in first_call(configured(section, token, cwd=str(project))).environment
    said = token | {"PULUMI_BACKEND_URL": "https://api.pulumi.com"}
    assert "PULUMI_ACCESS_TOKEN" in first_call(configured(section, said, cwd=str(project))).environment
    file.write_text("name: app\nruntime: yaml\nbackend:\n  url: https://api.pulumi.com\n")
    assert "PULUMI_ACCESS_TOKEN" in first_call(configured(section, token, cwd=str(project))).environment


def test_without_a_token_the_users_session_is_used_and_is_the_credential(tmp_path: Path) -> None:
    backend = configured(ESC, {"PULUMI_HOME": str(tmp_path)})
    assert first_call(backend).scratch == ()
    assert backend.credential.files == (str(tmp_path / "credentials.json"),)


@pytest.mark.parametrize("content", ["{", "[]", '{"current": 1}'])
def test_C2_where_the_stored_session_cannot_be_read_pulumi_itself_decides(
    content: str, tmp_path: Path
) -> None:
    (tmp_path / "credentials.json").write_text(content)
    environ = {"PULUMI_HOME": str(tmp_path), "PULUMI_ACCESS_TOKEN": "pul-1"}
    assert first_call(configured(ESC, environ)).scratch == ()
    environ["PULUMI_BACKEND_URL"] = "https://pulumi.example"
    assert [scratch.files for scratch in first_call(configured(ESC, environ)).scratch] == [{}]


def test_C2_another_token_is_another_credential_and_neither_is_shown() -> None:
    one, two = (configured(ESC, {"PULUMI_ACCESS_TOKEN": token}) for token in ("pul-1", "pul-2"))
    assert one.credential != two.credential
    assert one.credential.files == ()
    assert "pul-1" not in repr(one.credential)
    assert "pul-1" not in repr(first_call(one))


@pytest.mark.parametrize(
    "content", ["", "[]", "{", "[" * 100_000, "name: [x]", "name: ''", "runtime: yaml", "\0", "é: \xff"]
)
def test_a_project_file_without_a_name_is_no_project(content: str, project: Path) -> None:
    (project / "infra" / "Pulumi.yaml").write_bytes(content.encode("latin-1"))
    got = PulumiBackend.configure({"stack": "dev", "directory": "infra"}, context(cwd=str(project)))
    assert isinstance(got, Unconfigured)


# --- writing, deleting, probing


def test_X5_L1_the_value_is_on_standard_input_and_nowhere_else() -> None:
    got, calls = fed(
        configured(ESC).write(changes(A="canary value\n")), [ended(), opened(A="canary value\n")]
    )
    assert [result.outcome for result in got.results] == [Outcome.DONE]
    assert calls[0].stdin == b"canary value\n"
    assert calls[0].arguments[3:] == (
        *("env", "set", "acme/app/production", "environmentVariables.A"),
        *("--file", "-", "--secret", "--string"),
    )
    assert calls[0].secrets == (SecretValue("canary value\n"),)
    for call in calls:
        assert "canary" not in repr(call)
        assert not any("canary" in text for text in (*call.arguments, *call.environment.values(), call.label))


def test_I4_a_refused_change_starts_nothing_for_any() -> None:
    got, calls = fed(configured(ESC).write(changes(A="a", B="nul\0", C="\ud800")), [])
    assert calls == []
    outcomes = [result.outcome for result in got.results]
    assert outcomes == [Outcome.NOT_STARTED, Outcome.REFUSED, Outcome.REFUSED]
    assert "nul" not in got.results[1].detail


@pytest.mark.parametrize("name", ["", "-A", "a b", "A=B", "1A", "a.b", "a:b", "A\n", "É", "A" * 256, 'A"]'])
def test_I1_a_name_that_is_no_variable_is_not_written(name: str) -> None:
    assert configured(ESC).problem(name) is not None


def test_what_reads_back_otherwise_is_a_failure_that_says_so() -> None:
    got, _ = fed(configured(ESC).write(changes(A="new", B="b")), [ended(), ended(), opened(A="old", B="b")])
    assert [(r.outcome, r.verified) for r in got.results] == [(Outcome.FAILED, False), (Outcome.DONE, True)]
    assert "read back" in got.results[0].detail


def test_V6_words_beside_exit_code_0_are_believed_only_as_far_as_the_read_shows() -> None:
    said = "production:3:5: a warning about something\n"
    got, _ = fed(configured(ESC).write(changes(A="a")), [ended(stderr=said), opened(A="a")])
    assert got.results[0].outcome is Outcome.DONE
    got, _ = fed(configured(ESC).write(changes(A="a")), [ended(stderr=said), opened()])
    assert got.results[0].detail == said.strip()
    assert got.results[0].outcome is Outcome.FAILED
    lost = Completed(Ended.TIMED_OUT)
    got, _ = fed(configured(ESC).write(changes(A="a")), [ended(stderr=said), lost])
    assert got.results[0].outcome is Outcome.UNKNOWN


def test_a_write_that_cannot_be_read_back_is_done_and_not_verified() -> None:
    got, _ = fed(configured(ESC).write(changes(A="a")), [ended(), Completed(Ended.TIMED_OUT)])
    assert (got.results[0].outcome, got.results[0].verified) == (Outcome.DONE, False)
    assert got.failure is not None
    assert got.failure.kind is FailureKind.TIMED_OUT


def test_V11_a_write_is_made_once_and_a_timeout_is_settled_by_one_read() -> None:
    got, calls = fed(
        configured(ESC).write(changes(A="a", B="b")), [Completed(Ended.TIMED_OUT), opened(A="a")]
    )
    assert [result.outcome for result in got.results] == [Outcome.DONE, Outcome.NOT_STARTED]
    assert got.failure is not None
    assert [call.arguments[4] for call in calls] == ["set", "open"]
    got, _ = fed(configured(ESC).write(changes(A="a")), [Completed(Ended.TIMED_OUT), opened(A="old")])
    assert got.results[0].outcome is Outcome.UNKNOWN


def test_delete_never_asks_for_the_removal_of_an_environment() -> None:
    document: dict[str, Any] = {
        name: {"value": "x", "trace": {}} for name in ("", "-y", "a b", "ends\\", "--yes", "fine")
    }
    output = ended(stdout=json.dumps({"value": document, "trace": {}}).encode())
    got, calls = fed(configured(ESC).delete([*document]), [output, ended(), opened()])
    removals = [call.arguments for call in calls if "rm" in call.arguments]
    assert removals == [("--non-interactive", "--color", "never", "env", "rm", "acme/app/production", "fine")]
    outcomes = [result.outcome for result in got.results]
    assert outcomes == [Outcome.REFUSED] * 5 + [Outcome.DONE]


def test_delete_of_nothing_that_is_there_is_one_read() -> None:
    got, calls = fed(configured(ESC).delete(["A"]), [opened(B="b")])
    assert len(calls) == 1
    assert (got.results[0].outcome, got.results[0].detail) == (Outcome.UNCHANGED, "absent")
    assert got.failure is None


def test_delete_starts_nothing_where_the_read_failed() -> None:
    got, calls = fed(configured(ESC).delete(["A"]), [ended(1, "error: [403] no\n")])
    assert len(calls) == 1
    assert got.results[0].outcome is Outcome.NOT_STARTED
    assert got.failure is not None


@pytest.mark.parametrize("code", [0, 1])
@pytest.mark.parametrize("stdout", [b"", b"{", opened(A="a").stdout])
@pytest.mark.parametrize("stderr", ["", "dev:1:1: bad\n", "error: [500] x\n"])
def test_V6_only_exit_code_0_with_the_documented_shape_is_an_answer(
    code: int, stdout: bytes, stderr: str
) -> None:
    got, _ = fed(configured(ESC).snapshot(), [ended(code, stderr, stdout)])
    assert isinstance(got, Snapshot) is (code == 0 and len(stdout) > 1)


def test_a_stack_that_cannot_be_asked_fails_the_whole_answer(project: Path) -> None:
    backend = configured(ESC | {"stack": "dev", "directory": "infra"}, cwd=str(project))
    got, calls = fed(backend.snapshot(), [opened(A="a"), ended(1, "error: incorrect passphrase\n")])
    assert isinstance(got, Failure)
    assert len(calls) == 2
    got, calls = fed(backend.snapshot(), [ended(1, "error: [404] no\n")])
    assert isinstance(got, Failure)
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("version", "status"),
    [
        (b"v3.260.0\n", CheckStatus.OK),
        (b"3.188.0\n", CheckStatus.OK),
        (b"v4.0.0-alpha.1\n", CheckStatus.OK),
        (b"v3.187.9\n", CheckStatus.FAIL),
        (b"\n", CheckStatus.WARN),
        (b"dev build\n", CheckStatus.WARN),
    ],
)
def test_V9_probe_knows_the_oldest_version(version: bytes, status: CheckStatus) -> None:
    def answer(call: Call) -> Completed:
        if "version" in call.arguments:
            return ended(stdout=version)
        return ended(stdout=b'{"user": "me"}') if "whoami" in call.arguments else opened(A="a")

    checks, calls = fed(configured(ESC).probe(), answer)
    assert checks[0].status is status
    assert bool(checks[0].hint) is (status is not CheckStatus.OK)
    skipped = [check.status is CheckStatus.SKIP for check in checks[1:]]
    assert skipped == [status is CheckStatus.FAIL] * 2
    assert len(calls) == (1 if status is CheckStatus.FAIL else 3)


@given(st.text(alphabet="$ {}a", max_size=12))
def test_a_reference_is_what_upstreams_parser_takes_for_one(text: str) -> None:
    rest, found = text, False
    while rest:
        if rest.startswith("$$"):
            rest = rest[2:]
        elif rest.startswith("${"):
            found, rest = True, rest[2:]
        else:
            rest = rest[1:]
    assert reads_as_reference(text) is found


def test_after_a_removal_that_failed_no_other_is_tried() -> None:
    denied = ended(1, "error: [403] no\n")
    got, calls = fed(configured(ESC).delete(["A", "B"]), [opened(A="a", B="b"), denied])
    assert [result.outcome for result in got.results] == [Outcome.FAILED, Outcome.NOT_STARTED]
    assert got.failure is not None
    assert len(calls) == 2


def test_V9_a_removal_over_which_pulumi_breaks_down_says_where_the_name_may_be() -> None:
    crash = ended(1, "The Pulumi CLI encountered a fatal error. This is a bug!\ngoroutine 1\n")
    got, _ = fed(configured(ESC).delete(["A"]), [opened(A="a"), crash])
    (result,) = got.results
    assert result.outcome is Outcome.FAILED
    assert result.detail.startswith("it is not to be found there: ")


@pytest.mark.parametrize(
    ("removed", "after", "outcome"),
    [
        (ended(), opened(), Outcome.DONE),
        (ended(), opened(A="imported"), Outcome.FAILED),
        (ended(), Completed(Ended.TIMED_OUT), Outcome.DONE),
        (ended(stderr="production:3:5: a warning\n"), Completed(Ended.TIMED_OUT), Outcome.UNKNOWN),
        (Completed(Ended.TIMED_OUT), opened(), Outcome.DONE),
        (Completed(Ended.TIMED_OUT), opened(A="a"), Outcome.UNKNOWN),
        (Completed(Ended.TIMED_OUT), Completed(Ended.TIMED_OUT), Outcome.UNKNOWN),
        (Completed(Ended.NOT_RUNNABLE), None, Outcome.FAILED),
    ],
)
def test_V11_a_removal_is_what_the_next_read_shows(
    removed: Completed, after: Completed | None, outcome: Outcome
) -> None:
    answers = [opened(A="a"), removed, *([after] if after is not None else [])]
    got, _ = fed(configured(ESC).delete(["A"]), answers)
    (result,) = got.results
    assert result.outcome is outcome
    seen = after is not None and after.ok
    assert result.verified is (outcome is Outcome.DONE and seen)
    assert (got.failure is None) is (result.verified or (outcome is Outcome.FAILED and seen))


@pytest.mark.parametrize("answer", [b"", b"[]", b"{}", b'{"user": ""}', b'{"user": 1}', b"not JSON"])
def test_doctor_warns_where_pulumi_does_not_say_who_is_logged_in(answer: bytes) -> None:
    checks, _ = fed(
        configured(ESC).probe(), [ended(stdout=b"v3.260.0\n"), ended(stdout=answer), opened(A="a")]
    )
    assert (checks[1].status, checks[1].hint) == (CheckStatus.WARN, "Run `pulumi login`.")
    assert checks[2].status is CheckStatus.OK


def test_V9_doctor_skips_what_a_missing_program_cannot_be_asked(project: Path) -> None:
    backend = configured(ESC | {"stack": "dev", "directory": "infra"}, cwd=str(project))
    checks, _ = fed(backend.probe(), [Completed(Ended.NOT_FOUND)])
    assert [(check.id, check.status) for check in checks] == [
        ("pulumi.cli", CheckStatus.FAIL),
        ("pulumi.auth", CheckStatus.SKIP),
        ("pulumi.environment", CheckStatus.SKIP),
        ("pulumi.stack", CheckStatus.SKIP),
    ]


def test_doctor_asks_a_stack_alone_in_its_own_directory(project: Path) -> None:
    backend = configured({"stack": "acme/dev", "directory": "infra"}, cwd=str(project))
    checks, calls = fed(
        backend.probe(), [ended(stdout=b"v3.260.0\n"), ended(stdout=b'{"user": "me"}'), ended(stdout=b"{}")]
    )
    assert [(check.id, check.status.value) for check in checks] == [
        ("pulumi.cli", "ok"), ("pulumi.auth", "ok"), ("pulumi.stack", "ok"),
    ]  # fmt: skip
    assert calls[1].arguments[:2] == ("-C", str(project / "infra"))


def test_V4_a_configuration_that_is_none_is_no_answer(project: Path) -> None:
    backend = configured({"stack": "acme/dev", "directory": "infra"}, cwd=str(project))
    for answer in (b"[]", b"{", b'{"app:A": 1}'):
        got, _ = fed(backend.snapshot(), [ended(stdout=answer)])
        assert isinstance(got, Failure)
        assert got.kind is FailureKind.BAD_OUTPUT


def test_C2_a_token_goes_to_the_backend_that_the_stored_session_is_logged_in_to(tmp_path: Path) -> None:
    (tmp_path / "credentials.json").write_text('{"current": "https://pulumi.example"}')
    environ = {"PULUMI_HOME": str(tmp_path), "PULUMI_ACCESS_TOKEN": "pul-1"}
    (scratch,) = first_call(configured(ESC, environ)).scratch
    assert json.loads(scratch.files["credentials.json"]) == {"current": "https://pulumi.example"}


def test_C2_a_stored_session_that_is_no_file_is_unreadable_and_none_is_nowhere(tmp_path: Path) -> None:
    (tmp_path / "credentials.json").mkdir()
    environ = {"PULUMI_HOME": str(tmp_path), "PULUMI_ACCESS_TOKEN": "pul-1"}
    assert first_call(configured(ESC, environ)).scratch == ()


def test_F5_a_user_without_a_record_has_the_session_of_the_home_and_else_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unknown(uid: int) -> None:
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    for home, files in (("/home/dev", ("/home/dev/.pulumi/credentials.json",)), ("", ())):
        backend = PulumiBackend.configure(ESC, Context({}, home, "/nowhere", "", timeout=7.0))
        assert isinstance(backend, PulumiBackend)
        assert backend.credential.files == files
    with_token = Context({"PULUMI_ACCESS_TOKEN": "pul-1"}, "", "/nowhere", "", timeout=7.0)
    backend = PulumiBackend.configure(ESC, with_token)
    assert isinstance(backend, PulumiBackend)
    assert [scratch.files for scratch in first_call(backend).scratch] == [{}]
