"""The formats that are only written, and the registry."""

from __future__ import annotations

import json
import re
from base64 import b64decode

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from sophia_secrets import errors, formats
from sophia_secrets.core.model import SecretValue
from sophia_secrets.core.names import shown
from sophia_secrets.formats import Pair, docker, github_env, k8s, shell

CANARY = "canary-7f3a"
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


def pair(value: str, name: str = "A") -> Pair:
    return Pair(name, SecretValue(value))


def refused(format_name: str, bad: Pair, reason: str) -> None:
    with pytest.raises((errors.BadValue, errors.BadName)) as caught:
        formats.writer(format_name)([pair("fine", "FINE"), bad])
    assert shown(bad.name) in caught.value.message
    assert reason in caught.value.message
    assert CANARY not in repr(caught.value.args) + caught.value.hint
    assert caught.value.__context__ is None
    assert caught.value.exit_code == 2


def test_every_format_of_the_registry_writes() -> None:
    for name in formats.FORMATS:
        assert b"A" in formats.writer(name)([pair("x")])
        assert formats.writer(name)([]).strip() in {
            b"", b"{}", b'apiVersion: v1\nkind: Secret\nmetadata:\n  name: "secrets"\ntype: Opaque\ndata: {}',
        }  # fmt: skip


def test_every_readable_format_reads_what_it_writes() -> None:
    for name in formats.READABLE:
        found = formats.reader(name)(formats.writer(name)([pair("x y", "A_B")]))
        assert [(p.name, p.value.reveal()) for p in found] == [("A_B", "x y")]


def test_an_unknown_format_is_answered_with_the_known_ones() -> None:
    with pytest.raises(errors.UsageError) as caught:
        formats.writer("xml")
    assert "k8s" in caught.value.hint
    with pytest.raises(errors.UsageError) as caught:
        formats.reader("shell")
    assert caught.value.hint == "Use one of: dotenv, json, yaml."


@pytest.mark.parametrize(
    ("path", "data", "name"),
    [
        ("x.json", b"", "json"),
        ("a/b.YML", b"", "yaml"),
        ("secrets.yaml", b"{}", "yaml"),
        (".env", b"{", "dotenv"),
        (".env.production", b"", "dotenv"),
        ("prod.env", b"", "dotenv"),
        ("app.env.example", b"", "dotenv"),
        ("-", b'\xef\xbb\xbf  {"A": "b"}', "json"),
        ("-", b"# x\nA: b", "yaml"),
        ("-", b"---\nA: b", "yaml"),
        ("-", b"A=b:c", "dotenv"),
        ("-", b"", "dotenv"),
        ("a.env/x", b"A: b", "yaml"),
    ],
)
def test_a_files_format_is_guessed_from_its_name_then_from_its_beginning(
    path: str, data: bytes, name: str
) -> None:
    assert formats.guess(path, data) == name


@pytest.mark.parametrize("format_name", ["dotenv", "shell", "github-env", "docker"])
def test_a_nul_is_refused_where_variables_are_written(format_name: str) -> None:
    refused(format_name, pair(f"{CANARY}\0"), "NUL")


@pytest.mark.parametrize("format_name", list(formats.FORMATS))
def test_half_a_surrogate_pair_is_refused_everywhere(format_name: str) -> None:
    refused(format_name, pair(f"{CANARY}\udcff"), "surrogate")


@pytest.mark.parametrize("format_name", ["shell", "github-env", "docker"])
@pytest.mark.parametrize(
    "name", ["", "-x", "1A", "a-b", "a.b", "a b", "a=b", "a\nb", "A<<B", "é", "A;id", "$(id)"]
)
def test_I2_I7_a_name_that_is_no_variables_is_refused(format_name: str, name: str) -> None:
    with pytest.raises(errors.BadName):
        formats.writer(format_name)([pair("x", name)])


@pytest.mark.parametrize("format_name", ["shell", "github-env"])
def test_E5_a_variable_is_at_most_what_linux_passes_on(format_name: str) -> None:
    assert formats.writer(format_name)([pair("x" * 131_069)])
    refused(format_name, pair("x" * 131_070), "131072 bytes")
    refused(format_name, pair("é" * 65_535), "131072 bytes")


def test_a_shell_script_quotes_everything() -> None:
    assert shell.write([pair("it's $(id) `id` \\ \"\n")]) == b"export A='it'\\''s $(id) `id` \\ \"\n'\n"


