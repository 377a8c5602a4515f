"""What is not installed beside the program: an empty package of that name stands before the real one."""

from __future__ import annotations

from docs.errors.scene import Scene

_HIDE = """mkdir -p none/{package}; echo 'raise ImportError' > none/{package}/__init__.py
PYTHONPATH=$PWD/none {command}"""
_KEYRING = """mkdir -p ~/.config/sophia-secrets; printf '[cache]\\nkey = "keyring"\\n' > ~/.config/sophia-secrets/config.toml
"""


def _without(package: str, command: str) -> str:
    return _HIDE.format(package=package, command=command)


_FAILS = {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
_FILE = {"PYTHON_KEYRING_BACKEND": "keyrings.alt.file.PlaintextKeyring"}
_KEPT = "~/.local/share/python_keyring/keyring_pass.cfg"

SCENES = (
    Scene(
        "bad_settings",
        _without("cryptography", "sophia-secrets set A_KEY --backend local --generate ed25519"),
    ),
    Scene("bad_settings", _without("opentelemetry", "sophia-secrets audit export --format otel")),
    Scene("bad_settings", _KEYRING + _without("keyring", "sophia-secrets get OPENAI_API_KEY")),
    Scene("bad_settings", f"{_KEYRING}sophia-secrets get OPENAI_API_KEY", more=_FAILS),
    Scene(
        "integrity_failed",
        f"{_KEYRING}sophia-secrets get OPENAI_API_KEY\nrm {_KEPT}; sophia-secrets audit verify",
        more=_FILE,
    ),
    Scene(
        "integrity_failed",
        f"{_KEYRING}sophia-secrets get OPENAI_API_KEY\nsed -i 's/^\\t[A-Za-z0-9+].*/\\tc2hvcnQ=/' {_KEPT}; sophia-secrets get OPENAI_API_KEY",
        more=_FILE,
    ),
)
