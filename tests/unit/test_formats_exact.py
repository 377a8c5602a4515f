"""Each writer's exact bytes for more than one pair, its limits to the byte, and its words for a refusal."""

from __future__ import annotations

import re

import pytest
import yaml as pyyaml

from sophia_secrets import errors, formats
from sophia_secrets.core.model import SecretValue
from sophia_secrets.formats import Pair, docker, dotenv, github_env, json, k8s, shell, yaml


def pair(value: str, name: str = "A") -> Pair:
    return Pair(name, SecretValue(value))


def short(value: object) -> str:
    """What stands for an argument in a test's name: some are a megabyte."""
    return repr(value)[:24]


PAIRS = [pair("x"), pair("", "B"), pair("y z", "C_1")]


def test_three_pairs_in_every_format() -> None:
    assert dotenv.write(PAIRS) == dotenv.write_for_us(PAIRS) == b"A='x'\nB=''\nC_1='y z'\n"
    assert json.write(PAIRS) == b'{\n  "A": "x",\n  "B": "",\n  "C_1": "y z"\n}\n'
    assert yaml.write(PAIRS) == b'"A": "x"\n"B": ""\n"C_1": "y z"\n'
    assert shell.write(PAIRS) == b"export A='x'\nexport B=''\nexport C_1='y z'\n"
    assert docker.write(PAIRS) == b"A=x\nB=\nC_1=y z\n"
    assert k8s.write(PAIRS, name="app") == (
        b'apiVersion: v1\nkind: Secret\nmetadata:\n  name: "app"\ntype: Opaque\ndata:\n'
        b'  "A": "eA=="\n  "B": ""\n  "C_1": "eSB6"\n'
    )


def test_three_pairs_for_a_step_of_github() -> None:
    written = github_env.write(PAIRS).decode()
    block = r"{}<<(ghadelimiter_[0-9a-f]{{32}})\n{}\n\{}\n"
    whole = block.format("A", "x", 1) + block.format("B", "", 2) + block.format("C_1", "y z", 3)
    found = re.fullmatch(whole, written)
    assert found is not None, written
    assert len(set(found.groups())) == 3


def test_the_masks_of_a_step_are_each_value_each_line_and_its_json() -> None:
    masked = github_env.masks(
        [pair(' a%b \r\n\n\tc"d', "A"), pair("  ", "B"), pair("", "C"), pair("x", "D"), pair("n\0l", "E")]
    )
    assert masked.decode().splitlines() == [
        '::add-mask:: a%25b %0D%0A%0A\tc"d',
        '::add-mask:: a%25b \\r\\n\\n\\tc\\"d',
        "::add-mask:: a%25b ",
        "::add-mask::a%25b",
        '::add-mask::\tc"d',
        '::add-mask::c"d',
        "::add-mask::x",
        "::add-mask::n\0l",
        "::add-mask::n\\u0000l",
    ]


@pytest.mark.parametrize("format_name", formats.FORMATS)
def test_a_name_that_is_there_twice_is_refused(format_name: str) -> None:
    with pytest.raises(errors.BadName) as caught:
        formats.writer(format_name)([pair("x"), pair("y", "B"), pair("z")])
    assert caught.value.message == "`A` is there twice."


SHELLS_OWN = [
    "_",
    "BASH",
    "BASHOPTS",
    "BASHPID",
    "BASH_ANYTHING",
    "DIRSTACK",
    "EPOCHREALTIME",
    "EPOCHSECONDS",
    "EUID",
    "FUNCNAME",
    "GROUPS",
    "HISTCMD",
    "LINENO",
    "OPTIND",
    "PIPESTATUS",
    "PPID",
    "RANDOM",
    "SECONDS",
    "SHELLOPTS",
    "SHLVL",
    "SRANDOM",
    "UID",
]


@pytest.mark.parametrize("name", SHELLS_OWN)
def test_I8_a_variable_that_a_shell_keeps_for_itself_is_not_exported(name: str) -> None:
    with pytest.raises(errors.BadName) as caught:
        shell.write([pair("x", name)])
    assert (
        caught.value.message == f"`{name}` cannot be written: its name is one of the shell's own variables."
    )


