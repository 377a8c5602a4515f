"""
Whatever a vendor prints, a backend says what it holds or that it cannot tell (goal 1; V4, V5, L3).

Recorded conversations, cut off at every byte and changed at random: the end is a snapshot or a
failure, no value was made up, and no failure holds what the vendor printed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sophia_secrets.backends.base import Completed, Context, Ended, Steps
from sophia_secrets.backends.fly import FlyBackend
from sophia_secrets.backends.pulumi import PulumiBackend
from sophia_secrets.core.model import Failure, Snapshot
from tests.faults.soak import SOAK, examples
from tests.vendors import github_feed

CANARY = "cAnArY"
_project: list[Path] = []


@pytest.fixture(scope="module", autouse=True)
def project(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The directory of a Pulumi project, which a stack needs."""
    directory = tmp_path_factory.mktemp("infra")
    (directory / "Pulumi.yaml").write_text("name: app\nruntime: yaml\n")
    _project[:] = [directory]


def a_context(**environ: str) -> Context:
    return Context(environ, "/home/me", "/home/me/src", "/home/me/.state", timeout=7.0)


def github() -> Steps[Snapshot | Failure]:
    return github_feed.backend().snapshot()


def fly(**section: object) -> Callable[[], Steps[Snapshot | Failure]]:
    def made() -> Steps[Snapshot | Failure]:
        backend = FlyBackend.configure({"app": "my-app", **section}, a_context(FLY_API_TOKEN="t"))
        assert isinstance(backend, FlyBackend)
        return backend.snapshot()

    return made


def pulumi(**section: str) -> Callable[[], Steps[Snapshot | Failure]]:
    def made() -> Steps[Snapshot | Failure]:
        both = {"organization": "acme", "project": "app", "directory": str(_project[0]), **section}
        backend = PulumiBackend.configure(both, a_context(PULUMI_HOME="/nowhere", PULUMI_ACCESS_TOKEN="t"))
        assert isinstance(backend, PulumiBackend), backend
        return backend.snapshot()

    return made


def node(value: Any, **more: Any) -> dict[str, Any]:
    return {"value": value, **more, "trace": {"def": {"environment": "production"}}}


LISTED = github_feed.page("API_KEY", "OTHER_KEY", total=3) + b"\n" + github_feed.page("THIRD_KEY", total=3)
FLY_LIST = json.dumps(
    [{"name": name, "digest": "914388feff8f83c6", "status": "Deployed"} for name in ("API_KEY", "URL")],
    indent=2,
).encode()
MACHINES = b"""[{"id": "m1", "state": "started", "region": "ams", "image_ref": {}, "cordoned": false,
 "config": {"init": {}, "metadata": {"fly_process_group": "app"}}}, {"id": "m2", "state": "stopped"}]"""
EXECUTED = json.dumps({"stdout": f"FLY_MACHINE_ID=m1\0API_KEY={CANARY} 1=2\0URL={CANARY}\nb\0"}).encode()
OPENED = json.dumps(
    node(
        {
            "environmentVariables": node(
                {"API_KEY": node(f"{CANARY}é\n", secret=True), "ON": node(True), "BIG": node(12.50), "NONE": node(None)}
            ),
            "pulumiConfig": node({"app:x": node(f"{CANARY} two", secret=True), "list": node([node(1), node("b")])}),
            "files": node({"F": node(f"{CANARY} file")}),
        }
    ),
    ensure_ascii=False,
).encode()  # fmt: skip
CONFIGURED = json.dumps(
    {
        "app:API_KEY": {"value": f"{CANARY} three", "secret": True},
        "app:obj": {"value": '{"a":1}', "objectValue": {"a": 1, "b": [True, None]}, "secret": False},
        "aws:region": {"value": "eu-west-1", "secret": False},
    }
).encode()


@dataclass(frozen=True)
class Talk:
    """A backend, and the good answers to its calls."""

    begin: Callable[[], Steps[Snapshot | Failure]]
    answers: tuple[bytes, ...]


TALKS = {
    "gh secret list": Talk(github, (LISTED,)),
    "fly secrets list": Talk(fly(), (FLY_LIST,)),
    "fly, from a Machine": Talk(fly(read_from_machine=True), (FLY_LIST, MACHINES, EXECUTED)),
    "pulumi env open": Talk(pulumi(environment="production"), (OPENED,)),
    "pulumi config": Talk(pulumi(stack="dev"), (CONFIGURED,)),
    "pulumi, both": Talk(pulumi(environment="production", stack="dev"), (OPENED, CONFIGURED)),
}


def play(talk: Talk, answers: Sequence[Completed]) -> Snapshot | Failure:
    """What the backend makes of these answers."""
    steps = talk.begin()
    asked = 0
    try:
        next(steps)
        while True:
            assert asked < len(talk.answers), "a call too many"
            asked += 1
            steps.send(answers[asked - 1])
    except StopIteration as end:
        result = end.value
    assert isinstance(result, Snapshot | Failure)
    return result


def good(talk: Talk) -> list[Completed]:
    return [Completed(Ended.EXITED, 0, answer) for answer in talk.answers]


