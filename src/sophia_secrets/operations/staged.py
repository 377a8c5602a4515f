"""The files staged for the next commit, read from the index with `git`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence

from msgspec import Struct

from sophia_secrets import errors
from sophia_secrets.backends.base import MEBIBYTE, Call, Completed, Ended, Steps
from sophia_secrets.core.hidden_repr import HiddenRepr
from sophia_secrets.core.model import SecretValue

LARGEST = 100 * MEBIBYTE
"""A staged file larger than this is not read; GitHub rejects it too."""

_BATCH = 8 * MEBIBYTE
_ABOUT = 512
"""An upper bound for the bytes of a line about an object."""

# Nothing that the repository's configuration names is started: no monitor, hook, pager or filter, and
# no remote is asked for a missing object.
_HARDENED = (
    "--no-pager",
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "protocol.allow=never"),
)
_ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}
# The GIT_ variables are those that git sets for a hook, above all the index to be committed.
_PASSED = (
    "HOME",
    "XDG_CONFIG_HOME",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_WORK_TREE",
)
_REGULAR = ("100644", "100755", "120000")


class Git(HiddenRepr, Struct, frozen=True):
    """`git` in the working directory; `secrets` are redacted from its error text."""

    environ: Mapping[str, str]
    cwd: str
    timeout: float
    secrets: tuple[SecretValue, ...] = ()

    def call(
        self, *arguments: str, stdin: bytes = b"", limit: int = 16 * MEBIBYTE, hardened: bool = True
    ) -> Call:
        """One call of git."""
        environment = {name: self.environ[name] for name in _PASSED if self.environ.get(name)}
        return Call(
            "git",
            (*(_HARDENED if hardened else ()), *arguments),
            {**environment, **_ENVIRONMENT},
            stdin=stdin,
            timeout=self.timeout,
            output_limit=limit,
            directory=self.cwd,
            secrets=self.secrets,
            label=f"git {arguments[0]}",
        )


class StagedFile(HiddenRepr, Struct, frozen=True):
    """A staged file, its path relative to the top of the working tree; without `data` there is a `reason`."""

    path: str
    data: bytes | None
    reason: str = ""


def staged(git: Git, take: Callable[[StagedFile], None]) -> Steps[None]:
    """
    Call `take` with every file that the next commit adds or changes, as it is in the index.

    Raises `errors.UsageError` outside a repository, `CliMissing`, `TimedOut` and `BadOutput`.
    """
    _output((yield git.call("rev-parse", "--git-dir")))
    listed = yield git.call("diff", "--cached", "--raw", "-z", "--no-abbrev", "--no-renames", "--no-ext-diff")
    paths = _changed(_output(listed))
    if not paths:
        return
    wanted = "".join(f"{name}\n" for name in paths).encode()
    about = yield git.call("cat-file", "--batch-check", stdin=wanted, limit=_ABOUT * len(paths) + _ABOUT)
    sizes = _sizes(_output(about), tuple(paths))
    for name, size in sizes.items():
        if size > LARGEST:
            _give(paths[name], None, f"it is larger than {LARGEST} bytes", take)
    for batch in _batches({name: size for name, size in sizes.items() if size <= LARGEST}):
        limit = sum(sizes[name] + _ABOUT for name in batch)
        done = yield git.call(
            "cat-file", "--batch", stdin="".join(f"{name}\n" for name in batch).encode(), limit=limit
        )
        output = _output(done)
        at = 0
        for name in batch:
            start = output.find(b"\n", at) + 1
            if output[at:start].split() != [name.encode(), b"blob", str(sizes[name]).encode()]:
                raise _unparsable("cat-file")
            at = start + sizes[name] + 1
            if output[at - 1 : at] != b"\n":
                raise _unparsable("cat-file")
            _give(paths[name], output[start : at - 1], "", take)


def _give(paths: Sequence[str], data: bytes | None, reason: str, take: Callable[[StagedFile], None]) -> None:
    for path in paths:
        take(StagedFile(path, data, reason))


def _changed(output: bytes) -> dict[str, list[str]]:
    """The objects of a raw diff, each with the paths it is staged at (git-diff(1))."""
    *fields, rest = output.split(b"\0")
    if rest or len(fields) % 2:
        raise _unparsable("diff")
    found: dict[str, list[str]] = {}
    for head, path in zip(fields[::2], fields[1::2], strict=True):
        parts = head.decode("ascii", "replace").removeprefix(":").split(" ")
        if len(parts) != 5 or not path:
            raise _unparsable("diff")
        mode, name = parts[1], parts[3]
        if mode in _REGULAR and name.strip("0"):
            found.setdefault(name, []).append(os.fsdecode(path))
    return found


def _sizes(output: bytes, names: Sequence[str]) -> dict[str, int]:
    lines = output.decode("ascii", "replace").splitlines()
    if len(lines) != len(names):
        raise _unparsable("cat-file")
    sizes: dict[str, int] = {}
    for name, line in zip(names, lines, strict=True):
        parts = line.split(" ")
        if parts[:2] != [name, "blob"] or len(parts) != 3 or not parts[2].isdecimal():
            raise _unparsable("cat-file")
        sizes[name] = int(parts[2])
    return sizes


def _batches(sizes: Mapping[str, int]) -> Iterator[list[str]]:
    batch: list[str] = []
    total = 0
    for name, size in sizes.items():
        if batch and total + size > _BATCH:
            yield batch
            batch, total = [], 0
        batch.append(name)
        total += size
    if batch:
        yield batch


def hooks_directory(git: Git) -> Steps[str]:
    """
    The directory of this repository's hooks.

    Raises `errors.UsageError` outside a repository, and where git's configuration names another
    directory, which another tool may own.
    """
    common = yield git.call("rev-parse", "--git-common-dir")
    directory = os.path.join(git.cwd, os.fsdecode(_output(common).removesuffix(b"\n")))
    configured = yield git.call("config", "--get", "core.hooksPath", hardened=False)
    # 1: the key is not set (git-config(1)).
    if configured.ended is not Ended.EXITED or configured.code != 1:
        _output(configured)
        other = os.fsdecode(configured.stdout.removesuffix(b"\n"))
        raise errors.UsageError(
            f"This repository's hooks are in {other} (`core.hooksPath`), which another tool may own.",
            hint="Add `sophia-secrets scan --staged` to its pre-commit hook.",
        )
    return os.path.join(directory, "hooks")


def _output(done: Completed) -> bytes:
    if done.ok:
        return done.stdout
    if done.ended in (Ended.NOT_FOUND, Ended.NOT_RUNNABLE):
        raise errors.CliMissing(
            f"git cannot be started: {done.detail}.", hint="Install git, or scan files by their paths."
        )
    if done.ended is Ended.TIMED_OUT:
        raise errors.TimedOut("git did not answer in time.", hint="Give it longer with `--timeout SECONDS`.")
    if "not a git repository" in done.stderr:
        raise errors.UsageError(
            "This is not a git repository, so it has no hooks and nothing is staged.",
            hint="Scan files by their paths, or begin one with `git init`.",
        )
    words = done.stderr.strip().partition("\n")[0][:500] if done.showable else ""
    raise errors.BadOutput(f"git failed{f': {words}' if words else ''}.", hint="Try `git status` here.")


def _unparsable(what: str) -> errors.BadOutput:
    return errors.BadOutput(
        f"`git {what}` printed output that cannot be parsed.",
        hint="See which git is started with `type git`, or scan files by their paths.",
    )
