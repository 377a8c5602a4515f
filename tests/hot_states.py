"""Generated states of settings, credentials, records, vault and log, and what may happen to them."""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from sophia_secrets import process
from sophia_secrets import settings as layered
from sophia_secrets.backends.base import Backend, Unconfigured
from sophia_secrets.core.model import Change, Entry, EntryState, SecretValue, Snapshot
from sophia_secrets.operations.opening import open_session
from sophia_secrets.operations.session import Session
from sophia_secrets.operations.snapshots import identity_of, to_record
from sophia_secrets.state.cache import RECORD
from sophia_secrets.state.flight import Lead

NAMES = ("API_KEY", "DB_URL", "EMPTY", "PEM", "my-key.name", "nested.path", "lower", "ÜNICODE")
VALUES = (
    "v", "", "two\nlines\n", "ünï ✓", "it's \"quoted\"", "back\\slash \\n", "x" * 5000, "half \udcff",
    "API_KEY='posed'\nDB_URL=posed", " spaces ", "carriage\rreturn", "#hash", "${expanded}",
)  # fmt: skip
AGES = (0, 0, 0, 0, 0, 10, 10, 10, 100, 299, 301, 4000, 90000, -30, -3600)
"""Seconds; past 300 a record may only stand in, past 86,400 not even that; negative is the future."""


