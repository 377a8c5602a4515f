"""
Whatever the name and the target: a program is started with the words of the vendor's own template,
or not at all (I1, I2, C3; goal 10).

The template is what a plain name and target are called with; the same words with the other name
and target in their places are what these must be called with.
"""

from __future__ import annotations

import json
import random
import re
import string
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import pytest

from sophia_secrets import errors
from sophia_secrets.backends.aws import AwsBackend
from sophia_secrets.backends.base import Backend, Call, Completed, Context, Ended, Steps, Unconfigured
from sophia_secrets.backends.fly import FlyBackend
from sophia_secrets.backends.github import GitHubBackend
from sophia_secrets.backends.pulumi import PulumiBackend
from sophia_secrets.core.model import Change, SecretValue
from sophia_secrets.core.names import is_safe
from tests.faults.soak import examples
from tests.vendors import github_feed

CONTEXT = Context({"PULUMI_ACCESS_TOKEN": "t", "PULUMI_HOME": "/nowhere"}, "/home/me", "/", "/nowhere")
VALUE = "Zq9xW"
PLAIN = string.ascii_letters + string.digits + "_"
ODD = "-=/.@:#?%*~$`'\"\\|;&<>()[]{}!, \t\n\r\0\x1b\x7f\x85\u2028\u202e\ufeff\u200béß日😀\ud800٣Ａ"
PIECES = ("--repo=x", "-b", "--", "@file", "$(id)", "..", "../../etc", "a=b", "%2e%2e", "env", "-", "")


@dataclass(frozen=True)
class Vendor:
    """
    How a backend of the given parts of a target is configured, how the vendor answers so that the
    calls go on, and what names and parts may be (from the vendors' documents, not from our rules).
    With `one_setting` the parts are joined by slashes and blanks around them do not count.
    """

    configure: Callable[..., Backend | Unconfigured]
    parts: tuple[str, ...]
    name: str
    part: tuple[str, ...]
    answer: Callable[[Call, str], bytes]
    one_setting: bool = True


def github(owner: str, repository: str) -> Backend | Unconfigured:
    return GitHubBackend.configure({"repository": f"{owner}/{repository}"}, CONTEXT)


def fly(app: str) -> Backend | Unconfigured:
    return FlyBackend.configure({"app": app}, CONTEXT)


def pulumi(organization: str, project: str, environment: str) -> Backend | Unconfigured:
    return PulumiBackend.configure({"environment": f"{organization}/{project}/{environment}"}, CONTEXT)


def aws(prefix: str, region: str) -> Backend | Unconfigured:
    # Without a region the words are fewer.
    return AwsBackend.configure({"prefix": prefix, "region": region or "-"}, CONTEXT)


def opened(call: Call, name: str) -> bytes:
    kept = {"environmentVariables": {"value": {name: {"value": VALUE, "trace": {}}}, "trace": {}}}
    return json.dumps({"value": kept, "trace": {}}).encode()


def fly_listed(call: Call, name: str) -> bytes:
    return json.dumps([{"name": name, "digest": "d1", "status": "Deployed"}]).encode()


def aws_listed(call: Call, name: str) -> bytes:
    return json.dumps({"SecretList": [], "ARN": "a", "Name": name, "VersionId": "v"}).encode()


WORD = r"(?!-)[\w.-]+"
VENDORS = {
    "github": Vendor(
        github,
        ("owner0", "repo0"),
        r"[A-Z_][A-Z0-9_]*",
        (WORD,) * 2,
        lambda call, name: github_feed.page(name),
    ),
    "fly": Vendor(fly, ("app0",), r"[A-Za-z_]\w*", (r"(?!-)[a-z0-9-]+",), fly_listed, False),
    "pulumi": Vendor(pulumi, ("org0", "project0", "prod0"), r"[A-Za-z_]\w*", (WORD,) * 3, opened),
    # The prefix is no argument, so it may begin with a dash.
    "aws": Vendor(
        aws, ("prefix0/", "region-0"), r"(?!-)[\w/+.@-]+", (r"[\w/+=.@-]+", WORD), aws_listed, False
    ),
}
NAME = "NAME0"