@pytest.mark.parametrize("name", ["UID", "RANDOM", "PPID", "SHELLOPTS", "BASH_ENV", "_", "OPTIND"])
def test_I8_the_shells_own_variables_are_refused(name: str) -> None:
    refused("shell", pair("x", name), "the shell's own")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (f"{CANARY}\n", "newline"),
        (f"{CANARY}\r", "carriage return"),
        ("x" * 65_534, "65535"),
    ],
)
def test_what_an_env_file_cannot_say_is_refused(value: str, reason: str) -> None:
    refused("docker", pair(value), reason)


def test_an_env_file_keeps_quotes_and_spaces_as_they_are() -> None:
    assert docker.write([pair(" 'x' #\r\t "), pair("", "B")]) == b"A= 'x' #\r\t \nB=\n"


@pytest.mark.parametrize("name", ["NODE_OPTIONS", "GITHUB_TOKEN", "RUNNER_TEMP"])
def test_I7_a_variable_that_the_runner_keeps_to_itself_is_refused(name: str) -> None:
    refused("github-env", pair("x", name), "runner")


def test_I7_each_delimiter_is_new_and_long_and_not_in_the_value(monkeypatch: pytest.MonkeyPatch) -> None:
    found = re.findall(rb"<<(ghadelimiter_[0-9a-f]{32})\n", github_env.write([pair("x"), pair("y", "B")]))
    assert len(set(found)) == 2
    drawn = iter([b"\xaa", b"\xaa", b"\xbb"])
    monkeypatch.setattr("os.urandom", lambda _: next(drawn))
    assert (
        github_env.write([pair("ghadelimiter_aa\n")])
        == b"A<<ghadelimiter_bb\nghadelimiter_aa\n\nghadelimiter_bb\n"
    )


def runner_masks(output: bytes) -> set[str]:
    """What the runner hides after this output (actions/runner ActionCommand.cs, AddMaskCommandExtension)."""
    masked = set()
    for line in re.split("\r\n|\r|\n", output.decode()):
        if not line.startswith("::add-mask::"):
            assert not line
            continue
        value = line.removeprefix("::add-mask::")
        for escape, character in (("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
            value = value.replace(escape, character)
        if value.strip():
            masked.add(value)
            masked.update(part for part in re.split("[\r\n]", value) if part)
    return masked


@given(st.one_of(TEXT, st.text("%0AD25\r\n: #[", max_size=12)))
def test_G1_the_value_each_line_and_the_json_form_are_masked(value: str) -> None:
    masked = runner_masks(github_env.masks([pair(value)]))
    if value.strip():
        assert value in masked
    for line in re.split("[\r\n]", value):
        if line.strip():
            assert {line, line.strip()} <= masked
    if value.strip():
        assert json.dumps(value)[1:-1] in masked


@given(st.text("::add-mask:set-output##[group]%0A\r\n", max_size=30))
def test_G2_a_value_cannot_become_another_command(value: str) -> None:
    for line in github_env.masks([pair(value)]).splitlines():
        assert line.startswith(b"::add-mask::")


def test_masks_say_nothing_for_blanks_and_nothing_twice() -> None:
    assert github_env.masks([pair(""), pair(" \n\t")]) == b""
    assert github_env.masks([pair("x"), pair("x")]) == b"::add-mask::x\n"


def test_a_manifest_holds_the_values_in_base64() -> None:
    values = {"A": "x\0\n", "b.c-d": "é", "NO": ""}
    document = yaml.safe_load(k8s.write([pair(v, n) for n, v in values.items()], name="app.1"))
    assert (document["apiVersion"], document["kind"], document["type"]) == ("v1", "Secret", "Opaque")
    assert document["metadata"] == {"name": "app.1"}
    assert {name: b64decode(value).decode() for name, value in document["data"].items()} == values


@pytest.mark.parametrize("name", ["null", "123", "1e3", "yes", "a", "a-b.c", "a" * 253])
def test_a_secrets_name_stays_text(name: str) -> None:
    assert yaml.safe_load(k8s.write([], name=name))["metadata"]["name"] == name


@pytest.mark.parametrize(
    "name", ["", "A", "-a", "a-", "a_b", "a..b", ".a", "a b", 'a"\nb: c', "a\n", "é", "a" * 254]
)
def test_a_secrets_name_that_no_object_may_have_is_refused(name: str) -> None:
    with pytest.raises(errors.BadName):
        k8s.write([], name=name)


@pytest.mark.parametrize("name", ["é", "a/b", ".", "..", "..a", "a[0]", "a" * 254])
def test_a_name_that_no_data_key_may_be_is_refused(name: str) -> None:
    refused("k8s", pair("x", name), "data")


def test_a_secret_larger_than_kubernetes_takes_is_refused() -> None:
    half = "x" * (512 * 1024)
    assert k8s.write([pair(half), pair(half, "B")])
    refused("k8s", pair(half + half), "larger")