class State:
    """One generated world below `root`; the same number gives the same world."""

    def __init__(self, root: Path, number: int) -> None:
        self.rng = random.Random(number)
        self.home = root / "home"
        self.cwd = self.home / "work" / "deep"
        self.cwd.mkdir(parents=True)
        self.environ = {
            "HOME": str(self.home),
            "PATH": "/usr/bin:/bin",
            **{f"SOPHIA_SECRETS_{word}": "/bin/false" for word in ("GH", "PULUMI", "FLY")},
        }
        self._places()
        self._vendors()
        self._user_settings()
        self._project_settings()
        self._environment()
        self.vault()
        self.records()

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    def _places(self) -> None:
        if self.chance(0.7):
            self.environ["SOPHIA_SECRETS_HOME"] = str(self.home / "sophia")
        elif self.chance(0.5):
            self.environ["XDG_CACHE_HOME"] = str(self.home / "elsewhere")
        paths = layered.locate(self.environ)
        self.config, self.state, self.cache = (Path(p) for p in (paths.config, paths.state, paths.cache))
        self.config.mkdir(parents=True, mode=0o700)

    def _vendors(self) -> None:
        rng = self.rng
        if self.chance(0.6):
            self.environ["PULUMI_ENVIRONMENT"] = rng.choice(["acme/app/production", "acme/app/dev"])
            self.environ["PULUMI_HOME"] = str(self.home / "pulumi")
            if self.chance(0.6):
                self.environ["PULUMI_ACCESS_TOKEN"] = "pul-one"
            else:
                write(self.home / "pulumi" / "credentials.json", '{"current": "https://api.pulumi.com"}')
        if self.chance(0.4):
            self.environ["FLY_APP_NAME"] = "my-app"
            self.environ["FLY_CONFIG_DIR"] = str(self.home / "fly")
            if self.chance(0.5):
                self.environ["FLY_API_TOKEN"] = "fly-one"
            else:
                write(self.home / "fly" / "config.yml", "access_token: one\n")
        if self.chance(0.4):
            self.environ["GITHUB_REPOSITORY"] = "octo/app"
            self.environ["GH_CONFIG_DIR"] = str(self.home / "gh")
            if self.chance(0.5):
                self.environ["GH_TOKEN"] = "gho-one"
            else:
                write(self.home / "gh" / "hosts.yml", "github.com:\n    oauth_token: one\n")

    def _user_settings(self) -> None:
        lines = []
        if self.chance(0.4):
            chain = ["github", "pulumi", "fly", "local", "env"]
            self.rng.shuffle(chain)
            lines.append(f"chain = {json.dumps(chain[: self.rng.randint(1, 5)])}")
        if self.chance(0.1):
            lines.append("strict = true")
        if self.chance(0.1):
            lines.append('[env]\nfile = ".env"')
        if self.chance(0.2):
            lines.append(f"[cache]\nttl = {json.dumps(self.rng.choice(['0', '1m', '2h']))}")
        if self.chance(0.3):
            mode = self.rng.choice(["required", "best-effort", "off"])
            sync = self.rng.choice(["always", "writes"])
            lines.append(f'[audit]\nmode = "{mode}"\nsync = "{sync}"')
        if self.chance(0.2):
            lines.append('[secrets.API_KEY]\nrequired = true\n[profiles.p]\nchain = ["local", "pulumi"]')
            if self.chance(0.5):
                self.environ["SOPHIA_SECRETS_PROFILE"] = "p"
        if lines:
            write(self.config / "config.toml", "\n".join(lines) + "\n")

    def _project_settings(self) -> None:
        if not self.chance(0.3):
            return
        path = self.home / "work" / "sophia-secrets.toml"
        text = self.rng.choice(
            ['[fly]\napp = "theirs"\n', '[secrets.DB_URL]\ndescription = "x"\n', "strict = true\n"]
        )
        write(path, text)
        if self.chance(0.6):
            store = layered.TrustStore(str(self.state))
            store.trust(str(path), layered.find_project(str(self.cwd), str(self.home)).documents[0].substance)

    def _environment(self) -> None:
        for name in ("API_KEY", "MY_KEY_NAME", "lower", "EMPTY"):
            if self.chance(0.15):
                self.environ[name] = self.rng.choice(["from env", "", "ü", "\udcff\udcfe"])
        for name, value in (
            ("CI", "true"),
            ("BUILD_URL", "https://ci/1"),
            ("GITHUB_RUN_ID", "7"),
            ("UNRELATED", "x"),
        ):
            if self.chance(0.1):
                self.environ[name] = value
        if self.chance(0.04):
            self.environ["GITHUB_ACTIONS"] = "true"
        if self.chance(0.03):
            self.environ["SOPHIA_SECRETS_CACHE_TLL"] = "5m"
        if self.chance(0.1):
            self.environ["SOPHIA_SECRETS_CACHE_KEY"] = "A" * 42 + "E"
        if self.chance(0.7):
            write(self.cwd / ".env", "API_KEY=from file\nlower=x\n")

    def session(self, age: float = 0.0) -> Session:
        session = open_session("get", environ=self.environ, cwd=str(self.cwd))
        session.clock = lambda: time.time() - age
        return session

    def vault(self) -> None:
        """Some of the names with some value, in the vault."""
        if self.chance(0.6):
            chosen = {name: self.rng.choice(VALUES) for name in NAMES if self.chance(0.6)}
            keep_in_vault(self.environ, self.cwd, chosen)

    def vendors(self) -> list[Backend]:
        """The configured vendors, whatever the chain says of them."""
        session = self.session()
        members = [session.backend(name) for name in ("github", "pulumi", "fly")]
        return [member for member in members if not isinstance(member, Unconfigured)]

    def records(self) -> None:
        """A record for most vendors, fresh or not, with some of the names."""
        for member in self.vendors():
            if self.chance(0.95):
                self.record(member, self.rng.choice(AGES))

    def record(self, member: Backend, age: float) -> None:
        """Keep a snapshot of this vendor of so many seconds ago, as a fetch would have."""
        readable = member.capabilities.readable
        entries = {}
        for name in NAMES:
            if self.chance(0.7):
                state = EntryState.READABLE if readable and self.chance(0.85) else EntryState.WRITE_ONLY
                state = EntryState.ABSENT if self.chance(0.05) else state
                value = SecretValue(self.rng.choice(VALUES)) if state is EntryState.READABLE else None
                entries[name] = Entry(state, value, updated_at="2026-11-24T00:00:00Z", detail="x")
        notes = ("the vendor said something",) if self.chance(0.06) else ()
        session = self.session(age)
        snapshot = Snapshot(member.target, entries, session.clock(), self.chance(0.9), notes=notes)
        if session.cache is None:
            return
        lead = session.cache.lead(
            identity_of(member, session.credential_key), newer_than=session.clock() + 1e6
        )
        if isinstance(lead, Lead):
            lead.store(to_record(snapshot))

    def record_files(self) -> list[Path]:
        return sorted(self.cache.glob(f"*{RECORD}"))

    def happen(self) -> str:
        """One thing that happens between two starts of the program, and its name."""
        change = self.rng.choice(HAPPENINGS)
        change(self)
        return change.__name__


