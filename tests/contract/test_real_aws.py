"""
The AWS backend against programs: always the stand-in, and the real `aws` against moto's server
where `SOPHIA_TEST_AWS` names one (`moto_server` stands beside it or on PATH). Both must give every
answer below, so the stand-in is what it says it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from itertools import count
from pathlib import Path

import pytest

from sophia_secrets.backends.aws import AwsBackend
from sophia_secrets.backends.aws.place import Place
from sophia_secrets.backends.base import Context
from sophia_secrets.core.model import EntryState, Failure, FailureKind, Outcome, SecretValue, Snapshot
from sophia_secrets.testing import BackendContract, Subject
from tests.program import Program
from tests.vendors import aws_vendor
from tests.vendors.aws_vendor import ENVIRON, KEY, REGION, Vendor

REAL = aws_vendor.real_aws()
_prefixes = count()


@pytest.fixture(scope="module", params=["stand-in", "real"])
def vendor(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vendor]:
    if request.param == "real" and REAL is None:
        pytest.skip("the real aws is not here: set SOPHIA_TEST_AWS to its path")
    if request.param == "real":
        assert REAL is not None
        place = aws_vendor.moto(REAL)
    else:
        place = nullcontext(aws_vendor.stand_in(tmp_path_factory.mktemp("aws") / "bin"))
    with place as made:
        yield made


@pytest.fixture
def prefix() -> str:
    """A fresh place of its own."""
    return f"app{next(_prefixes)}/production/"


def context(tmp_path: Path, *declared: str, **environ: str) -> Context:
    return Context(
        {**ENVIRON, **environ},
        home=str(tmp_path),
        cwd=str(tmp_path),
        state_directory=str(tmp_path),
        declared=frozenset(declared),
    )


def subject_of(vendor: Vendor, prefix: str, context: Context, **more: object) -> Subject:
    def held() -> dict[str, str]:
        return {n.removeprefix(prefix): v for n, v in vendor.held().items() if n.startswith(prefix)}

    backend = AwsBackend.configure({**vendor.section(prefix), **more}, context)
    return Subject(backend, programs={"aws": vendor.program}, held=held, credentials=(KEY,))  # type: ignore[arg-type]


class TestAws(BackendContract):
    @pytest.fixture
    def subject(self, vendor: Vendor, prefix: str, tmp_path: Path) -> Subject:
        return subject_of(vendor, prefix, context(tmp_path))

    def test_what_argument_files_would_open_is_a_value_like_any_other(self, subject: Subject) -> None:
        values = {"A": "file:///etc/passwd", "B": "https://example.com", "C": "${HOME}", "D": "a\r\nb"}
        assert {r.outcome for r in subject.write(values).results} == {Outcome.DONE}
        assert subject.stored() == values

    def test_a_deletion_is_scheduled_and_says_how_to_take_it_back(
        self, subject: Subject, vendor: Vendor, prefix: str
    ) -> None:
        subject.write({"API_KEY": "a", "OTHER": "b"})
        (result,) = subject.run(subject.backend.delete(["API_KEY"])).results
        assert (result.outcome, result.verified) == (Outcome.DONE, True)
        restore = f"aws secretsmanager restore-secret --secret-id {prefix}API_KEY --region {REGION}"
        assert f"for 30 days it can be restored: {restore}" in result.detail
        assert vendor.scheduled(f"{prefix}API_KEY")
        assert list(subject.snapshot().entries) == ["OTHER"]
        (again,) = subject.run(subject.backend.delete(["API_KEY"])).results
        assert (again.outcome, again.detail) == (Outcome.UNCHANGED, "absent")

    def test_only_the_settings_can_have_a_secret_deleted_at_once(
        self, vendor: Vendor, prefix: str, tmp_path: Path
    ) -> None:
        subject = subject_of(vendor, prefix, context(tmp_path), delete_at_once=True)
        subject.write({"API_KEY": "a"})
        (result,) = subject.run(subject.backend.delete(["API_KEY"])).results
        assert (result.outcome, result.verified) == (Outcome.DONE, True)
        assert not vendor.scheduled(f"{prefix}API_KEY")

    def test_other_prefixes_and_what_lies_deeper_are_not_told(
        self, subject: Subject, vendor: Vendor, prefix: str
    ) -> None:
        vendor.store({f"{prefix}MINE": "a", f"{prefix}deeper/NOT": "b", f"x{prefix}NOT": "c"})
        entries = subject.snapshot().entries
        assert {n: e.value for n, e in entries.items()} == {"MINE": SecretValue("a")}

    def test_more_than_one_batch_is_read_whole(self, subject: Subject, vendor: Vendor, prefix: str) -> None:
        values = {f"KEY_{index}": f"value {index}" for index in range(45)}
        vendor.store({f"{prefix}{name}": value for name, value in values.items()})
        found = subject.snapshot().entries
        assert {n: e.value.reveal() for n, e in found.items() if e.value} == values
        asked = [call.arguments[1] for call in subject.calls]
        assert asked == ["list-secrets", *["batch-get-secret-value"] * 3]

    def test_a_request_in_a_named_private_file_is_the_same(
        self, vendor: Vendor, prefix: str, tmp_path: Path
    ) -> None:
        backend = AwsBackend(Place(prefix, REGION, endpoint=vendor.endpoint), context(tmp_path), by_name=True)
        subject = Subject(backend, programs={"aws": vendor.program})
        assert subject.write({"API_KEY": "a\r\n é"}).results[0].verified
        assert subject.stored() == {"API_KEY": "a\r\n é"}
        assert all(not call.stdin and call.scratch for call in subject.calls)

    @pytest.mark.parametrize(
        ("changed", "section", "kind"),
        [
            ({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, {}, FailureKind.NOT_AUTHENTICATED),
            ({}, {"profile": "nobody"}, FailureKind.NOT_AUTHENTICATED),
            ({}, {"region": ""}, FailureKind.NOT_CONFIGURED),
        ],
        ids=["signed-out", "no-profile", "no-region"],
    )
    def test_what_is_missing_is_a_failure_of_its_kind(
        self,
        vendor: Vendor,
        prefix: str,
        tmp_path: Path,
        changed: dict[str, str],
        section: dict[str, object],
        kind: FailureKind,
    ) -> None:
        subject = subject_of(vendor, prefix, context(tmp_path, **changed), **section)
        found = subject.run(subject.backend.snapshot())
        assert isinstance(found, Failure)
        assert found.kind is kind, found
        assert found.hint
        receipt = subject.write({"API_KEY": "a"})
        assert receipt.results[0].outcome is Outcome.NOT_STARTED
        assert receipt.failure is not None

    def test_a_declared_name_is_asked_for_whether_or_not_it_is_listed(
        self, vendor: Vendor, prefix: str, tmp_path: Path
    ) -> None:
        vendor.store({f"{prefix}LISTED": "a"})
        subject = subject_of(vendor, prefix, context(tmp_path, "LISTED", "NOT_YET"))
        assert list(subject.snapshot().entries) == ["LISTED"]
        assert b"NOT_YET" in subject.calls[-1].stdin

    def test_probing_tells_program_and_count(self, subject: Subject) -> None:
        subject.write({"API_KEY": "a"})
        checks = subject.run(subject.backend.probe())
        assert [check.id for check in checks] == ["aws.cli", "aws.auth", "aws.target"]
        assert checks[-1].message.endswith("/production/ in us-east-1: 1 secret")


def test_an_endpoint_that_nobody_answers_is_an_outage(vendor: Vendor, tmp_path: Path) -> None:
    if not vendor.endpoint:
        pytest.skip("the stand-in asks nobody")
    subject = subject_of(vendor, "app/", context(tmp_path), endpoint="http://127.0.0.1:9")
    found = subject.run(subject.backend.snapshot())
    assert isinstance(found, Failure)
    assert found.kind is FailureKind.UNREACHABLE


def test_entries_are_readable_with_a_version_that_moves(vendor: Vendor, prefix: str, tmp_path: Path) -> None:
    subject = subject_of(vendor, prefix, context(tmp_path))
    subject.write({"API_KEY": "a"})
    before = subject.snapshot().entries["API_KEY"]
    subject.write({"API_KEY": "b"})
    found = subject.run(subject.backend.snapshot())
    assert isinstance(found, Snapshot)
    after = found.entries["API_KEY"]
    assert (before.state, after.state) == (EntryState.READABLE, EntryState.READABLE)
    assert before.version != after.version
    assert after.digest == after.version


def test_it_is_a_backend_of_the_program_once_the_users_settings_name_it(
    sophia: Program, tmp_path: Path
) -> None:
    vendor = aws_vendor.stand_in(tmp_path / "bin")
    sophia.environment |= {**ENVIRON, "PATH": f"{tmp_path / 'bin'}:{sophia.full_environment()['PATH']}"}
    done = sophia("get", "API_KEY", "--backend", "aws")
    assert (done.code, "There is no backend `aws`" in done.err) == (2, True), done.said
    sophia.user_settings(
        f'chain = ["aws", "local", "env"]\n[backends]\nextra = ["aws"]\n[aws]\nprefix = "app/"\nregion = "{REGION}"\n'
        f'[programs]\naws = "{vendor.program}"\n'
    )
    sophia.store("API_KEY", "from aws\r\n", "aws")
    assert vendor.held() == {"app/API_KEY": "from aws\r\n"}
    sophia.store("API_KEY", "from the vault", "local")
    done = sophia("get", "API_KEY", "--explain", "--raw")
    assert (done.code, done.out) == (0, "from aws\r\n"), done.said
    assert "app/ in us-east-1" in done.err
    assert sophia("get", "API_KEY", "--json").json["cached"] is True
    checks = {row["id"]: row["status"] for row in sophia("doctor", "--json").json["checks"]}
    assert [checks[f"aws.{each}"] for each in ("cli", "auth", "target")] == ["ok", "ok", "ok"]
    done = sophia("delete", "API_KEY", "--backend", "aws", "--yes")
    assert done.code == 0, done.said
    assert "restore-secret --secret-id app/API_KEY" in done.said
    assert vendor.scheduled("app/API_KEY")
    assert sophia("get", "API_KEY").out == "from the vault\n"
    assert not any(b"from aws" in path.read_bytes() for path in sophia.files())
