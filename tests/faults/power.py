"""
What a power cut may leave of a run: its recorded calls with any that were not synced taken away.

The model is the strict one of POSIX (as ALICE has it, OSDI 2014): data is kept once its file was
synced, a name once its directory was; until then each may be there or not, in any order. A
rename is one change. A write that was lost before one that was kept leaves zeros.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.injected import DRIVER
from tests.program import Done, Program

_CALLS = (
    "openat,write,pwrite64,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,ftruncate,mkdir,mkdirat"
)
_CALL = re.compile(r"(\w+)\((.*)\)\s+= (\d+)(?:<([^>]*)>)?")
_STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_FD = re.compile(r"(\d+)<([^>]*)>")


@dataclass(frozen=True)
class Change:
    """One change on its way to the disk: of a file's bytes, or of the names in one directory."""

    what: str
    file: int = -1
    at: int = -1
    data: bytes = b""
    names: tuple[tuple[str, int | None], ...] = ()


@dataclass
class Recording:
    """The tree before a run, its changes in order, and after how many changes each sync came."""

    root: Path
    files: dict[int, bytes] = field(default_factory=dict)
    names: dict[str, int | None] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    synced: list[tuple[int, str | int]] = field(default_factory=list)
    done: Done | None = None

    def states(self) -> Iterator[tuple[str, bool, dict[str, bytes | None]]]:
        """
        Each distinct tree that a cut may leave: what it is, whether the run had ended, and the
        content of each path (None for a directory).
        """
        seen: set[int] = set()
        for cut in range(len(self.changes) + 1):
            kept, loose = self._split(cut)
            variants = [("all kept", kept | loose), ("all lost", kept)]
            variants += [(f"lost {self.changes[one].what}", (kept | loose) - {one}) for one in sorted(loose)]
            for told, chosen in variants:
                tree = self._tree(sorted(chosen))
                ended = cut == len(self.changes)
                mark = hash((ended, *tree.items()))
                if mark not in seen:
                    seen.add(mark)
                    yield f"cut after {cut} of {len(self.changes)} changes, {told}", ended, tree

    def _split(self, cut: int) -> tuple[set[int], set[int]]:
        """The changes before the cut that are surely on the disk, and those that may be."""
        kept = set()
        for before, what in self.synced:
            if before <= cut:
                kept |= {i for i in range(before) if self._is_of(self.changes[i], what)}
        return kept, set(range(cut)) - kept

    def _is_of(self, change: Change, what: str | int) -> bool:
        if isinstance(what, int):
            return change.file == what
        return any(os.path.dirname(name) == what for name, _ in change.names)

    def _tree(self, chosen: list[int]) -> dict[str, bytes | None]:
        files, names = dict(self.files), dict(self.names)
        for i in chosen:
            change = self.changes[i]
            names.update(change.names)
            if change.file >= 0:
                old = files.get(change.file, b"")
                if change.what.startswith("ftruncate"):
                    files[change.file] = old[: change.at].ljust(change.at, b"\0")
                else:
                    end = change.at + len(change.data)
                    files[change.file] = old[: change.at].ljust(change.at, b"\0") + change.data + old[end:]
        there: dict[str, bytes | None] = {}
        for name in sorted(names):
            file = names[name]
            parent = os.path.dirname(name)
            if file is not None and (parent == str(self.root.parent) or parent in there):
                there[name] = None if file == _DIRECTORY else files.get(file, b"")
        return there


_DIRECTORY = -2


def restore(root: Path, tree: dict[str, bytes | None]) -> None:
    """Make the directory what the tree says, private as it was."""
    shutil.rmtree(root, ignore_errors=True)
    for name, content in tree.items():
        path = Path(name)
        if content is None:
            path.mkdir(mode=0o700)
        else:
            path.write_bytes(content)
            path.chmod(0o600)


def record(program: Program, *arguments: str, stdin: str = "") -> Recording:
    """Run a command line and write down what it changes below the program's directory."""
    made = Recording(program.sophia)
    for path in [program.sophia, *sorted(program.sophia.rglob("*"))] if program.sophia.exists() else []:
        made.names[str(path)] = _DIRECTORY if path.is_dir() else len(made.files)
        if path.is_file():
            made.files[len(made.files)] = path.read_bytes()
    log = program.root / "power.txt"
    done = subprocess.run(
        ["strace", "-y", "-xx", "-s", "1000000", "-o", str(log), "-e", f"trace={_CALLS}",
         sys.executable, "-P", str(DRIVER), *arguments],
        input=stdin.encode(), capture_output=True, cwd=program.cwd,
        env=program.full_environment(), timeout=60, check=False,
    )  # fmt: skip
    made.done = Done(done.returncode, done.stdout.decode(), done.stderr.decode())
    reader = _Reader(made)
    for line in log.read_text().splitlines():
        if (call := _CALL.match(line)) is not None:
            reader.read(call[1], call[2], int(call[3]))
    return made