SURROGATE = "it holds half of a surrogate pair, which is not text"
LONG = 64 * 1024 - 1
VARIABLE = 128 * 1024 - 1
REFUSED = [
    ("docker", "a\nb", "it holds a newline, which an env file has no way to write"),
    ("docker", "a\r", "it ends with a carriage return, which docker drops"),
    ("docker", "a" * (LONG - 1), f"its line has {LONG + 1} bytes, and docker reads at most {LONG}"),
    ("docker", "\0", "it holds a NUL"),
    ("shell", "a\0", "it holds a NUL"),
    ("shell", "\ud800", SURROGATE),
    (
        "shell",
        "é" * (VARIABLE // 2),
        f"with its name it has {VARIABLE + 1} bytes, and Linux passes on at most {VARIABLE}",
    ),
    ("github-env", "\ud800", SURROGATE),
    ("json", "\udfff", SURROGATE),
    ("yaml", "x\ud800", SURROGATE),
    ("k8s", "\ud800", SURROGATE),
    ("k8s", "a" * (1 << 20) + "a", f"with it the Secret is larger than {1 << 20} bytes"),
    ("dotenv", "a\r", "it holds a carriage return, which Node drops"),
    ("dotenv", "${A}", "it holds `${...}`, which python-dotenv expands"),
    ("dotenv", "'\"\\", "its quotes and backslashes are read differently by python-dotenv and Node"),
    ("dotenv", "\0", "it holds a NUL"),
]


@pytest.mark.parametrize(("format_name", "value", "reason"), REFUSED, ids=short)
def test_a_value_is_refused_with_one_reason(format_name: str, value: str, reason: str) -> None:
    with pytest.raises(errors.BadValue) as caught:
        formats.writer(format_name)([pair(value)])
    assert caught.value.message == f"The value of `A` cannot be written: {reason}."


@pytest.mark.parametrize(
    ("format_name", "value"),
    [
        ("docker", "a" * (LONG - 2)),
        ("docker", "a\rb"),
        ("shell", "a" * (VARIABLE - 2)),
        ("github-env", "a" * (VARIABLE - 2)),
        ("k8s", "a" * (1 << 20)),
        ("k8s", "\0"),
        ("json", "\0"),
        ("yaml", "\0"),
    ],
    ids=short,
)
def test_a_value_at_the_limit_is_written(format_name: str, value: str) -> None:
    assert formats.writer(format_name)([pair(value)])


@pytest.mark.parametrize(
    ("format_name", "name", "message"),
    [
        ("github-env", "NODE_OPTIONS", "the runner lets no step set a variable of this name"),
        ("github-env", "GITHUB_X", "the runner lets no step set a variable of this name"),
        ("github-env", "RUNNER_X", "the runner lets no step set a variable of this name"),
        ("k8s", "..a", "its name is not one that a Secret's data can have"),
        ("k8s", "a/b", "its name is not one that a Secret's data can have"),
        ("dotenv", "1a", "its name is not one that a dotenv file can hold"),
    ],
)
def test_a_name_is_refused_with_one_reason(format_name: str, name: str, message: str) -> None:
    with pytest.raises(errors.BadName) as caught:
        formats.writer(format_name)([pair("x", name)])
    assert caught.value.message == f"`{name}` cannot be written: {message}."


@pytest.mark.parametrize(
    ("name", "fits"), [("a" * 253, True), ("a" * 254, False), ("a.b-c", True), ("A", False)]
)
def test_a_secret_of_kubernetes_has_the_name_of_a_domain(name: str, fits: bool) -> None:
    if fits:
        assert f'name: "{name}"'.encode() in k8s.write(PAIRS, name=name)
        return
    with pytest.raises(errors.BadName) as caught:
        k8s.write(PAIRS, name=name)
    assert caught.value.message.endswith(" cannot be a Secret's name.")
    assert name != "A" or caught.value.message.startswith("`A` cannot be")
    assert caught.value.hint == (
        "Use at most 253 lower case letters, digits, `-` and `.`, with a letter or digit first and last (RFC 1123)."
    )


@pytest.mark.parametrize(
    ("value", "kind"),
    [("true", "true or false"), ("{}", "an object"), ("[]", "a list"), ("null", "null")],
)
def test_what_is_no_text_in_json_is_named(value: str, kind: str) -> None:
    with pytest.raises(errors.UsageError) as caught:
        json.read(f'{{"A": {value}}}'.encode())
    assert caught.value.message == f"`A` has {kind} for a value."
    assert caught.value.hint == "Give it a text, in quotes."


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"[]", "The file is not a JSON object of names and values."),
        (b'{"A": 1, "A": 2}', "The file is not strict JSON: `A` is there twice."),
        (b'{"A": 1,\n "B": {"C": 1, "C": 2}}', "The file is not strict JSON: `C` is there twice."),
        (b'{"A": 1,\n "B" 2}', "Line 2 cannot be read: it is not JSON."),
        (b'{"A": 1}\n{}', "The file is not strict JSON: more than one document."),
        (b"\xff", "Line 1 cannot be read: it is not UTF-8."),
        (b"{}\n\n\xff", "Line 3 cannot be read: it is not UTF-8."),
    ],
)
def test_what_is_wrong_with_a_file_of_json(data: bytes, message: str) -> None:
    with pytest.raises(errors.UsageError) as caught:
        json.read(data)
    assert caught.value.message == message


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("A: x\nB: [1]\n", "Line 2 cannot be read: a text is wanted where a list or a mapping begins."),
        ("A: x\n---\nB: y\n", "Line 2 cannot be read: a second document begins here."),
        ("A: &a x\nB: *a\n", "Line 1 cannot be read: it has an anchor."),
        ("A: x\nB: *a\n", "Line 2 cannot be read: it uses an alias."),
        ("A: !!int 1\n", "Line 1 cannot be read: it has a tag."),
        ("x\n", "Line 1 cannot be read: a mapping of names and values is wanted."),
        ("- x\n", "Line 1 cannot be read: a text is wanted where a list or a mapping begins."),
        ("A: x\nA: y\n", "Line 2 cannot be read: `A` is already on line 1."),
        ("A:\n", "Line 1 cannot be read: there is no value; an empty one is two quotes."),
        ("A: Null\n", "Line 1 cannot be read: there is no value; an empty one is two quotes."),
        ("A: x\n-x: y\n", "Line 2 cannot be read: it does not begin with a name."),
        ('A: "x\n', "Line 2 cannot be read: it is not YAML."),
        ("A: x\nB: \x01\n", "Line 2 cannot be read: it is not YAML."),
        (" " * (1 << 20) + "\n", f"The file is larger than {1 << 20:,} bytes."),
    ],
    ids=short,
)
def test_what_is_wrong_with_a_file_of_yaml(data: str, message: str) -> None:
    with pytest.raises(errors.UsageError) as caught:
        yaml.read(data.encode())
    assert caught.value.message == message


