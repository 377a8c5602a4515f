"""A stack's configuration: `pulumi config`, always with an explicit stack and directory."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from sophia_secrets.backends.base import Call, Completed
from sophia_secrets.backends.pulumi import failures, names, values
from sophia_secrets.backends.pulumi.esc import FLAGS
from sophia_secrets.backends.pulumi.session import Session
from sophia_secrets.backends.pulumi.values import Leaf, Path
from sophia_secrets.core.model import Failure, SecretValue, Target


class Stack(Struct, frozen=True):
    """
    The configuration of one stack in one absolute directory; `namespace` is the project's name.

    It is in the file Pulumi.<stack>.yaml of the project: a write changes that file, and others see it only
    after the file is committed.
    """

    stack: str
    directory: str
    namespace: str
    session: Session
    timeout: float

    elsewhere = "the project's Pulumi.yaml, or an environment that the stack imports, defines it"

    @property
    def words(self) -> str:
        return f"stack {self.stack}"

    def read_call(self, secrets: Sequence[SecretValue] = ()) -> Call:
        return replace(self._call("--json", "--show-secrets"), secrets=tuple(secrets))

    def read(self, completed: Completed, target: Target) -> dict[str, Leaf] | Failure:
        if failed := failures.failure_of(completed, target, self.words):
            return failed
        try:
            return values.configuration(completed.stdout, self.namespace)
        except values.Unreadable:
            pass
        return failures.unreadable(completed, target, self.words)

    def set_call(self, name: str, value: SecretValue) -> Call:
        """Store the value with a newline added: `config set` trims one (pkg/cmd/pulumi/config/config.go)."""
        call = self._call("set", f"{self.namespace}:{name}", "--secret")
        return replace(call, stdin=value.reveal().encode() + b"\n", secrets=(value,))

    def remove_call(self, path: Path) -> Call | None:
        """Remove a key, but not a part of an object: without `--path` a dotted key is a separate key."""
        match path:
            case (str(key),) if names.is_sendable(key):
                return self._call("rm", key)
            case _:
                return None

    def note(self, _value: SecretValue) -> str:
        return ""

    def _call(self, *arguments: str) -> Call:
        return Call(
            "pulumi",
            ("-C", self.directory, *FLAGS, "config", *arguments, "--stack", self.stack),
            self.session.variables,
            timeout=self.timeout,
            scratch=self.session.scratch,
            label=f"pulumi config {arguments[0].removeprefix('--')} {self.stack}",
        )