class _Reader:
    """From strace's lines to changes."""

    def __init__(self, recording: Recording) -> None:
        self._made = recording
        self._names = dict(recording.names)
        self._sizes = {file: len(data) for file, data in recording.files.items()}
        self._next = len(recording.files)
        self._open: dict[int, tuple[int, bool, int]] = {}

    def read(self, call: str, arguments: str, result: int) -> None:
        paths = [] if "write" in call else self._paths(arguments)
        match call:
            case "openat":
                self._opened(paths[0], arguments, result)
            case "write":
                self._written(arguments, None)
            case "pwrite64":
                self._written(arguments, int(arguments.rpartition(",")[2]))
            case "fsync" | "fdatasync":
                self._synced(arguments)
            case "ftruncate":
                fd = int(arguments.partition("<")[0])
                self._truncated(fd, int(arguments.rpartition(",")[2]))
            case "mkdir" | "mkdirat":
                self._renamed(f"{call} of {paths[0]}", {paths[0]: _DIRECTORY})
            case "unlink" | "unlinkat":
                self._renamed(f"{call} of {paths[0]}", {paths[0]: None})
            case _:
                moved = self._names.get(paths[0])
                self._renamed(f"rename to {paths[1]}", {paths[0]: None, paths[1]: moved})

    def _paths(self, arguments: str) -> list[str]:
        """The paths that are named, each against the directory before it."""
        found = []
        base = ""
        for fd, text in re.findall(r'(?:\d+|AT_FDCWD)<([^>]*)>|"((?:\\x[0-9a-f]{2})*)"', arguments):
            if fd:
                base = _text(fd)
            elif text:
                found.append(os.path.normpath(os.path.join(base, _text(text))))
        return found

    def _ours(self, path: str) -> bool:
        return path == str(self._made.root) or path.startswith(f"{self._made.root}/")

    def _opened(self, path: str, arguments: str, fd: int) -> None:
        self._open.pop(fd, None)
        if not self._ours(path) or "O_DIRECTORY" in arguments:
            return
        if self._names.get(path) is None:
            assert "O_CREAT" in arguments, path
            self._sizes[self._next] = 0
            self._renamed(f"creation of {path}", {path: self._next})
            self._next += 1
        file = self._names[path]
        assert file is not None
        self._open[fd] = (file, "O_APPEND" in arguments, 0)

    def _written(self, arguments: str, at: int | None) -> None:
        fd = int(arguments.partition("<")[0])
        if fd not in self._open or not (text := _STRING.search(arguments)):
            return
        file, appends, position = self._open[fd]
        data = bytes.fromhex(text[1].replace("\\x", ""))
        start = at if at is not None else self._sizes[file] if appends else position
        self._made.changes.append(
            Change(f"write of {len(data)} bytes to {self._name(file)}", file, start, data)
        )
        self._sizes[file] = max(self._sizes[file], start + len(data))
        if at is None:
            self._open[fd] = (file, appends, start + len(data))

    def _truncated(self, fd: int, length: int) -> None:
        if fd in self._open:
            file = self._open[fd][0]
            self._made.changes.append(Change(f"ftruncate of {self._name(file)}", file, length))
            self._sizes[file] = length

    def _synced(self, arguments: str) -> None:
        found = _FD.match(arguments)
        assert found is not None
        fd, path = int(found[1]), _text(found[2])
        before = len(self._made.changes)
        if fd in self._open:
            self._made.synced.append((before, self._open[fd][0]))
        else:
            self._made.synced.append((before, path))

    def _renamed(self, what: str, names: dict[str, int | None]) -> None:
        if any(map(self._ours, names)):
            self._names.update(names)
            self._made.changes.append(Change(what, names=tuple(names.items())))

    def _name(self, file: int) -> str:
        return next((os.path.basename(name) for name, held in self._names.items() if held == file), "?")


def _text(quoted: str) -> str:
    return re.sub(r"\\x([0-9a-f]{2})", lambda each: chr(int(each[1], 16)), quoted).encode("latin-1").decode()
