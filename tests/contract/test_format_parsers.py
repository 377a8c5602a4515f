"""
Each format against the real parser that it names: exact or refused, never altered.

One process reads thousands of values. The values come from a seeded generator over alphabets of
what the parsers treat specially.
"""

from __future__ import annotations

import json
import random
import shutil
import socketserver
import subprocess
import threading
from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from http.server import BaseHTTPRequestHandler
from itertools import islice
from pathlib import Path
from typing import TypeVar

import dotenv as python_dotenv
import pytest
import yaml

from sophia_secrets import errors, formats
from sophia_secrets.core.model import SecretValue
from sophia_secrets.formats import Pair
from sophia_secrets.formats import dotenv as our_dotenv

T = TypeVar("T")
COUNT = 20_000
ALPHABETS = (
    "'\"`\\#$ {}\n\t=ab:n-!~%@&|;<>()*?[]^",
    "'\"\\#` \nab$",
    "\r\n\t \0\x01\x07\x1b\x1f\x7f\x80\x85\xa0\u2028\u2029\ufeff\u3000\u202eé😀ab",
    "abcABC019+/=_-.",
    "".join(map(chr, range(1, 256))),
)
KNOWN_HARD = (
    "",
    " ",
    "\n",
    "\r\n",
    "-----BEGIN PRIVATE KEY-----\nMIIB\nAAA=\n-----END PRIVATE KEY-----\n",
    '{"a": "don\'t", "b": [1, "\\n"]}',
    '{\n  "a": "b"\n}\n',
    "postgres://u:p%40ss@h/db?x=1#f",
    "C:\\new\\table\\",
    "\\\\server\\share",
    "a\\",
    "$HOME ${HOME} $(id) `id`",
    "${A:-b}",
    "ends with backslash quote \\'",
    "'quoted'",
    '"quoted"',
    "`quoted`",
    "# not a comment",
    "a #b",
    "a#b",
    "export A=1",
    "A=1\nB=2",
    "EOF",
    "<<EOF",
    "ghadelimiter_",
    "::add-mask::x",
    "yes",
    "1e3",
    "\ufeffbom",
    "x" * 4_000,
    "é" * 3_000,
)


@cache
def values() -> list[str]:
    chance = random.Random(20_240_613)
    made = list(KNOWN_HARD)
    while len(made) < COUNT:
        alphabet = chance.choice(ALPHABETS)
        made.append("".join(chance.choice(alphabet) for _ in range(chance.randint(0, 9))))
    return made


@cache
def carried(format_name: str, least: float, **options: str) -> tuple[dict[str, str], bytes]:
    """The generated values that the format does not refuse (at least this share), and its file."""
    write = formats.writer(format_name)
    accepted: dict[str, str] = {}
    for index, value in enumerate(values()):
        pair = Pair(f"V_{index}", SecretValue(value))
        try:
            write([pair], **options)
        except errors.BadValue:
            continue
        accepted[pair.name] = value
    assert len(accepted) > COUNT * least
    return accepted, write([Pair(name, SecretValue(value)) for name, value in accepted.items()], **options)


def parts(format_name: str, least: float, **options: str) -> Iterator[tuple[dict[str, str], bytes]]:
    """The same in several files, for readers that take much longer for one large file."""
    expected, _ = carried(format_name, least, **options)
    write = formats.writer(format_name)
    for some in batched(expected.items(), 2_500):
        yield dict(some), write([Pair(name, SecretValue(value)) for name, value in some], **options)


def batched(items: Iterable[T], size: int) -> Iterator[tuple[T, ...]]:
    rest = iter(items)
    while some := tuple(islice(rest, size)):
        yield some


def assert_exact(found: Mapping[str, object], expected: Mapping[str, str]) -> None:
    wrong = {name: (value, found.get(name)) for name, value in expected.items() if found.get(name) != value}
    assert not wrong, f"{len(wrong)} of {len(expected)} differ: {list(wrong.items())[:5]!r}"


def program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