def test_what_yaml_takes_for_nothing_is_text_in_quotes() -> None:
    found = yaml.read(b'A: ""\nB: "null"\nC: \'~\'\nD: ! null\nE: yes\n')
    assert [(each.name, each.value.reveal(), each.line) for each in found] == [
        ("A", "", 1), ("B", "null", 2), ("C", "~", 3), ("D", "null", 4), ("E", "yes", 5),
    ]  # fmt: skip
    assert yaml.read(b"") == []


def test_the_largest_file_of_yaml_is_read_and_what_is_nothing_in_it_is_refused() -> None:
    assert yaml.read(b"A: x\n" + b"#" * ((1 << 20) - 5))[0].value.reveal() == "x"
    for nothing in ("", "~", "null", "Null", "NULL"):
        with pytest.raises(errors.UsageError, match="there is no value"):
            yaml.read(f"A: {nothing}\n".encode())
    assert yaml.read(b"A: !!str null\n")[0].value.reveal() == "null"
    with pytest.raises(errors.UsageError, match="Line 1 cannot be read: it is not YAML"):
        yaml.read(b"A: \x01\n")
    assert yaml.read(b"---\nA: x\n")[0].name == "A"
    with pytest.raises(errors.UsageError, match="a second document begins here"):
        yaml.read(b"{}\n---\nA: x\n")


def test_every_escape_of_a_dotenv_file_is_the_one_of_python_dotenv() -> None:
    read = dotenv.read(b'A="\\a\\b\\f\\n\\r\\t\\v\\\\\\\'\\"\\x\\$"\n' + b"B='\\n\\\\\\'\\\"'\n")
    assert [each.value.reveal() for each in read] == ["\a\b\f\n\r\t\v\\'\"\\x\\$", "\\n\\'\\\""]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("A=1\n1A=x\n", "Line 2 cannot be read: it does not begin with a name."),
        ("=x\n", "Line 1 cannot be read: it does not begin with a name."),
        ("A" * 256 + "=x\n", "Line 1 cannot be read: it does not begin with a name."),
        ("\n\nexport A\n", "Line 3 cannot be read: there is no `=` after the name."),
        ("A='x\n", "Line 1 cannot be read: a quote is not closed."),
        ("A='x' y\n", "Line 1 cannot be read: there is more after the closing quote."),
        ("A='x\n'\n# c\nB=\nA=y\n", "Line 5 cannot be read: `A` is already on line 1."),
    ],
    ids=short,
)
def test_what_is_wrong_with_a_dotenv_file(data: str, message: str) -> None:
    with pytest.raises(errors.UsageError) as caught:
        dotenv.read(data.encode())
    assert caught.value.message == message


