"""Values that are known to break secret stores, and one to search output for."""

from __future__ import annotations

from collections.abc import Mapping

PEM = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj\nAgEAAoIBAQC7VJTUt9Us8cKj\n-----END PRIVATE KEY-----"

VALUES: Mapping[str, str] = {
    "PLAIN": "sk-1234567890",
    "PEM": PEM,
    "PEM_NEWLINE": PEM + "\n",
    "JSON": '{"a": "b\\n", "c": [1, 2.50, null], "d": "\\u00e9"}',
    "JSON_LINES": '{\n  "type": "service_account",\n  "key": "x"\n}',
    "DOUBLE": 'say "hi"',
    "SINGLE": "it's",
    "BOTH": "\"'`",
    "ONE_DOUBLE": '"',
    "ONE_SINGLE": "'",
    "TRIPLE": '"""',
    "DOLLAR": "pa$$word$HOME${HOME}",
    "DOLLAR_BRACE": "${jndi:ldap://x}",
    "DOLLAR_END": "cost$",
    "BACKTICK": "`id`",
    "HASH": "a#b #c",
    "HASH_FIRST": "#comment",
    "HASH_QUOTE": 'a"b#c',
    "LEADING": "   leading",
    "TRAILING": "trailing   ",
    "TABS": "\ttab\t",
    "CRLF": "one\r\ntwo",
    "CR": "one\rtwo",
    "NEWLINE_FIRST": "\nfirst",
    "NEWLINES_LAST": "last\n\n\n",
    "ONLY_NEWLINE": "\n",
    "ONLY_SPACE": " ",
    "EMOJI": "🔑 ключ 鍵 é",
    "COMBINING": "e\u0301",
    "BIDI": "a\u202eb\u2066c",
    "LINE_SEPARATOR": "a\u2028b\u0085c",
    "BACKSLASHES": "C:\\new\\table\\",
    "ESCAPES": "\\n\\t\\x00",
    "EQUALS": "a=b==",
    "DASH": "-",
    "DASHES": "--help",
    "PERCENT": "%0A%25",
    "CONTROL": "bell\x07esc\x1b[31m",
    "LONG": "x" * 49152,
    "EMPTY": "",
    "NUL": "a\0b",
    "MANY_LINES": "\n".join(f"line {i}" for i in range(500)),
}
"""Forty values that are known to break secret stores, by the name to store each under."""

CANARY = "canary-7f3a9c51e8d2"
"""A value to search output, errors and files for."""
