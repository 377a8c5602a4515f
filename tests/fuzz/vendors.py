"""What the vendors' programs print: read strictly, or refused in fixed words; nothing is made up."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec.structs import replace

from sophia_secrets.backends.aws import AwsBackend, reading
from sophia_secrets.backends.aws import failures as aws
from sophia_secrets.backends.base import Completed, Context, Ended
from sophia_secrets.backends.fly import failures as fly
from sophia_secrets.backends.fly import listing as fly_list
from sophia_secrets.backends.github import failures as gh
from sophia_secrets.backends.github import listing as gh_list
from sophia_secrets.backends.pulumi import failures as pulumi
from sophia_secrets.backends.pulumi import values
from sophia_secrets.core.model import EntryState, Failure, SecretValue, Target
from sophia_secrets.core.strict_json import BadJSON
from tests.faults.test_vendor_outputs import invented, texts
from tests.fuzz.canary import CANARY, unsaid, unsaid_in
from tests.vendors import github_feed

FLY = Target("fly", "my-app", (("app", "my-app"),))
PULUMI = Target("pulumi", "acme/app/production")
WHAT = "environment acme/app/production"


def _aws() -> AwsBackend:
    section = {"prefix": "app/", "region": "eu-west-1"}
    made = AwsBackend.configure(section, Context({}, home="/home/dev", cwd="/srv", state_directory="/s"))
    assert isinstance(made, AwsBackend)
    return made


AWS = _aws()._aws
GH = github_feed.backend()._gh


def _none_invented(found: Iterable[SecretValue | None], data: bytes) -> None:
    sources = texts(data)
    for value in found:
        assert value is None or not invented(value.reveal(), sources)


def _ended(data: bytes) -> Completed:
    """The first byte is the exit code, never 0, and standard error stands before standard output."""
    stderr, _, stdout = data[1:].partition(b"\0")
    return Completed(Ended.EXITED, (data[:1] or b"\1")[0] or 1, stdout, stderr.decode("utf-8", "replace"))


def _unsaid(done: Completed, read: Callable[[Completed], Failure]) -> None:
    """What is on standard output is never told, and standard error only where it holds no value."""
    if CANARY not in done.stderr:
        unsaid_in(read(done))
    hidden = read(replace(done, showable=False))
    unsaid_in(hidden)
    assert CANARY not in hidden.words


def gh_listing(data: bytes) -> None:
    try:
        listed = gh_list.parse(data)
    except gh_list.BadList as error:
        return unsaid(error)
    for name, entry in listed.entries.items():
        assert name == name.upper()
        assert name.isascii()
        assert name.isidentifier()
        assert entry.state is EntryState.WRITE_ONLY
        assert entry.value is None
    assert set(listed.visibility) <= set(listed.entries)
    return None


def gh_failures(data: bytes) -> None:
    done = _ended(data)
    _unsaid(done, lambda done: gh.failure_of(done, GH))
    assert gh.failure_of(done, GH, omit_words=True).words == ""
    assert isinstance(gh.wrote_nothing(done), bool)


def fly_listing(data: bytes) -> None:
    for read in (fly_list.entries, fly_list.version, fly_list.email):
        try:
            found = read(data)
        except BadJSON as error:
            unsaid(error)
            continue
        if isinstance(found, dict):
            assert "" not in found
            assert all(entry.state is EntryState.WRITE_ONLY for entry in found.values())
    number = fly_list.release(data)
    assert number.encode() in data


def fly_machines(data: bytes) -> None:
    try:
        found = fly_list.machines(data)
    except BadJSON as error:
        return unsaid(error)
    for machine in found:
        assert machine.id.isascii()
        assert machine.id.isalnum()
    return None


def fly_variables(data: bytes) -> None:
    try:
        found = fly_list.variables(data, "m1")
    except BadJSON as error:
        return unsaid(error)
    if found is not None:
        assert found["FLY_MACHINE_ID"] == "m1"
        _none_invented(map(SecretValue, found.values()), data)
    return None


def fly_failures(data: bytes) -> None:
    done = _ended(data)
    _unsaid(done, lambda done: fly.failure(done, FLY))
    assert fly.was_applied(done) in fly.Applied


def pulumi_environment(data: bytes) -> None:
    _pulumi(values.environment, data)


def pulumi_configuration(data: bytes) -> None:
    _pulumi(values.configuration, data)


def _pulumi(read: Callable[[bytes, str], dict[str, values.Leaf]], data: bytes) -> None:
    try:
        found = read(data, "app")
    except values.Unreadable as error:
        return unsaid(error)
    _none_invented((leaf.value for leaf in found.values()), data)
    for leaf in found.values():
        values.property_path(leaf.path)
    return None


def pulumi_failures(data: bytes) -> None:
    done = _ended(data)
    failed = pulumi.failure_of(done, PULUMI, WHAT)
    assert failed is not None, "an exit code that is not 0 is a failure"
    _unsaid(done, lambda done: pulumi.failure_of(done, PULUMI, WHAT) or failed)
    _unsaid(done, lambda done: pulumi.unreadable(done, PULUMI, WHAT))
    assert isinstance(pulumi.wrote_nothing(done, failed), bool)


def aws_listing(data: bytes) -> None:
    found, _ = github_feed.feed(reading.names(AWS), Completed(Ended.EXITED, 0, data))
    if isinstance(found, Failure):
        return unsaid_in(found)
    assert "" not in found
    return None


def aws_values(data: bytes) -> None:
    steps = reading.values(AWS, ["API_KEY", "URL"])
    next(steps)
    try:
        while True:
            steps.send(Completed(Ended.EXITED, 0, data))
    except StopIteration as end:
        found = end.value
    if isinstance(found, Failure):
        return unsaid_in(found)
    _none_invented((entry.value for entry in found.entries.values()), data)
    return None


def aws_failures(data: bytes) -> None:
    done = _ended(data)
    _unsaid(done, lambda done: aws.failure_of(done, AWS))
    assert aws.failure_of(done, AWS, omit_words=True).words == ""
    assert isinstance(aws.wrote_nothing(done), bool)
