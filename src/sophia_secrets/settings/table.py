"""
The table of all settings.

Validation, variables, `config show`, `config init`, the reference and the JSON Schema are all derived
from these rows, so they cannot disagree.
"""

from __future__ import annotations

from msgspec import Struct

from sophia_secrets.settings.kinds import Kind, Value

PREFIX = "SOPHIA_SECRETS_"


class Row(Struct, frozen=True):
    """
    One setting.

    `key` is `table.name`, or a bare name at the top level. `default` is a parsed value (durations in
    seconds). `variable` is our own variable, `vendor` the vendor's. `example` is TOML. `user_only`
    settings come from the user's own file or the environment, never from a project. `profile` settings
    are allowed in `[profiles.NAME]`; except for `strict`, they decide where a secret is read or
    written. `above_zero`, `absolute`, `backends` and `pattern` are rules for the value: not 0 or
    empty, an absolute path, names of backends, a regular expression.
    """

    key: str
    kind: Kind
    about: str
    example: str
    default: Value = None
    variable: str = ""
    vendor: str = ""
    choices: tuple[str, ...] = ()
    user_only: bool = False
    profile: bool = False
    above_zero: bool = False
    absolute: bool = False
    backends: bool = False
    pattern: bool = False

    @property
    def table(self) -> str:
        return self.key.rpartition(".")[0]

    @property
    def name(self) -> str:
        return self.key.rpartition(".")[2]

    @property
    def variables(self) -> tuple[str, ...]:
        """The variables that set it, strongest first."""
        return tuple(each for each in (self.variable, self.vendor) if each)

    @property
    def is_target(self) -> bool:
        """Whether it decides where a secret is read from or written to."""
        return self.profile and self.key != "strict"


BACKENDS = ("github", "pulumi", "fly", "local", "env")
"""The built-in backends in the order of the default chain."""


def _target(key: str, kind: Kind, about: str, example: str, **more: object) -> Row:
    return Row(key, kind, about, example, profile=True, variable=_own(key), **more)  # type: ignore[arg-type]


def _user(key: str, kind: Kind, about: str, example: str, **more: object) -> Row:
    return Row(key, kind, about, example, user_only=True, **more)  # type: ignore[arg-type]


def _own(key: str) -> str:
    return PREFIX + key.replace(".", "_").upper()


