"""The checks of `doctor`: settings, programs, permissions, key, cache, audit log, names, committed files."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator

from sophia_secrets import errors
from sophia_secrets.backends.base import Backend, Unconfigured
from sophia_secrets.core import names as naming
from sophia_secrets.core.count import counted
from sophia_secrets.core.model import Check, CheckStatus
from sophia_secrets.operations import starting
from sophia_secrets.operations.fetch import run_all
from sophia_secrets.operations.session import Session
from sophia_secrets.state import mounts

OK, WARN, FAIL, SKIP = CheckStatus.OK, CheckStatus.WARN, CheckStatus.FAIL, CheckStatus.SKIP


def checks(session: Session) -> list[Check]:
    """All checks; the backends' probes run in parallel. Nothing is changed."""
    found: list[Check] = []
    for look in (_settings, _state, _key, _cache, _audit, _forwarding, _naming, _dotenv, _start):
        found += _guarded(look, session)
    return found + _backends(session)


def _guarded(look: Callable[[Session], Iterator[Check]], session: Session) -> list[Check]:
    """Run one check; an exception is a failed check, so that the others still run."""
    name = look.__name__.removeprefix("_")
    try:
        return list(look(session))
    except errors.SophiaError as problem:
        return [Check(name, FAIL, problem.message, problem.hint)]
    except OSError as problem:
        return [Check(name, FAIL, f"{problem.filename or name}: {problem.strerror}.")]


def _settings(session: Session) -> Iterator[Check]:
    said = {source.place.rpartition(":")[0] for source in session.settings.sources.values()}
    read = [
        seen.path
        for seen in session.settings.files
        if seen.stamp is not None and (seen.path in said or not seen.path.endswith("pyproject.toml"))
    ]
    yield Check(
        "settings",
        OK,
        f"Settings are read from {', '.join(read)}." if read else "No settings file; the defaults hold.",
    )
    if session.settings.untrusted is not None:
        yield Check(
            "settings.trust",
            WARN,
            f"{session.settings.untrusted} names targets and is not trusted, so they are ignored.",
            f"Read the file, then run `sophia-secrets trust {session.settings.untrusted}`.",
        )


def _state(session: Session) -> Iterator[Check]:
    directory = session.state_directory
    yield Check("state", OK, f"The state is kept in {directory}.")
    kind = mounts.kind_of(directory)
    if mounts.is_shared(kind):
        yield Check(
            "state.filesystem",
            WARN,
            f"{directory} is on a network file system ({kind}), where locks may not hold.",
            "Set SOPHIA_SECRETS_HOME to a directory on a local disk.",
        )
    inside = _repository_of(directory)
    if inside:
        yield Check(
            "state.git",
            WARN,
            f"{directory} is inside the git repository {inside}.",
            "Set SOPHIA_SECRETS_HOME to a directory outside any repository.",
        )


def _key(session: Session) -> Iterator[Check]:
    yield Check("key", OK, f"The key comes from the {session.master.source}.")


def _cache(session: Session) -> Iterator[Check]:
    if session.cache is None:
        yield Check("cache", SKIP, "The cache is switched off.")
        return
    count = len(session.cache.entries())
    yield Check("cache", OK, f"The cache holds {counted(count, 'snapshot')}.")


def _audit(session: Session) -> Iterator[Check]:
    if not session.settings.is_audited:
        yield Check(
            "audit",
            WARN,
            "The audit log is switched off.",
            'Set `[audit] mode = "required"` in your own settings file.',
        )
        return
    verdict = session.log.verify()
    if verdict.ok:
        relaxed = (
            ""
            if session.settings.requires_audit
            else f" (mode {session.settings.audit_mode}: an event that cannot be written stops nothing)"
        )
        verb = "verifies" if verdict.events == 1 else "verify"
        yield Check(
            "audit",
            OK if not relaxed else WARN,
            f"The audit log's {counted(verdict.events, 'event')} {verb}{relaxed}.",
        )
    else:
        file, line, reason = verdict.first_bad or ("", 0, verdict.state)
        yield Check(
            "audit",
            FAIL,
            f"The audit log does not verify: {file}:{line}: {reason}.",
            "See `sophia-secrets audit verify`.",
        )


