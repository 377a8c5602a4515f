"""
What is believed of flyctl, compared with the real one before local APIs: its parser, its words.

It runs where `SOPHIA_TEST_FLY` names it or `PATH` has it.
"""

from __future__ import annotations

import itertools
import json
import random
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sophia_secrets.backends.fly import dialect
from tests.vendors.fly_cli import TOKEN
from tests.vendors.fly_vendor import Real, StandIn, environment, real_vendor

CANARY = "Zq9canary"


@pytest.fixture
def real(tmp_path: Path) -> Iterator[Real]:
    with real_vendor(tmp_path) as real:
        yield real


def test_the_log_would_hold_the_value_without_the_guard(real: Real, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.mkdir()
    arguments = [real.program, "secrets", "set", "--app=my-app", "--stage", "--", "A=-"]
    alone = environment(config)
    subprocess.run(arguments, input=CANARY.encode(), env=alone, check=True, capture_output=True)
    if not any(CANARY in file.read_text() for file in (config / "logs").iterdir()):
        pytest.skip("this flyctl redacts its log (superfly/fly-go PR #309)")


def _import(real: Real, tmp_path: Path, text: str) -> dict[str, str] | None:
    """What the real `import` sends for a text, or None where it ends with an error or a panic."""
    real.app.values.clear()
    config = tmp_path / "config"
    config.mkdir(exist_ok=True)
    (config / "logs").touch()
    done = subprocess.run(
        [real.program, "secrets", "import", "--app=my-app", "--stage"],
        input=text.encode(),
        env=environment(config),
        capture_output=True,
        cwd=tmp_path,
    )
    return dict(real.app.values) if done.returncode == 0 else None


def _port(text: str) -> dict[str, str] | None:
    try:
        return dialect.parse(text) or None
    except dialect.Rejected:
        return None


@pytest.mark.parametrize(
    "text",
    [
        'A="\n',
        "A='\n",
        "A=' #x\n",
        "A\n",
        "",
        "# only\n \t\n",
        " #A=b\n",
        " A =  b  \nB=\tc\r\n",
        "\ufeffA=b\n",
        "export A=b\n",
        "A=abc #d\nB='a#b'\nC=\"a\"b#c\n",
        'A="""b"""\nB=""""""\nC="""""\nx"""\n',
        'A="""x\n#y\n"""\nB=1\n',
        'A=1\nB="""x\nC=2\n',
        "A=1\nA=2\n",
        "A=\nB=\"\"\nC=''\n",
        "\u00a0A\u2003=b\nB=\u00a0c\u00a0\n\u2028\n",
        "A=1\nB=" + "x" * 65_533 + "\nC=2\n",
        "A=1\nB=" + "x" * 65_534 + "\nC=2\n",
        "A=1\nB=" + "x" * 65_533 + "\r\nC=2\n",
        "A=1\nB=" + "x" * 65_533,
    ],
)
def test_I3_the_port_agrees_with_the_real_parser_on_every_rule(real: Real, tmp_path: Path, text: str) -> None:
    assert _import(real, tmp_path, text) == _port(text)


def _batch(values: list[str]) -> str:
    """Lines of `import` with one raw value each, and a plain one after each that must survive."""
    return "".join(f"N{number}={value}\nS{number}=1\n" for number, value in enumerate(values))


def test_I3_the_port_agrees_with_the_real_parser_on_many_values(real: Real, tmp_path: Path) -> None:
    letters = "\"'# \ra=\t\\"
    values = [
        "".join(chosen)
        for length in range(5)
        for chosen in itertools.product(letters, repeat=length)
        if _port("A=" + "".join(chosen) + "\n") is not None
    ]
    closed = [value for value in values if len(_port(f"A={value}\nB=1\n") or {}) == 2]
    assert len(closed) > 6000
    for start in range(0, len(closed), 1000):
        text = _batch(closed[start : start + 1000])
        assert _import(real, tmp_path, text) == _port(text)


def test_I3_the_port_agrees_with_the_real_parser_on_random_texts(real: Real, tmp_path: Path) -> None:
    chance = random.Random(20261124)
    pieces = ['"', '"""', "'", "#", " ", "\n", "\n", "\r\n", "A", "B=", "C=", "\t", "\\", "é", "\u00a0"]
    for _ in range(80):
        text = "".join(chance.choices(pieces, k=chance.randint(1, 30)))
        assert _import(real, tmp_path, text) == _port(text), repr(text)


def test_I3_encoded_values_arrive_exactly_at_the_real_api(real: Real, tmp_path: Path) -> None:
    chance = random.Random(7)
    letters = '"""\'\'## \t\n\n\r=\\$aé\u2028🌍'
    values: dict[str, str] = {}
    while len(values) < 4000:
        value = "".join(chance.choices(letters, k=chance.randint(1, 14)))
        if dialect.encode("N0000", value) is not None:
            values[f"N{len(values)}"] = value
    for start in range(0, len(values), 1000):
        part = dict(list(values.items())[start : start + 1000])
        assert _import(real, tmp_path, dialect.encode_all(part)) == part


class _Both:
    """The stand-in and the real one, started with the same arguments and compared."""

    def __init__(self, real: Real, directory: Path) -> None:
        self.real = real
        self.stand_in = StandIn(directory / "stand-in")
        self.directory = directory
        self.config = directory / "config"
        self.config.mkdir()
        (self.config / "logs").touch()

    def said(
        self, program: str, arguments: list[str], stdin: str, token: str
    ) -> tuple[int, object, list[str]]:
        done = subprocess.run(
            [program, *arguments],
            input=stdin.encode(),
            env={**environment(self.config, token), "FLY_EMIT_RELEASE_JSON": "1"},
            capture_output=True,
            cwd=self.directory,
        )
        out = done.stdout.decode()
        shown = json.loads(out) if out.startswith(("[", "{")) else out.partition("Usage:")[0]
        words = re.sub(r" \(Request ID: [^)]*\)", "", done.stderr.decode())
        return done.returncode, shown, re.sub("run query .*}: ", "run query: ", words).splitlines()

    def same(self, arguments: list[str], stdin: str = "", token: str = TOKEN, *, whole: bool = False) -> None:
        """Exit code, output and the first line of errors are the same, or with `whole` all lines."""
        code, shown, words = self.said(self.stand_in.program, arguments, stdin, token)
        most = None if whole else 1
        real_code, real_shown, real_words = self.said(self.real.program, arguments, stdin, token)
        assert (code, shown, words[:most]) == (real_code, real_shown, real_words[:most]), arguments


def test_the_stand_in_and_the_real_one_say_the_same(real: Real, tmp_path: Path) -> None:
    both = _Both(real, tmp_path)
    app, other = "--app=my-app", "--app=another-app"
    for arguments, stdin, token in [
        (["secrets", "list", app, "--json"], "", TOKEN),
        (["secrets", "set", app, "--stage", "--", "A=-"], " a b \n", TOKEN),
        (["secrets", "set", app, "--stage", "--", "A"], "", TOKEN),
        (["secrets", "set", app, "--stage", "--", "A=-"], "x" * 65_537, TOKEN),
        (["secrets", "set", other, "--stage", "--", "A=-"], "x", TOKEN),
        (["secrets", "set", app, "--json", "--", "A=-"], "x", TOKEN),
        (["secrets", "import", app, "--stage"], 'B="b"\nC=c#d\n', TOKEN),
        (["secrets", "import", app, "--stage"], "BROKEN\n", TOKEN),
        (["secrets", "import", app, "--stage"], "", TOKEN),
        (["secrets", "unset", app, "--stage", "--", "C", "GONE"], "", TOKEN),
        (["secrets", "unset", app, "--stage"], "", TOKEN),
        (["secrets", "deploy", app], "", TOKEN),
        (["secrets", "list", app, "--json"], "", TOKEN),
        (["secrets", "list", app, "--json"], "", ""),
        (["secrets", "list", other, "--json"], "", TOKEN),
        (["machine", "list", app, "--json"], "", TOKEN),
        (["machine", "exec", "m9", "env -0", app, "--json"], "", TOKEN),
        (["auth", "whoami", "--json"], "", TOKEN),
    ]:
        both.same(arguments, stdin, token)
    assert both.stand_in.values() == real.values() == {"A": "a b", "B": "b"}


def test_the_stand_in_and_the_real_one_roll_out_alike(real: Real, tmp_path: Path) -> None:
    both = _Both(real, tmp_path)
    app = "--app=my-app"
    both.same(["secrets", "set", app, "--", "A=-"], "before the first deployment", whole=True)
    both.same(["secrets", "deploy", app], whole=True)
    both.stand_in.deploy_without_machines()
    real.deploy_without_machines()
    both.same(["secrets", "set", app, "--", "A=-"], "scaled to zero", whole=True)
    both.same(["secrets", "deploy", app], whole=True)
    both.stand_in.start_machine("m1")
    real.start_machine("m1")
    both.same(["secrets", "set", app, "--stage", "--", "A=-"], "1", whole=True)
    both.same(["secrets", "list", app, "--json"])
    both.same(["secrets", "deploy", app], whole=True)
    both.same(["secrets", "list", app, "--json"])
    both.same(["secrets", "set", app, "--", "B=-"], "2", whole=True)
    both.same(["secrets", "unset", app, "--", "A"], whole=True)
    both.same(["secrets", "list", app, "--json"])
    assert both.stand_in.environment("m1") == real.environment("m1") == {"B": "2"}
    assert [release.status for release in real.app.releases] == ["complete"] * 5
    both.stand_in.refuse_the_roll_out()
    real.refuse_the_roll_out()
    _same_failure(both, ["secrets", "deploy", app])
    real.api.fault = lambda _request: None
    both.stand_in.crash("a line of the log")
    real.crash("a line of the log")
    _same_failure(both, ["secrets", "deploy", app])
    assert [release.status for release in real.app.releases[-2:]] == ["failed"] * 2


def _same_failure(both: _Both, arguments: list[str]) -> None:
    code, _, words = both.said(both.stand_in.program, arguments, "", TOKEN)
    real_code, _, real_words = both.said(both.real.program, arguments, "", TOKEN)
    assert (code, [*filter(None, words)]) == (real_code, [*filter(None, real_words)])
