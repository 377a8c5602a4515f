"""An ESC environment: `pulumi env open`, `set` and `rm`, always with a three-part name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from sophia_secrets.backends.base import Call, Completed
from sophia_secrets.backends.pulumi import names
from sophia_secrets.backends.pulumi.session import Session
from sophia_secrets.core.model import Failure, SecretValue, Target

if TYPE_CHECKING:
    from sophia_secrets.backends.pulumi.values import Leaf, Path

FLAGS = ("--non-interactive", "--color", "never")


class Environment(Struct, frozen=True):
    """
    One environment; `reference` is organisation/project/env, `namespace` the project's.

    One `env open` without a property path reads everything. It also writes each of the environment's
    `files` in plain text to TMPDIR and leaves it there (pkg/cmd/esc/cli/prepare.go), so TMPDIR is a path
    where no file can be created: the program warns, continues, and prints the variables as defined.
    """

    reference: str
    namespace: str
    session: Session
    timeout: float

    elsewhere = "the environment itself under another heading, or an environment that it imports, defines it"

    @property
    def words(self) -> str:
        return f"environment {self.reference}"

    def read_call(self, secrets: Sequence[SecretValue] = ()) -> Call:
        call = self._call("open", self.reference, "--format", "detailed", "--lifetime", "5m")
        return replace(call, environment={**call.environment, "TMPDIR": "/dev/null"}, secrets=tuple(secrets))

    def read(self, completed: Completed, target: Target) -> dict[str, Leaf] | Failure:
        from sophia_secrets.backends.pulumi import failures, values

        if failed := failures.failure_of(completed, target, self.words):
            return failed
        try:
            return values.environment(completed.stdout, self.namespace)
        except values.Unreadable:
            pass
        return failures.unreadable(completed, target, self.words)

    def set_call(self, name: str, value: SecretValue) -> Call:
        """
        Store the value as a secret string, or, if it contains what ESC would take for a reference (`${`), as
        base64 with the function that decodes it.
        """
        from sophia_secrets.backends.pulumi import values

        text = value.reveal()
        where = values.property_path(("environmentVariables", name))
        arguments = ("set", self.reference, str(where), "--file", "-")
        if not reads_as_reference(text):
            call = self._call(*arguments, "--secret", "--string")
            return replace(call, stdin=text.encode(), secrets=(value,))
        import base64
        import json

        encoded = base64.b64encode(text.encode()).decode()
        definition = json.dumps({"fn::fromBase64": {"fn::secret": encoded}})
        secrets = (value, SecretValue(encoded))
        return replace(self._call(*arguments), stdin=definition.encode(), secrets=secrets)

    def remove_call(self, path: Path) -> Call | None:
        from sophia_secrets.backends.pulumi import values

        where = values.property_path(path)
        # Without a path the command would delete the whole environment.
        if not where or not all(names.is_sendable(step) for step in path if isinstance(step, str)):
            return None
        return self._call("rm", self.reference, where)

    def note(self, value: SecretValue) -> str:
        return (
            "kept as base64, because ESC reads `${` as a reference"
            if reads_as_reference(value.reveal())
            else ""
        )

    def _call(self, *arguments: str) -> Call:
        return Call(
            "pulumi",
            (*FLAGS, "env", *arguments),
            self.session.variables,
            timeout=self.timeout,
            scratch=self.session.scratch,
            label=f"pulumi env {arguments[0]} {self.reference}",
        )


def reads_as_reference(text: str) -> bool:
    """Whether ESC would parse a reference in the text (sdk/go/common/esc/ast/interpolation.go)."""
    return "${" in text.replace("$$", "")