def output(*command: str | Path, stdin: bytes = b"") -> bytes:
    done = subprocess.run(command, input=stdin, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr[:500]
    assert done.stderr == b""
    return done.stdout


def environment_of(listing: bytes) -> dict[str, str]:
    """What `env -0` printed."""
    return dict(entry.split("=", 1) for entry in listing.decode().split("\0") if entry)


@pytest.mark.parametrize("interpolate", [True, False])
def test_dotenv_is_exact_for_python_dotenv(tmp_path: Path, interpolate: bool) -> None:
    for expected, data in parts("dotenv", 0.6):
        (tmp_path / ".env").write_bytes(data)
        assert_exact(python_dotenv.dotenv_values(tmp_path / ".env", interpolate=interpolate), expected)


PARSE_ENV = """
const text = require('fs').readFileSync(process.argv[1], 'utf8');
const parse = require('util').parseEnv;
process.stdout.write(JSON.stringify(parse ? parse(text) : null));
"""


def test_dotenv_is_exact_for_nodes_parser(tmp_path: Path) -> None:
    expected, data = carried("dotenv", 0.6)
    (tmp_path / ".env").write_bytes(data)
    found = json.loads(output(program("node"), "-e", PARSE_ENV, tmp_path / ".env"))
    if found is None:
        pytest.skip("this node has no util.parseEnv")
    assert_exact(found, expected)


def test_dotenv_is_exact_for_a_program_that_node_starts_with_the_file(tmp_path: Path) -> None:
    node = program("node")
    if b"--env-file" not in output(node, "--help"):
        pytest.skip("this node has no --env-file")
    show = "process.stdout.write(JSON.stringify(process.env))"
    for expected, data in parts("dotenv", 0.6):
        (tmp_path / ".env").write_bytes(data)
        assert_exact(json.loads(output(node, f"--env-file={tmp_path / '.env'}", "-e", show)), expected)


def test_dotenv_is_exact_for_the_npm_package(tmp_path: Path) -> None:
    expected, data = carried("dotenv", 0.6)
    (tmp_path / ".env").write_bytes(data)
    node = program("node")
    if subprocess.run([node, "-e", "require('dotenv')"], capture_output=True).returncode:
        pytest.skip("the npm package dotenv is not installed (NODE_PATH)")
    show = PARSE_ENV.replace("require('util').parseEnv", "require('dotenv').parse")
    assert_exact(json.loads(output(node, "-e", show, tmp_path / ".env")), expected)


def test_our_own_file_is_exact_for_python_dotenv_too(tmp_path: Path) -> None:
    expected = {f"V_{index}": value for index, value in enumerate(values()) if "\0" not in value}
    data = our_dotenv.write_for_us([Pair(name, SecretValue(value)) for name, value in expected.items()])
    (tmp_path / ".env").write_bytes(data)
    assert_exact(python_dotenv.dotenv_values(tmp_path / ".env", interpolate=False), expected)


def test_our_dotenv_reader_takes_nothing_else_than_python_dotenv_does(tmp_path: Path) -> None:
    chance = random.Random(7)
    pieces = (
        "A",
        "B",
        "export ",
        "=",
        " = ",
        "'",
        '"',
        "\\",
        "#",
        " #",
        "\n",
        "\r\n",
        "\r",
        " ",
        "\t",
        "x",
        "\\n",
        "\\'",
        '\\"',
        "${A}",
        "\x0b",
        "\x85",
        "\u2028",
        "\ufeff",
        "é",
        "`",
        "C=1\n",
        "D='x y'\n",
    )
    read = 0
    for turn in range(6_000):
        text = "".join(chance.choice(pieces) for _ in range(chance.randint(1, 12)))
        data = (chance.choice(("A=", "", "A='", 'B="', "A=1\nB=")) + text).encode()
        try:
            ours = {pair.name: pair.value.reveal() for pair in our_dotenv.read(data)}
        except errors.UsageError:
            continue
        read += 1
        path = tmp_path / str(turn % 2)
        path.write_bytes(data)
        assert ours == python_dotenv.dotenv_values(path, interpolate=False), data
    assert read > 1_000


@pytest.mark.parametrize("shell", ["bash", "dash"])
@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_shell_is_exact(tmp_path: Path, shell: str, locale: str) -> None:
    script = 'LC_ALL="$2"; export LC_ALL; set -eu; . "$1"; exec env -0'
    for expected, data in parts("shell", 0.7):
        (tmp_path / "s").write_bytes(data)
        listing = output(program(shell), "-c", script, shell, tmp_path / "s", locale)
        assert_exact(environment_of(listing), expected)


@pytest.mark.parametrize("shell", ["bash", "dash"])
def test_shell_is_exact_through_eval(tmp_path: Path, shell: str) -> None:
    for expected, data in parts("shell", 0.7):
        (tmp_path / "s").write_bytes(data)
        listing = output(program(shell), "-c", 'eval "$(cat "$1")"; exec env -0', shell, tmp_path / "s")
        assert_exact(environment_of(listing), expected)


def test_shell_is_exact_for_every_name_that_it_accepts(tmp_path: Path) -> None:
    bash = program("bash")
    names = {
        *output(bash, "-c", "compgen -v").decode().split(),
        "FUNCNAME",
        "PIPESTATUS",
        "OPTARG",
        "SRANDOM",
    }
    # These are exact, but each changes what this test itself runs, or what it prints to say so.
    names -= {"LC_ALL", "LANG", "LD_PRELOAD", "LD_LIBRARY_PATH"}
    for name in sorted(names):
        try:
            data = formats.writer("shell")([Pair(name, SecretValue("a 'b'\nc"))])
        except errors.BadName:
            continue
        (tmp_path / "s").write_bytes(data + b"export LAST='x'\n")
        for shell in (bash, program("dash")):
            listing = output(shell, "-c", 'set -e; . "$1"; exec /usr/bin/env -0', shell, tmp_path / "s")
            assert_exact(environment_of(listing), {name: "a 'b'\nc", "LAST": "x"})


def test_json_is_exact_for_python_and_jq(tmp_path: Path) -> None:
    expected, data = carried("json", 0.99)
    assert json.loads(data) == expected
    entries = "to_entries[] | (.key, .value) | @base64"
    printed = output(program("jq"), "-r", entries, stdin=data).decode().split("\n")
    texts = [b64decode(line).decode() for line in printed[:-1]]
    assert_exact(dict(zip(texts[::2], texts[1::2], strict=True)), expected)


@pytest.mark.parametrize("loader", ["SafeLoader", "CSafeLoader"])
def test_yaml_is_exact_for_pyyaml(loader: str) -> None:
    expected, data = carried("yaml", 0.99)
    if not hasattr(yaml, loader):
        pytest.skip(f"PyYAML was built without {loader}")
    assert yaml.load(data, Loader=getattr(yaml, loader)) == expected


def runner_variables(data: bytes) -> dict[str, str]:
    """A port of the runner's reading of the file (actions/runner FileCommandManager.cs), not on Windows."""
    text = data.decode("utf-8-sig")
    found: dict[str, str] = {}
    lines = text.split("\n")
    assert lines.pop() == "", "the file ends with a newline"
    position = 0
    while position < len(lines):
        line = lines[position]
        position += 1
        if not line:
            continue
        equals, heredoc = line.find("="), line.find("<<")
        if equals >= 0 and (heredoc < 0 or equals < heredoc):
            name, value = line.split("=", 1)
        else:
            assert heredoc >= 0, "Invalid format"
            name, delimiter = line.split("<<", 1)
            assert name, "Name must not be empty"
            assert delimiter, "delimiter must not be empty"
            end = lines.index(delimiter, position)
            value = "\n".join(lines[position:end])
            position = end + 1
        found[name] = value
    return found


def test_I7_github_env_is_exact_for_the_runner() -> None:
    expected, data = carried("github-env", 0.7)
    assert runner_variables(data) == expected
    assert runner_variables(b"A=1\n\n" + data + b"Z=2\n") == {"A": "1", **expected, "Z": "2"}


class _Daemon(BaseHTTPRequestHandler):
    """As much of a Docker daemon as `docker create` needs; keeps what it was asked to create."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(200, b"OK")

    do_HEAD = do_GET  # noqa: N815

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.created.append(json.loads(body))  # type: ignore[attr-defined]
        self._answer(201, b'{"Id":"0123456789abcdef","Warnings":[]}')

    def _answer(self, code: int, body: bytes) -> None:
        self.send_response(code)
        self.send_header("Api-Version", "1.45")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def address_string(self) -> str:
        return "docker"

    def log_message(self, *_: object) -> None:
        pass


Docker = Callable[[bytes], dict[str, str]]


@pytest.fixture
def docker(tmp_path: Path) -> Iterator[Docker]:
    """What the real `docker create --env-file` would put into the container's environment."""
    command = program("docker")
    socket = tmp_path / "docker.sock"
    with socketserver.ThreadingUnixStreamServer(str(socket), _Daemon) as server:
        server.created = created = []  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()

        def environment(data: bytes) -> dict[str, str]:
            (tmp_path / "env").write_bytes(data)
            create = ("create", "--pull=never", "--env-file", tmp_path / "env", "image")
            output(command, "-H", f"unix://{socket}", *create)
            return dict(entry.split("=", 1) for entry in created[-1]["Env"])

        yield environment
        server.shutdown()


def test_docker_is_exact(docker: Docker) -> None:
    expected, data = carried("docker", 0.5)
    assert docker(data) == expected


def test_docker_takes_the_longest_line_that_is_not_refused(docker: Docker) -> None:
    longest = "x" * (65_535 - 2)
    assert docker(
        formats.writer("docker")([Pair("A", SecretValue(longest)), Pair("B", SecretValue("1"))])
    ) == {
        "A": longest,
        "B": "1",
    }


def test_k8s_is_exact_for_kubectl(tmp_path: Path) -> None:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    (tmp_path / "kustomization.yaml").write_text("resources: [secret.yaml]\n")
    for expected, data in parts("k8s", 0.99, name="app"):
        (tmp_path / "secret.yaml").write_bytes(data)
        built = yaml.load(output(program("kubectl"), "kustomize", tmp_path), Loader=loader)
        assert built["metadata"] == {"name": "app"}
        assert {name: b64decode(value).decode() for name, value in built["data"].items()} == expected


def test_k8s_is_exact_for_pyyaml() -> None:
    expected, data = carried("k8s", 0.99, name="app")
    read = yaml.load(data, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    assert {name: b64decode(value).decode() for name, value in read["data"].items()} == expected