def _forwarding(session: Session) -> Iterator[Check]:
    if not session.settings.forwards:
        return
    from sophia_secrets.operations import forwarding

    way, place = session.settings.value("audit.forward"), forwarding.socket_path(session)
    problem = forwarding.send(place, [])
    if problem:
        message = f"Audit events cannot be forwarded to {way} ({place}): {problem}."
        yield Check("audit.forward", WARN, message, "Start it, or correct `forward_socket` under `[audit]`.")
    else:
        yield Check("audit.forward", OK, f"Audit events are forwarded to {way} ({place}).")


def _naming(session: Session) -> Iterator[Check]:
    bad = [name for name in session.settings.declared if naming.convention_problem(name)]
    if bad:
        better = ", ".join(f"{name} -> {naming.corrected(name)}" for name in bad[:5])
        yield Check(
            "naming",
            WARN,
            f"Declared names against the convention: {', '.join(bad[:5])}.",
            f"Rename them: {better}.",
        )
    else:
        yield Check("naming", OK, "The declared names keep to the convention.")


def _dotenv(session: Session) -> Iterator[Check]:
    root = _repository_of(session.cwd)
    if root is None:
        yield Check("dotenv", SKIP, "The working directory is in no git repository.")
        return
    tracked = _tracked(root)
    if tracked is None:
        yield Check("dotenv", SKIP, "The git index could not be read.")
        return
    bad = sorted(path for path in tracked if _looks_secret(path))
    if bad:
        yield Check(
            "dotenv",
            FAIL,
            f"Committed to git: {', '.join(bad[:5])}.",
            f"Run `git rm --cached {bad[0]}`, ignore it, and rotate every secret it held.",
        )
    else:
        yield Check("dotenv", OK, "No .env file is committed to git.")


def _start(session: Session) -> Iterator[Check]:
    """What slows the start of the program; only for the command line."""
    if session.options.command == "doctor":
        yield from starting.checks(session)


def _looks_secret(path: str) -> bool:
    name = path.rpartition("/")[2]
    harmless = name.endswith((".example", ".sample", ".template", ".dist", ".age"))
    return (name == ".env" or name.startswith(".env.")) and not harmless


def _backends(session: Session) -> list[Check]:
    found: list[Check] = []
    probes: dict[int, Backend] = {}
    for position, name in enumerate(session.settings.chain):
        try:
            member = session.backend(name)
        except errors.SophiaError as problem:
            found.append(Check(f"{name}.target", FAIL, problem.message, problem.hint))
            continue
        if isinstance(member, Unconfigured):
            found.append(
                Check(f"{name}.target", SKIP, f"{name} is not configured: {member.reason}", member.hint)
            )
        elif session.options.offline and member.capabilities.needs_call:
            found.append(
                Check(f"{name}.target", SKIP, f"{name} ({member.target}) was not asked (`--offline`)")
            )
        else:
            probes[position] = member
    results = run_all(session, {position: member.probe() for position, member in probes.items()})
    return found + [check for result in results.values() for check in result]


def _repository_of(directory: str) -> str | None:
    current = os.path.abspath(directory)
    while not os.path.exists(os.path.join(current, ".git")):
        parent = os.path.dirname(current)
        if parent == current:
            return None
        current = parent
    return current


_INDEX_LIMIT = 64 * 1024 * 1024


def _tracked(root: str) -> list[str] | None:
    """
    The paths in the git index (versions 2 and 3), read without starting git: a cloned
    repository's settings can make git start programs. Format: git's gitformat-index(5).
    """
    git = os.path.join(root, ".git")
    try:
        if not stat.S_ISDIR(os.stat(git).st_mode):
            return None
        with open(os.path.join(git, "index"), "rb") as file:
            data = file.read(_INDEX_LIMIT)
    except OSError:
        return []
    if data[:4] != b"DIRC" or int.from_bytes(data[4:8], "big") not in (2, 3):
        return None
    paths: list[str] = []
    at = 12
    for _ in range(int.from_bytes(data[8:12], "big")):
        flags = int.from_bytes(data[at + 60 : at + 62], "big")
        begin = at + (64 if flags & 0x4000 else 62)
        end = data.find(b"\0", begin)
        if end < 0:
            return None
        paths.append(data[begin:end].decode("utf-8", "replace"))
        at += (end - at + 8) // 8 * 8
    return paths