def test_what_is_read_of_a_dotenv_file_and_where() -> None:
    text = "\ufeff# c\r\n  export A = 'x\ny' # c\rB=a #b\n'C'=a#b \nD=\nE= #\nF=#\n\n" + "G" * 255 + "=z"
    assert [(each.name[:2], each.value.reveal(), each.line) for each in dotenv.read(text.encode())] == [
        ("A", "x\ny", 2), ("B", "a", 4), ("C", "a#b", 5), ("D", "", 6), ("E", "", 7), ("F", "#", 8), ("GG", "z", 10),
    ]  # fmt: skip
    assert dotenv.read(b"") == []


def test_which_names_and_values_a_dotenv_file_of_ours_can_hold() -> None:
    words = "a name is ASCII letters, digits, `_`, `.` and `-`, and begins with a letter or `_`"
    assert [dotenv.problem(name) for name in ("A", "_a.b-c", "A" * 255)] == [None, None, None]
    assert [dotenv.problem(name) for name in ("1a", "", "é", "A" * 256)] == [words] * 4
    assert dotenv.problem("A", SecretValue("x\r\n${A}'\"\\")) is None
    assert dotenv.problem("A", SecretValue("\0")) == "it holds a NUL"


@pytest.mark.parametrize(
    ("value", "portable", "ours"),
    [
        ("it's", '"it\'s"', '"it\'s"'),
        ('say "x"', "'say \"x\"'", "'say \"x\"'"),
        ("'a\"", "'a\"", None),
        ("a'b\"c", "a'b\"c", "a'b\"c"),
        ("X'b\"X", "X'b\"X", "X'b\"X"),
        ("a\\", "a\\", "a\\"),
        ("a'\\", "a'\\", "a'\\"),
        ("a\rb", None, '"a\\rb"'),
        ("'\"#\\", None, '"\'\\"#\\\\"'),
        (" '\"", None, '" \'\\""'),
        ("`'\"", None, '"`\'\\""'),
        ("'\"\n", None, '"\'\\"\n"'),
    ],
)
def test_the_quoting_of_a_dotenv_value(value: str, portable: str | None, ours: str | None) -> None:
    if portable is None or value[0] in "'\"`":
        with pytest.raises(errors.BadValue):
            dotenv.write([pair(value)])
    else:
        assert dotenv.write([pair(value)]).decode() == f"A={portable}\n"
    written = dotenv.write_for_us([pair(value)])
    assert ours is None or written.decode() == f"A={ours}\n"
    assert dotenv.read(written)[0].value.reveal() == value


def test_a_value_of_a_dotenv_file_ends_with_any_line_end() -> None:
    found = dotenv.read(b"A=1\r\nB=2\rC=3\nD='x\r\ny\rz'\r\n")
    assert [(each.value.reveal(), each.line) for each in found] == [
        ("1", 1),
        ("2", 2),
        ("3", 3),
        ("x\ny\nz", 4),
    ]


@pytest.mark.parametrize("loader", [pyyaml.SafeLoader, pyyaml.CSafeLoader], ids=["in Python", "in C"])
def test_either_parser_of_yaml_reads_the_same(monkeypatch: pytest.MonkeyPatch, loader: type) -> None:
    monkeypatch.setattr(yaml, "_LOADER", loader)
    found = yaml.read(b'A: x\n"B": "y z"\n\nC: \'\'\n')
    assert [(p.name, p.value.reveal(), p.line) for p in found] == [
        ("A", "x", 1),
        ("B", "y z", 2),
        ("C", "", 4),
    ]
    for text, line in (
        (b"A: [", 1),
        (b"A: b\nB: *x", 2),
        (b"A: b\nB: &x c", 2),
        (b'A: b\n\nC: "\\udcff"', 3),
        (b"\n\n\x07", 3),
    ):
        with pytest.raises(errors.UsageError) as caught:
            yaml.read(text)
        assert caught.value.message.startswith(f"Line {line} cannot be read: ")
        assert caught.value.__context__ is None


def test_half_a_pair_of_surrogates_is_refused_where_a_parser_lets_it_through(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(yaml, "_LOADER", pyyaml.SafeLoader)
    with pytest.raises(errors.UsageError) as caught:
        yaml.read(b'A: "\\udcff"')
    reason = "it holds half of a surrogate pair, which is not text"
    assert caught.value.message == f"Line 1 cannot be read: {reason}."


def test_json_of_another_form_is_answered_with_the_right_one() -> None:
    with pytest.raises(errors.UsageError) as caught:
        json.read(b"[]")
    assert caught.value.hint == 'Nothing was stored. Write it as `{"NAME": "value"}`.'