ROWS: tuple[Row, ...] = (
    _target(
        "chain",
        Kind.LIST,
        "The backends that are asked for a secret, the strongest first; one without a target is passed over.",
        '["github", "pulumi", "fly", "local", "env"]',
        default=BACKENDS,
        above_zero=True,
        backends=True,
    ),
    _target(
        "default_backend",
        Kind.TEXT,
        "Where `set` writes when no `--backend` is given.",
        '"local"',
        backends=True,
    ),
    _target(
        "strict",
        Kind.BOOLEAN,
        "A backend that fails above the one that answers is an error instead of a warning.",
        "true",
        default=False,
    ),
    Row(
        "timeout",
        Kind.DURATION,
        "How long one call to a vendor may take.",
        '"30s"',
        default=30.0,
        variable=_own("timeout"),
        above_zero=True,
    ),
    _target(
        "github.repository",
        Kind.TEXT,
        "The repository, as OWNER/REPO or HOST/OWNER/REPO.",
        '"octo/app"',
        vendor="GITHUB_REPOSITORY",
    ),
    _target(
        "github.environment",
        Kind.TEXT,
        "The deployment environment of the repository whose secrets are meant.",
        '"production"',
    ),
    _target(
        "github.organization",
        Kind.TEXT,
        "The organisation whose secrets are meant, instead of a repository's.",
        '"octo"',
    ),
    _target(
        "github.app",
        Kind.CHOICE,
        "Which of GitHub's stores is meant.",
        '"actions"',
        default="actions",
        choices=("actions", "dependabot", "codespaces", "agents"),
    ),
    _target(
        "github.host",
        Kind.TEXT,
        "The GitHub host, where it is not github.com.",
        '"github.example.com"',
    ),
    _target(
        "pulumi.organization",
        Kind.TEXT,
        "The Pulumi organisation.",
        '"acme"',
    ),
    _target(
        "pulumi.project",
        Kind.TEXT,
        "The Pulumi project.",
        '"app"',
        vendor="PULUMI_PROJECT",
    ),
    _target(
        "pulumi.environment",
        Kind.TEXT,
        "The ESC environment, as ENVIRONMENT, PROJECT/ENVIRONMENT or ORGANIZATION/PROJECT/ENVIRONMENT.",
        '"production"',
        vendor="PULUMI_ENVIRONMENT",
    ),
    _target(
        "pulumi.stack",
        Kind.TEXT,
        "The stack whose configuration is read.",
        '"production"',
        vendor="PULUMI_STACK",
    ),
    _target(
        "pulumi.directory",
        Kind.PATH,
        "The directory of Pulumi.yaml, for stack configuration.",
        '"infra"',
    ),
    _target(
        "fly.app",
        Kind.TEXT,
        "The Fly app.",
        '"my-app"',
        vendor="FLY_APP_NAME",
    ),
    _target(
        "fly.read_from_machine",
        Kind.BOOLEAN,
        "Read values from a running Machine, since Fly's API never gives one back.",
        "false",
        default=False,
    ),
    _target(
        "fly.deploy",
        Kind.BOOLEAN,
        "Deploy once after a write, which restarts the Machines; otherwise the secrets stay staged.",
        "true",
        default=False,
    ),
    _target(
        "local.file",
        Kind.PATH,
        "The encrypted file; by default one in the state directory.",
        '"secrets.env.age"',
    ),
    _target(
        "local.recipients",
        Kind.LIST,
        "The age recipients that the file is encrypted to; by default our own identity alone.",
        '["age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"]',
        default=(),
    ),
    _target(
        "local.identity",
        Kind.PATH,
        "The file of the age identity that decrypts it; by default one in the state directory.",
        '"~/.config/age/key.txt"',
    ),
    _target(
        "env.file",
        Kind.PATH,
        "A dotenv file that is read after the process's own variables.",
        '".env"',
    ),
    Row(
        "cache.ttl",
        Kind.DURATION,
        "How long an answer of a vendor is used without asking again; 0 switches the cache off.",
        '"5m"',
        default=300.0,
        variable=_own("cache.ttl"),
    ),
    Row(
        "cache.stale_for",
        Kind.DURATION,
        "How old an answer may be that stands in while a vendor cannot be reached; 0 never lets one.",
        '"24h"',
        default=86400.0,
        variable=PREFIX + "STALE_FOR",
    ),
    _user(
        "cache.key",
        Kind.CHOICE,
        "Where the key of the cache and the audit log is kept; SOPHIA_SECRETS_CACHE_KEY beats it.",
        '"file"',
        default="file",
        choices=("file", "keyring"),
    ),
    _user(
        "audit.mode",
        Kind.CHOICE,
        "What happens where an access cannot be recorded: `required` hands nothing out.",
        '"required"',
        default="required",
        choices=("required", "best-effort", "off"),
        variable=PREFIX + "AUDIT",
    ),
    _user(
        "audit.sync",
        Kind.CHOICE,
        "Which events are on the disk itself before the answer leaves: all of them, or those of writes.",
        '"always"',
        default="always",
        choices=("always", "writes"),
        variable=_own("audit.sync"),
    ),
    _user(
        "audit.forward",
        Kind.CHOICE,
        "The system's own log that gets each event too, once it is on disk.",
        '"journald"',
        default="off",
        choices=("off", "syslog", "journald"),
        variable=_own("audit.forward"),
    ),
    _user(
        "audit.forward_socket",
        Kind.PATH,
        "The socket of that log, where it is not the usual one.",
        '"/dev/log"',
        absolute=True,
        variable=_own("audit.forward_socket"),
    ),
    *(
        _user(
            f"programs.{program}",
            Kind.PATH,
            f"The absolute path of `{program}`, where it is not the first one on PATH.",
            f'"/usr/local/bin/{program}"',
            variable=PREFIX + program.upper(),
            absolute=True,
        )
        for program in ("gh", "pulumi", "fly", "aws")
    ),
    _user(
        "backends.extra",
        Kind.LIST,
        "Backends that other installed packages provide and that may be loaded.",
        '["vault"]',
        default=(),
        variable=_own("backends.extra"),
    ),
)

BY_KEY = {row.key: row for row in ROWS}
TABLES = tuple(dict.fromkeys(row.table for row in ROWS if row.table))

SPECIAL_VARIABLES = {
    "SOPHIA_SECRETS_HOME": "An absolute directory: settings, state and cache are kept beneath it.",
    "SOPHIA_SECRETS_PROFILE": "The profile, where no `--profile` is given.",
    "SOPHIA_SECRETS_TRUST": "1 trusts the checkout's settings files, where CI=true.",
    "SOPHIA_SECRETS_IDENTITY": "The age identity itself, instead of a file of it. Never shown.",
    "SOPHIA_SECRETS_CACHE_KEY": "32 bytes in base64: the key, instead of a key file. Never shown.",
}
"""Variables that are not settings."""
