"""The parts of the process runner that need no vendor: lookup, input, directories, words."""

import errno
import fcntl
import os
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sophia_secrets.backends.base import Call, Ended
from sophia_secrets.core.model import SecretValue
from sophia_secrets.launch import private as private_directories
from sophia_secrets.launch.private import PrivateDirectory
from sophia_secrets.process import Cancel, find_program, look_up
from sophia_secrets.process.error_text import error_text, showable
from sophia_secrets.process.stdin import LARGE_PIPE, METHODS, Method, in_file, in_memory, in_pipe, readable
from tests.faults.children import in_child


def executable(place: Path, mode: int = 0o755) -> Path:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("#!/bin/sh\n")
    place.chmod(mode)
    return place


@pytest.fixture(autouse=True)
def _quiet_umask(tmp_path: Path) -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


class TestLookup:
    def test_the_first_program_in_path_is_found(self, tmp_path: Path) -> None:
        first = executable(tmp_path / "a" / "gh")
        executable(tmp_path / "b" / "gh")
        assert find_program("gh", f"{tmp_path}/none:{tmp_path}/a:{tmp_path}/b") == str(first)

    @pytest.mark.parametrize("path", ["", ":", ".:", "bin", ":bin:./bin:..", "~/bin"])
    def test_I9_empty_and_relative_elements_are_skipped(
        self, path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        executable(tmp_path / "gh")
        executable(tmp_path / "bin" / "gh")
        monkeypatch.chdir(tmp_path)
        assert find_program("gh", path) is None
        assert look_up("gh", path).ended is Ended.NOT_FOUND

    def test_I9_a_program_that_others_can_write_is_refused_and_no_other_taken(self, tmp_path: Path) -> None:
        executable(tmp_path / "a" / "gh", 0o777)
        executable(tmp_path / "b" / "gh")
        found = look_up("gh", f"{tmp_path}/a:{tmp_path}/b")
        assert (found.path, found.ended) == ("", Ended.NOT_RUNNABLE)
        assert found.detail == f"{tmp_path}/a/gh can be written by other users"

    def test_I9_a_program_in_a_directory_that_others_can_write_is_refused(self, tmp_path: Path) -> None:
        program = executable(tmp_path / "open" / "gh")
        program.parent.chmod(0o777)
        assert look_up("gh", str(program.parent)).ended is Ended.NOT_RUNNABLE
        assert look_up("gh", "", str(program)).ended is Ended.NOT_RUNNABLE

    def test_I9_a_link_to_a_directory_that_others_can_write_is_refused(self, tmp_path: Path) -> None:
        program = executable(tmp_path / "open" / "real")
        program.parent.chmod(0o777)
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin" / "gh").symlink_to(program)
        assert (
            look_up("gh", str(tmp_path / "bin")).detail == f"{program.parent} can be written by other users"
        )

    def test_I9_in_a_sticky_directory_only_our_own_program_counts(self, tmp_path: Path) -> None:
        program = executable(tmp_path / "sticky" / "gh")
        program.parent.chmod(0o1777)
        assert find_program("gh", str(program.parent)) == str(program)
        if os.geteuid() != 0:
            pytest.skip("only root can give a file away")
        os.chown(program, 12345, 12345)
        assert look_up("gh", str(program.parent)).ended is Ended.NOT_RUNNABLE

    def test_a_link_is_started_by_its_own_name(self, tmp_path: Path) -> None:
        executable(tmp_path / "real" / "shim")
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin" / "gh").symlink_to(tmp_path / "real" / "shim")
        assert find_program("gh", str(tmp_path / "bin")) == str(tmp_path / "bin" / "gh")

    def test_flyctl_is_preferred_to_fly_wherever_it_is(self, tmp_path: Path) -> None:
        fly = executable(tmp_path / "a" / "fly")
        assert find_program("fly", f"{tmp_path}/a:{tmp_path}/b") == str(fly)
        flyctl = executable(tmp_path / "b" / "flyctl")
        assert find_program("fly", f"{tmp_path}/a:{tmp_path}/b") == str(flyctl)

    def test_a_file_that_is_not_executable_is_passed_over_but_told(self, tmp_path: Path) -> None:
        executable(tmp_path / "a" / "gh", 0o644)
        assert look_up("gh", f"{tmp_path}/a").detail == f"{tmp_path}/a/gh is not executable"
        good = executable(tmp_path / "b" / "gh")
        assert find_program("gh", f"{tmp_path}/a:{tmp_path}/b") == str(good)

    def test_an_explicit_path_is_taken_as_it_is_or_refused(self, tmp_path: Path) -> None:
        good = executable(tmp_path / "mine" / "gh-2")
        assert find_program("gh", "", str(good)) == str(good)
        assert look_up("gh", "/usr/bin", "gh").ended is Ended.NOT_RUNNABLE
        assert look_up("gh", "/usr/bin", "").ended is Ended.NOT_RUNNABLE
        assert look_up("gh", "/usr/bin", str(tmp_path / "none")).ended is Ended.NOT_FOUND
        assert look_up("gh", "/usr/bin", str(tmp_path)).ended is Ended.NOT_FOUND
        good.chmod(0o600)
        assert look_up("gh", "/usr/bin", str(good)).detail == f"{good} is not executable"


def read_all(fd: int) -> bytes:
    with open(fd, "rb") as file:
        return file.read()


class TestInput:
    @pytest.mark.parametrize("way", METHODS, ids=lambda way: way.__name__)
    @pytest.mark.parametrize("size", [0, 1, 4096, 65536, 65537, 1_000_000])
    def test_X5_every_way_holds_all_of_it_and_then_ends(self, way: Method, size: int, tmp_path: Path) -> None:
        content = os.urandom(size)
        fd = way(content, lambda: str(tmp_path))
        assert fd is not None
        assert not os.get_inheritable(fd)
        assert not stat.S_ISCHR(os.fstat(fd).st_mode)
        assert read_all(fd) == content
        assert not list(tmp_path.iterdir())

    def test_X5_what_does_not_fit_a_pipe_goes_elsewhere(self, tmp_path: Path) -> None:
        content = os.urandom(LARGE_PIPE + 1)
        assert in_pipe(content, lambda: str(tmp_path)) is None
        assert read_all(readable(content, lambda: str(tmp_path))) == content

    def test_X5_a_pipe_that_took_only_a_part_is_not_used(self, monkeypatch: pytest.MonkeyPatch) -> None:
        before = os.listdir("/dev/fd")
        write = os.write
        monkeypatch.setattr(os, "write", lambda fd, content: write(fd, content[:8192]))
        assert in_pipe(b"x" * 20_000, lambda: "") is None
        assert os.listdir("/dev/fd") == before

    def test_X5_a_write_that_takes_little_at_a_time_is_repeated(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        write = os.write
        monkeypatch.setattr(os, "write", lambda fd, content: write(fd, content[:1000]))
        for way in (in_memory, in_file):
            fd = way(b"y" * 4500, lambda: str(tmp_path))
            assert fd is not None
            assert read_all(fd) == b"y" * 4500

    def test_X5_a_system_without_memory_files_uses_an_unlinked_one(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.delattr(os, "memfd_create")
        content = os.urandom(2_000_000)
        fd = readable(content, lambda: str(tmp_path))
        assert stat.S_IMODE(os.fstat(fd).st_mode) == 0o600
        assert os.fstat(fd).st_nlink == 0
        assert read_all(fd) == content

    def test_X5_where_the_system_refuses_pipes_and_memory_a_file_is_used(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        def refused(*_: object) -> int:
            raise OSError(errno.EPERM, os.strerror(errno.EPERM))

        monkeypatch.setattr(fcntl, "fcntl", refused)
        monkeypatch.setattr(os, "memfd_create", refused)
        before = os.listdir("/dev/fd")
        content = os.urandom(200_000)
        assert in_pipe(content, lambda: str(tmp_path)) is None
        assert in_memory(content, lambda: str(tmp_path)) is None
        assert os.listdir("/dev/fd") == before
        assert read_all(readable(content, lambda: str(tmp_path))) == content

    def test_X5_a_full_disk_leaves_no_descriptor_of_a_part(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        def full(*_: object) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        before = os.listdir("/dev/fd")
        with monkeypatch.context() as patched:
            patched.setattr(os, "write", full)
            with pytest.raises(OSError, match="No space"):
                in_file(b"value", lambda: str(tmp_path))
        assert os.listdir("/dev/fd") == before
        assert list(tmp_path.iterdir()) == []

    def test_nothing_left_is_an_error_and_no_descriptor_stays(self, tmp_path: Path) -> None:
        before = os.listdir("/dev/fd")
        with pytest.raises(OSError, match="cannot be prepared"):
            readable(b"x", lambda: str(tmp_path), ways=(lambda _content, _private: None,))
        assert os.listdir("/dev/fd") == before


class TestPrivateDirectories:
    def test_what_a_killed_process_left_goes_after_a_day(self, tmp_path: Path) -> None:
        for name, age in (("sophia-secrets-old", 2 * 86400), ("sophia-secrets-new", 60), ("another", 10**7)):
            left = tmp_path / name / "scratch-1"
            left.mkdir(parents=True)
            (left / "credentials.json").write_text("a token")
            then = time.time() - age
            os.utime(tmp_path / name, (then, then))
        os.symlink(tmp_path / "another", tmp_path / "sophia-secrets-link")
        os.utime(tmp_path / "sophia-secrets-link", (0, 0), follow_symlinks=False)
        private = PrivateDirectory(str(tmp_path))
        private.root()
        private.remove()
        assert sorted(os.listdir(tmp_path)) == ["another", "sophia-secrets-link", "sophia-secrets-new"]
        assert (tmp_path / "another" / "scratch-1" / "credentials.json").exists()

    @pytest.mark.parametrize("umask", [0o000, 0o077, 0o777])
    def test_modes_hold_under_any_umask(self, umask: int, tmp_path: Path) -> None:
        goal = tmp_path / "session"
        goal.write_text("real")
        private = PrivateDirectory(str(tmp_path))
        os.umask(umask)
        empty = private.empty()
        place = private.lay_out({"config.yml": b"content"}, {"a": str(goal), "b": "/none"})
        os.umask(0o022)
        for directory in (private.root(), empty, place):
            assert stat.S_IMODE(os.stat(directory).st_mode) == 0o700
        assert stat.S_IMODE(os.stat(f"{place}/config.yml").st_mode) == 0o600
        assert sorted(os.listdir(place)) == ["a", "config.yml"]
        assert os.readlink(f"{place}/a") == str(goal)
        assert os.listdir(empty) == []
        private.remove()
        assert os.listdir(tmp_path) == ["session"]
        assert goal.read_text() == "real"

    def test_what_a_child_left_is_removed_without_following_links(self, tmp_path: Path) -> None:
        kept = tmp_path / "kept"
        kept.mkdir()
        (kept / "file").write_text("stays")
        private = PrivateDirectory(str(tmp_path))
        place = Path(private.lay_out({"config.yml": b""}, {}))
        for directory in (place, Path(private.empty())):
            (directory / "deep" / "er").mkdir(parents=True)
            (directory / "deep" / "log").write_text("value")
            (directory / "link").symlink_to(kept)
            (directory / "deep").chmod(0o000)
            directory.chmod(0o500)
        private.remove()
        assert os.listdir(tmp_path) == ["kept"]
        assert (kept / "file").read_text() == "stays"

    @pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/etc/x", "../x", "a\0b"])
    def test_a_scratch_name_cannot_leave_its_directory(self, name: str, tmp_path: Path) -> None:
        private = PrivateDirectory(str(tmp_path))
        with pytest.raises(ValueError, match="plain name"):
            private.lay_out({name: b""}, {})
        private.remove()

    def test_where_the_first_place_is_missing_another_is_used(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
        monkeypatch.setenv("TMPDIR", str(tmp_path))
        private = PrivateDirectory(str(tmp_path / "missing"))
        assert os.path.dirname(private.root()) == str(tmp_path)
        private.remove()

    def test_where_no_place_is_left_a_child_works_in_the_root_and_gets_no_file(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(private_directories, "_parents", lambda first: iter(["/proc/none"]))
        private = PrivateDirectory()
        assert private.empty() == "/"
        with pytest.raises(FileNotFoundError):
            private.lay_out({}, {})
        private.remove()

    def test_what_a_child_shut_is_opened_and_removed(self) -> None:
        """Root gets everywhere, so another user tries."""

        def work(say: Callable[[bytes], None]) -> None:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setresgid(54321, 54321, 54321)
                os.setresuid(54321, 54321, 54321)
            private = PrivateDirectory("/tmp")
            place = Path(private.lay_out({"config.yml": b""}, {}))
            (place / "deep" / "er").mkdir(parents=True)
            (place / "deep" / "er" / "log").write_text("value")
            (place / "link").symlink_to("/")
            (place / "deep" / "er").chmod(0)
            (place / "deep").chmod(0)
            place.chmod(0)
            private.remove()
            say(b"left" if place.parent.exists() else b"gone")

        assert in_child(work) == b"gone"

    def test_a_runtime_directory_that_is_not_there_is_not_used(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("TMPDIR", str(tmp_path))
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "runtime"))
        private = PrivateDirectory()
        assert os.path.dirname(private.root()) == str(tmp_path)
        private.remove()

    def test_a_runtime_directory_that_others_can_read_is_not_used(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("TMPDIR", str(tmp_path))
        runtime = tmp_path / "runtime"
        runtime.mkdir(mode=0o755)
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
        for mode, parent in ((0o755, tmp_path), (0o700, runtime)):
            runtime.chmod(mode)
            private = PrivateDirectory()
            assert os.path.dirname(private.root()) == str(parent)
            private.remove()


def call(*values: str, stdin: bytes = b"", **environment: str) -> Call:
    return Call("gh", (), environment, stdin=stdin, secrets=tuple(map(SecretValue, values)))


class TestWords:
    def test_L7_values_input_lines_and_tokens_are_taken_out(self) -> None:
        asked = call("hunter22", stdin=b"NAME=first line\nsecond line\n", GH_TOKEN="ghp_0123456789")
        said = b"bad hunter22; line (second line is invalid); token ghp_0123456789 expired\n"
        assert error_text(said, asked, cut=False) == "bad ***; line (*** is invalid); token *** expired\n"

    def test_L7_a_value_that_was_coloured_in_the_middle_is_taken_out(self) -> None:
        assert error_text(b"\x1b[31mhun\x1b[1mter22\x1b[0m!", call("hunter22"), cut=False) == "***!"

    def test_L7_a_value_that_holds_a_terminal_sequence_is_taken_out(self) -> None:
        asked = call("pre\x1b[31mfix")
        assert error_text(b"<pre\x1b[31mfix> <prefix>", asked, cut=False) == "<***> <***>"

    def test_L7_a_cut_end_does_not_show_the_beginning_of_a_value(self) -> None:
        assert error_text(b"invalid: hunter2", call("hunter22-and-more"), cut=True) == "invalid: ***"

    def test_no_words_are_none(self) -> None:
        assert error_text(b"", call("x"), cut=True) == ""

    def test_error_text_that_is_not_utf8_is_still_text(self) -> None:
        assert error_text(b"caf\xe9 \xff", call(), cut=False) == "caf\ufffd \ufffd"

    @pytest.mark.parametrize(
        ("values", "stdin", "answer"),
        [
            (("long enough",), b"", True),
            ((), b"", True),
            (("",), b"", True),
            (("abc",), b"", False),
            ((" ab \n",), b"", False),
            (("long enough", "x"), b"", False),
            ((), b"pin", False),
        ],
    )
    def test_L7_a_short_value_forbids_showing(
        self, values: tuple[str, ...], stdin: bytes, answer: bool
    ) -> None:
        assert showable(call(*values, stdin=stdin)) is answer


class TestCancel:
    def test_it_can_be_asked_many_times_and_after_the_end(self) -> None:
        before = os.listdir("/dev/fd")
        with Cancel() as cancel:
            for _ in range(70_000):
                cancel.cancel()
        cancel.cancel()
        cancel.close()
        assert cancel.cancelled
        assert os.listdir("/dev/fd") == before

    def test_nothing_is_left_where_no_descriptor_was(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def none_left() -> tuple[int, int]:
            raise OSError(24, "Too many open files")

        monkeypatch.setattr(os, "pipe", none_left)
        with pytest.raises(OSError, match="Too many"):
            Cancel()
