"""The types of declared secrets: what each takes, that none quotes a value, that all are quick."""

from __future__ import annotations

import base64
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sophia_secrets.core import value_types
from sophia_secrets.core.model import SecretValue
from sophia_secrets.settings.declared import DECLARED


def pem(label: str = "PRIVATE KEY", body: bytes = b"k" * 100, head: str = "") -> str:
    text = base64.encodebytes(body).decode()
    return f"-----BEGIN {label}-----\n{head}{text}-----END {label}-----\n"


TYPES = tuple(value_types._CHECKS)

GOOD = {
    "text": ["", "anything at all\n"],
    "url": [
        "https://example.com",
        "postgres://user:p%40ss@db.example.com:5432/app?sslmode=require",
        "mongodb://a.example:27017,b.example:27017/app",
        "redis://:secret@[::1]:6379/0",
        "sqlite:///var/app.db",
        "https://example.com/a@b",
    ],
    "port": ["1", "8080", "65535"],
    "integer": ["0", "-3", "+7", "9" * 400],
    "boolean": ["true", "False", "YES", "0", "off"],
    "json": ["{}", '{"a": [1, 2.5e3, null]}', '"text"'],
    "pem": [
        pem(),
        pem().replace("\n", "\r\n"),
        pem("CERTIFICATE") + "a remark\n" + pem("CERTIFICATE"),
        pem("RSA PRIVATE KEY", head="Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\n"),
    ],
    "uuid": ["123e4567-e89b-12d3-a456-426614174000", "123E4567-E89B-12D3-A456-426614174000"],
    "email": ["a@example.com", "first.last+tag@sub.example.co", "o'hara@exämple.de"],
}
BAD = {
    "url": ["", "example.com", "https://", "https:///path", "1x://host", "http://a b", "http://h:99999/",
            "http://h:12x/", "http://[::1", "http://h\n", "://h"],
    "port": ["", "0", "65536", "-1", "80 ", "٨٠", "8e1", "00000080"],
    "integer": ["", "1.0", "0x10", " 1", "1_000", "१"],
    "boolean": ["", "maybe", "2", "true " * 3],
    "json": ["", "{", "{'a': 1}", '{"a":1,"a":2}', "NaN", "[" * 100 + "]" * 100, '"\ud800"'],
    "pem": ["", "hello", "-----BEGIN X-----\nAAAA", "-----BEGIN X-----\n!!\n-----END X-----",
            "-----BEGIN X-----\nAAAA\n-----END Y-----", "-----BEGIN X-----\n-----END X-----", "-----END X-----"],
    "uuid": ["", "123e4567e89b12d3a456426614174000", "123e4567-e89b-12d3-a456-42661417400g"],
    "email": ["", "a", "a@b", "@example.com", "a@@example.com", "a b@example.com", "a@-x.example", "a@x-.com",
              "a" * 65 + "@example.com", ".a@example.com", "a@example..com"],
}  # fmt: skip


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in GOOD.items() for text in texts])
def test_what_is_of_the_type_has_no_problem(kind: str, text: str) -> None:
    assert value_types.problem(kind, SecretValue(text)) is None


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in BAD.items() for text in texts])
def test_what_is_not_of_the_type_is_told(kind: str, text: str) -> None:
    assert value_types.problem(kind, SecretValue(text))


def test_every_type_that_can_be_declared_is_checked() -> None:
    (row,) = [row for row in DECLARED if row.key == "type"]
    assert set(row.choices) == set(TYPES)


@given(st.sampled_from(TYPES), st.text(st.characters(), min_size=1).map(lambda t: "canary-" + t))
def test_L3_no_problem_quotes_the_value(kind: str, text: str) -> None:
    problem = value_types.problem(kind, SecretValue(text))
    assert problem is None or "canary-" not in problem


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize(
    "text",
    ["-" * 1_000_000, "a." * 500_000, "a@" * 500_000, "[" * 1_000_000, "9" * 1_000_000, "://" * 330_000,
     "-----BEGIN X-----\n" * 55_000, "A-: x\n" * 160_000, "http://" + "a:" * 500_000, "a@" + "a." * 500_000,
     "x://" + "," * 1_000_000],
)  # fmt: skip
def test_R3_a_megabyte_made_to_be_slow_takes_under_a_second(kind: str, text: str) -> None:
    began = time.process_time()
    value_types.problem(kind, SecretValue(text))
    assert time.process_time() - began < 1.0


def test_a_pattern_is_found_anywhere_and_only_in_a_bounded_value() -> None:
    assert value_types.matches("^sk-", SecretValue("sk-1"))
    assert not value_types.matches("^sk-", SecretValue("x sk-1"))
    assert value_types.matches("k-", SecretValue("sk-1"))
    assert value_types.unsearchable(SecretValue("x" * value_types.MAX_SEARCHED)) is None
    assert "canary" not in (value_types.unsearchable(SecretValue("canary" * 20_000)) or "")
    assert value_types.unsearchable(SecretValue("canary" * 20_000))