def calls_of(vendor: Vendor, steps: Steps[object], name: str) -> list[tuple[str, ...]]:
    """The words of every call, with good answers."""
    words = []
    try:
        call = next(steps)
        while True:
            assert not any(VALUE in word for word in call.arguments)
            assert VALUE not in "".join(call.environment.values())
            # The AWS CLI reads its arguments from standard input.
            given = [call.stdin.decode()] if call.stdin_as_file else []
            words.append((call.program, *call.arguments, *given))
            call = steps.send(Completed(Ended.EXITED, 0, vendor.answer(call, name)))
    except StopIteration:
        return words


def all_calls(vendor: Vendor, backend: Backend, name: str) -> list[tuple[str, ...]]:
    change = Change(name, SecretValue(VALUE))
    asked: tuple[Steps[object], ...] = (backend.snapshot(), backend.write([change]), backend.delete([name]))
    return [words for steps in asked for words in calls_of(vendor, steps, name)]


@cache
def template(which: str) -> list[tuple[str, ...]]:
    vendor = VENDORS[which]
    made = vendor.configure(*vendor.parts)
    assert not isinstance(made, Unconfigured)
    words = all_calls(vendor, made, NAME)
    said = " ".join(word for call in words for word in call)
    assert [placeholder for placeholder in (NAME, *vendor.parts) if placeholder not in said] == []
    return words


def filled(
    vendor: Vendor, words: list[tuple[str, ...]], parts: tuple[str, ...], name: str
) -> list[tuple[str, ...]]:
    """The template with these in the places of its own, all at once."""
    places = dict(zip((NAME, *vendor.parts), (name, *parts), strict=True))
    pattern = re.compile("|".join(map(re.escape, places)))
    return [tuple(pattern.sub(lambda found: places[found[0]], word) for word in call) for call in words]


def text(chance: random.Random, like: str) -> str:
    """Something like the plain one, or not at all."""
    kind = chance.random()
    if kind < 0.35:
        return "".join(chance.choice(PLAIN) for _ in range(chance.randint(1, 12)))
    if kind < 0.55:
        return "".join(chance.choice(like) for _ in range(chance.randint(1, 12)))
    if kind < 0.85:
        made = list("".join(chance.choice(PLAIN) for _ in range(chance.randint(0, 6))))
        made.insert(chance.randint(0, len(made)), chance.choice(ODD))
        return "".join(made)
    if kind < 0.95:
        return chance.choice(PIECES) + chance.choice(("", "A", "a"))
    return chance.choice(PLAIN) * chance.choice((100, 101, 255, 256, 600))


def fits(pattern: str, words: str) -> bool:
    return re.fullmatch(pattern, words, re.ASCII) is not None


@pytest.mark.parametrize("which", VENDORS)
def test_I1_I2_C3_names_and_targets_only_fill_their_places_in_the_vendors_words(which: str) -> None:
    vendor, chance = VENDORS[which], random.Random(20_261_128)
    targets = names = refused = 0
    for _ in range(examples(1_000, 50_000)):
        name = text(chance, "ABC_09")
        parts = tuple(text(chance, like) for like in vendor.parts) if chance.random() < 0.7 else vendor.parts
        if vendor.one_setting:
            parts = tuple("/".join(part.replace("/", "") for part in parts).strip().split("/"))
        try:
            backend = vendor.configure(*parts)
        except errors.UsageError:
            backend = None
        if backend is None or isinstance(backend, Unconfigured):
            refused += 1
            continue
        assert all(map(fits, vendor.part, parts)), parts
        targets += 1
        if is_safe(name) and backend.problem(name, SecretValue(VALUE)) is None:
            assert fits(vendor.name, name), name
            names += 1
            assert all_calls(vendor, backend, name) == filled(vendor, template(which), parts, name)
        else:
            assert calls_of(vendor, backend.write([Change(name, SecretValue(VALUE))]), name) == [] or (
                not is_safe(name)
            )
    assert min(targets, names, refused) > examples(50, 2_500), (targets, names, refused)