def texts(output: bytes) -> list[str]:
    """Every text and number that a JSON output holds."""
    found: list[str] = ["true", "false", "null"]

    def pairs(items: list[tuple[str, Any]]) -> None:
        for key, value in items:
            found.append(key)
            if isinstance(value, str):
                found.append(value)
            walk(value)

    def walk(value: Any) -> None:
        if isinstance(value, list):
            for each in value:
                if isinstance(each, str):
                    found.append(each)
                walk(each)

    def number(text: str) -> str:
        found.append(text)
        return text

    try:
        walk([json.loads(output, object_pairs_hook=pairs, parse_int=number, parse_float=number)])
    except (ValueError, RecursionError):
        pass
    return found


def invented(value: str, sources: list[str]) -> bool:
    """Whether the value is in none of the texts, nor JSON made of nothing but them."""
    if any(value in source for source in sources):
        return False
    try:
        made_of = texts(value.encode())
    except UnicodeEncodeError:
        return True
    return not re.match(r"[\[{]", value) or any(not any(part in s for s in sources) for part in made_of)


def check(talk: Talk, answers: Sequence[Completed]) -> None:
    result = play(talk, answers)
    if isinstance(result, Failure):
        assert CANARY not in f"{result.message}{result.hint}{result.words}{result.target}"
        return
    sources = [text for answer in answers for text in texts(answer.stdout)]
    for name, entry in result.entries.items():
        assert isinstance(name, str)
        if entry.value is not None:
            assert not invented(entry.value.reveal(), sources), f"{name}: {entry.value.reveal()!r}"


@pytest.mark.parametrize("talk", TALKS.values(), ids=TALKS)
def test_the_recorded_answers_are_good_ones(talk: Talk) -> None:
    result = play(talk, good(talk))
    assert isinstance(result, Snapshot)
    assert {"API_KEY"} <= set(result.entries)
    check(talk, good(talk))


@pytest.mark.parametrize("talk", TALKS.values(), ids=TALKS)
def test_V4_cut_off_at_any_byte_nothing_is_believed(talk: Talk) -> None:
    for place, answer in enumerate(talk.answers):
        for end in range(len(answer.rstrip())):
            answers = good(talk)
            answers[place] = Completed(Ended.EXITED, 0, answer[:end])
            # One page of two ends well; the count that it names says that it is not all.
            assert isinstance(play(talk, answers), Failure), answer[:end]
            check(talk, answers)


TOKENS = st.sampled_from(
    [b'"', b"{", b"}", b"[", b"]", b",", b":", b"null", b"true", b"-0", b"NaN", b"1e999", b"9" * 5000, b"\\", b"\\u0000",
     b"\\ud800", b'"value":', b'"name":', b'"API_KEY":', b'{"value": "x"}', b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", b"\0",
     b"[" * 70, b'{"a":' * 70, b"[" * 100_000, b"\r\n", b"\x1b[31m", b"\n{}\n", b"A new release is available\n", b"Error: x\n"]
)  # fmt: skip


@st.composite
def changed(draw: st.DrawFn, original: bytes) -> bytes:
    """The output with a few places cut out, put in, turned round or repeated."""
    out = original
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(len(out), 1)))
        length = draw(st.sampled_from([0, 1, 1, 2, 8, 40]))
        piece = draw(st.one_of(TOKENS, st.binary(max_size=6), st.just(out[at : at + 40])))
        out = out[:at] + piece + out[at + length :]
    return out


def scalars_swapped(draw: st.DrawFn, document: Any) -> Any:
    """The document with some parts of it replaced by values of any kind."""
    odd = st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just([]), st.just({}),
        st.just([[]]), st.just({"value": {}}), st.just("\ud800"),
    )  # fmt: skip
    if draw(st.integers(0, 11)) == 0:
        return draw(odd)
    if isinstance(document, dict):
        kept = {k: scalars_swapped(draw, v) for k, v in document.items() if draw(st.integers(0, 15))}
        return kept | (
            draw(st.dictionaries(st.text(max_size=4), odd, max_size=1)) if len(kept) % 3 == 0 else {}
        )
    if isinstance(document, list):
        return [scalars_swapped(draw, each) for each in document]
    return document


@st.composite
def reshaped(draw: st.DrawFn, original: bytes) -> bytes:
    try:
        document = json.loads(original)
    except ValueError:
        document = json.loads(original.split(b"\n")[0])
    return json.dumps(scalars_swapped(draw, document)).encode("utf-8", "surrogatepass")


@st.composite
def answered(draw: st.DrawFn, talk: Talk) -> list[Completed]:
    """Good answers, one of them changed, now and then with another end."""
    answers = good(talk)
    place = draw(st.integers(0, len(answers) - 1))
    original = talk.answers[place]
    stdout = draw(st.one_of(changed(original), reshaped(original), st.binary(max_size=60)))
    ended, code = draw(
        st.sampled_from([(Ended.EXITED, 0)] * 8 + [(Ended.EXITED, 1), (Ended.TIMED_OUT, None)])
    )
    stderr = draw(st.one_of(st.just(""), st.text(max_size=40)))
    answers[place] = Completed(ended, code, stdout, stderr)
    return answers


@pytest.mark.parametrize("talk", TALKS.values(), ids=TALKS)
def test_V4_V5_L3_whatever_is_printed_the_end_is_a_snapshot_or_a_failure(talk: Talk) -> None:
    @settings(
        max_examples=examples(250, 3500), deadline=None, database=None, derandomize=not SOAK,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )  # fmt: skip
    @example(good(talk))
    @given(answered(talk))
    def holds(answers: list[Completed]) -> None:
        check(talk, answers)

    holds()