def keep_in_vault(environ: Mapping[str, str], cwd: Path, values: Mapping[str, str]) -> None:
    """Store what the vault can hold of these."""
    member = open_session("set", environ=environ, cwd=str(cwd)).configured("local")
    changes = [Change(name, SecretValue(value)) for name, value in values.items()]
    fit = [each for each in changes if member.problem(each.name, each.value) is None]
    process.run(member.write(fit), path="")


def write(path: Path, text: str | bytes) -> None:
    """Put a new file in the place, so that the stamp differs whatever the clock's tick is."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(path.name + ".new")
    fresh.write_bytes(text.encode() if isinstance(text, str) else text)
    fresh.chmod(0o600)
    if path.exists():
        os.link(path, path.with_name(path.name + f".{time.monotonic_ns()}"))
    fresh.replace(path)


def settings_change(state: State) -> None:
    write(
        state.config / "config.toml", state.rng.choice(["strict = true\n", 'chain = ["env"]\n', "nonsense"])
    )


def settings_go(state: State) -> None:
    (state.config / "config.toml").unlink(missing_ok=True)


def a_project_file_appears(state: State) -> None:
    write(state.cwd / "sophia-secrets.toml", '[pulumi]\nenvironment = "evil/evil/evil"\n')


def a_pyproject_appears(state: State) -> None:
    write(state.home / "work" / "pyproject.toml", "[tool.sophia-secrets]\nstrict = true\n")


def a_repository_begins(state: State) -> None:
    (state.cwd / ".git").mkdir()


def trust_is_revoked(state: State) -> None:
    layered.TrustStore(str(state.state)).revoke(str(state.home / "work" / "sophia-secrets.toml"))


def everybody_may_write_the_project_file(state: State) -> None:
    path = state.home / "work" / "sophia-secrets.toml"
    if path.exists():
        path.chmod(0o666)


def everybody_may_write_the_settings_directory(state: State) -> None:
    state.config.chmod(0o777)


def another_token(state: State) -> None:
    for name in ("PULUMI_ACCESS_TOKEN", "FLY_API_TOKEN", "GH_TOKEN"):
        if name in state.environ:
            state.environ[name] = state.environ[name].replace("one", "two")


def the_token_goes(state: State) -> None:
    for name in ("PULUMI_ACCESS_TOKEN", "FLY_API_TOKEN", "GH_TOKEN"):
        state.environ.pop(name, None)


def another_account_signs_in(state: State) -> None:
    for path in ("pulumi/credentials.json", "fly/config.yml", "gh/hosts.yml"):
        file = state.home / path
        if file.exists():
            write(file, file.read_text().replace("one", "two").replace("api.pulumi", "two.pulumi"))


def another_target(state: State) -> None:
    state.environ["PULUMI_ENVIRONMENT"] = "acme/app/staging"


def a_variable_of_the_name(state: State) -> None:
    state.environ[state.rng.choice(["API_KEY", "MY_KEY_NAME", "NESTED_PATH", "DB_URL"])] = "new"


def an_unrelated_variable(state: State) -> None:
    state.environ["SOMETHING_ELSE"] = "new"


def a_workflow_begins(state: State) -> None:
    state.environ["GITHUB_ACTIONS"] = "true"


def a_setting_in_a_variable(state: State) -> None:
    name, value = state.rng.choice(
        [("STRICT", "1"), ("CACHE_TTL", "1s"), ("AUDIT", "off"), ("CHAIN", "env,local")]
    )
    state.environ[f"SOPHIA_SECRETS_{name}"] = value


def a_machine_of_the_app(state: State) -> None:
    state.environ["FLY_MACHINE_ID"] = "4d8"


def another_directory(state: State) -> None:
    state.cwd = state.home


def records_age(state: State) -> None:
    for member in state.vendors():
        state.record(member, state.rng.choice(AGES))


def records_are_damaged(state: State) -> None:
    for path in state.record_files():
        data = bytearray(path.read_bytes())
        data[state.rng.randrange(len(data))] ^= 1 << state.rng.randrange(8)
        path.write_bytes(data)


def records_are_cut(state: State) -> None:
    for path in state.record_files():
        data = path.read_bytes()
        path.write_bytes(data[: state.rng.randrange(len(data))])


def records_are_swapped(state: State) -> None:
    found = state.record_files()
    if len(found) > 1:
        one, other = found[0].read_bytes(), found[1].read_bytes()
        found[0].write_bytes(other)
        found[1].write_bytes(one)


def a_record_is_open_to_others(state: State) -> None:
    for path in state.record_files():
        path.chmod(0o644)


def a_write_draws_a_generation(state: State) -> None:
    session = state.session()
    for member in state.vendors():
        if session.cache is not None:
            session.cache.bump(identity_of(member, session.credential_key))


def the_route_is_damaged(state: State) -> None:
    for path in state.cache.glob("routes/*.route"):
        data = bytearray(path.read_bytes())
        data[state.rng.randrange(len(data))] ^= 1
        path.write_bytes(data)


def the_vault_changes(state: State) -> None:
    state.vault()


def the_vault_goes(state: State) -> None:
    (state.state / "secrets.env.age").unlink(missing_ok=True)


def the_vault_is_open_to_others(state: State) -> None:
    if (state.state / "secrets.env.age").exists():
        (state.state / "secrets.env.age").chmod(0o644)


def the_identity_goes(state: State) -> None:
    (state.state / "identity.txt").unlink(missing_ok=True)


def the_dotenv_file_changes(state: State) -> None:
    write(state.cwd / ".env", "DB_URL=from file\n")


def the_dotenv_file_breaks(state: State) -> None:
    write(state.cwd / ".env", "not a dotenv file")


def the_key_is_another(state: State) -> None:
    if (state.state / "key").exists():
        write(state.state / "key", os.urandom(32))


def the_key_is_no_key(state: State) -> None:
    if (state.state / "key").exists():
        write(state.state / "key", b"short")


def the_state_is_open_to_others(state: State) -> None:
    if state.state.exists():
        state.state.chmod(0o755)


def the_log_cannot_be_opened(state: State) -> None:
    for path in state.state.glob("audit/*/audit.jsonl"):
        path.unlink()
        path.mkdir()


def the_log_is_torn(state: State) -> None:
    for path in state.state.glob("audit/*/audit.jsonl"):
        with path.open("ab") as file:
            file.write(b'{"seq":9,"ti')


def the_head_goes(state: State) -> None:
    for path in state.state.glob("audit/*/audit.head"):
        path.unlink()


def the_counters_are_damaged(state: State) -> None:
    for path in state.state.glob("audit/*/counters"):
        path.write_bytes(b"damaged")


def nothing(state: State) -> None:
    del state


HAPPENINGS: tuple[Callable[[State], None], ...] = (
    settings_change, settings_go, a_project_file_appears, a_pyproject_appears, a_repository_begins,
    trust_is_revoked, everybody_may_write_the_project_file, everybody_may_write_the_settings_directory,
    another_token, the_token_goes, another_account_signs_in, another_target, a_variable_of_the_name,
    an_unrelated_variable, a_workflow_begins, a_setting_in_a_variable, a_machine_of_the_app, another_directory,
    records_age, records_are_damaged, records_are_cut, records_are_swapped, a_record_is_open_to_others,
    a_write_draws_a_generation, the_route_is_damaged, the_vault_changes, the_vault_goes,
    the_vault_is_open_to_others, the_identity_goes, the_dotenv_file_changes, the_dotenv_file_breaks,
    the_key_is_another, the_key_is_no_key, the_state_is_open_to_others, the_log_cannot_be_opened,
    the_log_is_torn, the_head_goes, the_counters_are_damaged, nothing, nothing, nothing, nothing,
)  # fmt: skip
