from __future__ import annotations

import errno
import fcntl
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sophia_secrets import errors
from sophia_secrets.state import atomic, files, opening
from tests.faults.children import Child, in_child

ROOT = os.geteuid() == 0
STRANGER = 54321


@pytest.fixture
def place(tmp_path: Path) -> Iterator[tuple[Path, int]]:
    home = tmp_path / "home"
    fd = files.open_directory(str(home))
    yield home, fd
    os.close(fd)


@pytest.fixture(params=[0o000, 0o022, 0o777], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def _as_stranger(work: Callable[[Callable[[bytes], None]], object]) -> bytes:
    """Run it without root's power to pass every mode; as it is where we are no root."""

    def child(say: Callable[[bytes], None]) -> None:
        if ROOT:
            os.setgroups([])
            os.setresgid(STRANGER, STRANGER, STRANGER)
            os.setresuid(STRANGER, STRANGER, STRANGER)
        work(say)

    return in_child(child)


@pytest.fixture
def common() -> Iterator[Path]:
    """A directory that every user reaches and may write to, as `/tmp` is."""
    place = Path(tempfile.mkdtemp())
    place.chmod(0o1777)
    yield place
    place.chmod(0o700)
    shutil.rmtree(place)


def _modes(top: Path) -> dict[str, int]:
    return {
        str(path.relative_to(top.parent)): stat.S_IMODE(path.lstat().st_mode)
        for path in [top, *top.rglob("*")]
    }


def test_F3_every_new_level_and_file_is_private_under_any_umask(tmp_path: Path, umask: int) -> None:
    fd = files.open_directory(str(tmp_path / "a" / "b" / "c"))
    atomic.replace(fd, "replaced", b"x")
    atomic.create(fd, "created", b"x")
    os.close(files.open_append(fd, "appended"))
    with files.Lock(fd, "locked"):
        pass
    os.close(fd)
    modes = _modes(tmp_path / "a")
    assert {path: oct(mode) for path, mode in modes.items()} == {
        **dict.fromkeys(("a", "a/b", "a/b/c"), "0o700"),
        **dict.fromkeys(
            (f"a/b/c/{name}" for name in ("replaced", "created", "create.lock", "appended", "locked")),
            "0o600",
        ),
    }


def test_F3_a_user_without_roots_powers_gets_through_a_umask_of_0777(common: Path) -> None:
    def work(say: Callable[[bytes], None]) -> None:
        os.umask(0o777)
        fd = files.open_directory(str(common / "a" / "b"))
        for name in ("x", "y"):
            assert atomic.create(fd, name, b"content of " + name.encode())
        with files.Lock(fd, "lock"):
            say(files.read(fd, "y", 100) or b"")

    assert _as_stranger(work) == b"content of y"


def test_F4_a_directory_that_others_can_enter_is_refused_with_the_command_that_closes_it(
    tmp_path: Path,
) -> None:
    loose = tmp_path / "it's loose"
    for mode in (0o701, 0o710, 0o750, 0o755, 0o777, 0o1777):
        loose.mkdir(exist_ok=True)
        loose.chmod(mode)
        with pytest.raises(errors.UnsafeState) as caught:
            files.open_directory(str(loose))
        assert caught.value.exit_code == 6
        assert caught.value.hint == f"chmod 700 '{tmp_path}/it'\\''s loose'"
    os.chmod(loose, 0o700)
    os.close(files.open_directory(str(loose)))


@pytest.mark.parametrize("mode", [0o601, 0o604, 0o610, 0o620, 0o640, 0o644, 0o666])
def test_F4_a_file_that_others_can_use_is_refused_with_the_command_that_closes_it(
    place: tuple[Path, int], mode: int
) -> None:
    home, fd = place
    (home / "loose").write_bytes(b"x")
    (home / "loose").chmod(mode)
    for use in (
        lambda: files.read(fd, "loose", 10),
        lambda: files.open_append(fd, "loose"),
        lambda: files.Lock(fd, "loose").acquire(0.0),
        lambda: files.read_path(str(home / "loose"), 10),
    ):
        with pytest.raises(errors.UnsafeState) as caught:
            use()
        assert caught.value.hint == f"chmod 600 {home}/loose"
    assert files.read_path(str(home / "loose"), 10, private=False) == b"x"


@pytest.mark.skipif(not ROOT, reason="only root can give a file away")
def test_F4_what_belongs_to_another_user_is_refused_with_the_command_that_takes_it(
    place: tuple[Path, int], tmp_path: Path
) -> None:
    home, fd = place
    (home / "theirs").write_bytes(b"x")
    (home / "theirs").chmod(0o600)
    os.chown(home / "theirs", STRANGER, -1)
    with pytest.raises(errors.UnsafeState, match=f"belongs to user {STRANGER}") as caught:
        files.read(fd, "theirs", 10)
    assert caught.value.hint == f"chown 0 {home}/theirs"

    (tmp_path / "dir").mkdir(mode=0o700)
    os.chown(tmp_path / "dir", STRANGER, -1)
    with pytest.raises(errors.UnsafeState, match=f"belongs to user {STRANGER}"):
        files.open_directory(str(tmp_path / "dir"))


@pytest.mark.skipif(not ROOT, reason="only root could do it")
def test_F4_root_makes_nothing_inside_another_users_directory(tmp_path: Path) -> None:
    home = tmp_path / "alice"
    home.mkdir(mode=0o755)
    os.chown(home, STRANGER, -1)
    with pytest.raises(errors.UnsafeState, match="by root inside a directory of user 54321") as caught:
        files.open_directory(str(home / ".local" / "state"))
    assert "SOPHIA_SECRETS_HOME" in caught.value.hint
    assert list(home.iterdir()) == []


@pytest.mark.skipif(not ROOT, reason="only root can become another user")
def test_F4_what_another_user_keeps_shut_is_named_as_theirs(common: Path) -> None:
    os.close(files.open_directory(str(common / "roots")))

    def work(say: Callable[[bytes], None]) -> None:
        try:
            files.open_directory(str(common / "roots"))
        except errors.UnsafeState as error:
            say(error.message.encode())

    assert b"belongs to user 0" in _as_stranger(work)


def _plant_symlink(path: Path, goal: Path) -> None:
    path.symlink_to(goal)


def _plant_hard_link(path: Path, goal: Path) -> None:
    os.link(goal, path)


def _plant_fifo(path: Path, goal: Path) -> None:
    os.mkfifo(path, 0o600)


def _plant_directory(path: Path, goal: Path) -> None:
    path.mkdir(mode=0o700)


def _plant_dangling(path: Path, goal: Path) -> None:
    path.symlink_to(goal.with_name("not-there"))


PLANTS = [_plant_symlink, _plant_hard_link, _plant_fifo, _plant_directory, _plant_dangling]


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__)
def test_F1_a_planted_path_is_refused_at_once_and_its_goal_untouched(
    place: tuple[Path, int], tmp_path: Path, plant: Callable[[Path, Path], None]
) -> None:
    home, fd = place
    goal = tmp_path / "goal"
    goal.write_bytes(b"goal")
    goal.chmod(0o600)
    plant(home / "name", goal)
    for use in (
        lambda: files.read(fd, "name", 100),
        lambda: files.open_append(fd, "name"),
        lambda: files.Lock(fd, "name").acquire(None),
    ):
        with pytest.raises(errors.UnsafeState) as caught:
            use()
        assert f"{home}/name" in caught.value.message
        assert caught.value.hint.startswith(("mv ", "cp -p "))
    assert not atomic.create(fd, "name", b"new")
    try:
        atomic.replace(fd, "name", b"new")
    except IsADirectoryError:
        assert plant is _plant_directory
    else:
        assert files.read(fd, "name", 100) == b"new"
    assert goal.read_bytes() == b"goal"
    assert not goal.with_name("not-there").exists()
    assert [name for name in files.names(fd) if name.endswith(atomic.TEMPORARY)] == []


def test_F1_a_device_is_refused() -> None:
    dev = os.open("/dev", os.O_RDONLY | os.O_DIRECTORY)
    try:
        with pytest.raises(errors.UnsafeState, match="is a device, not a file"):
            files.read(dev, "null", 10)
    finally:
        os.close(dev)
    with pytest.raises(errors.UsageError, match="is a device, not a file"):
        files.read_path("/dev/null", 10)
    with pytest.raises(errors.UsageError, match="is a device, not a file"):
        atomic.replace_path("/dev/null", b"x")


@pytest.mark.parametrize("plant", [_plant_symlink, _plant_fifo, _plant_dangling], ids=lambda p: p.__name__)
def test_F1_a_state_directory_that_is_no_directory_is_refused(
    tmp_path: Path, plant: Callable[[Path, Path], None]
) -> None:
    goal = tmp_path / "goal"
    goal.mkdir(mode=0o700)
    plant(tmp_path / "state", goal)
    with pytest.raises(errors.UnsafeState, match="not a directory"):
        files.open_directory(str(tmp_path / "state"))
    assert list(goal.iterdir()) == []


def test_F2_a_directory_swapped_while_it_is_used_leads_nowhere_else(tmp_path: Path) -> None:
    state, aside, outside = tmp_path / "state", tmp_path / "aside", tmp_path / "outside"
    os.close(files.open_directory(str(state)))
    outside.mkdir(mode=0o700)

    def race(say: Callable[[bytes], None]) -> None:
        while True:
            os.rename(state, aside)
            os.symlink(outside, state)
            os.unlink(state)
            os.rename(aside, state)
            time.sleep(0.0001)

    racer = Child(race)
    written = refused = 0
    try:
        while written < 500 or not refused:
            try:
                fd = files.open_directory(str(state), create=False)
            except (errors.UnsafeState, FileNotFoundError, NotADirectoryError):
                refused += 1
                continue
            atomic.replace(fd, "file", b"x", sync=False)
            os.close(fd)
            written += 1
    finally:
        racer.kill()
        racer.end()
    assert list(outside.iterdir()) == []


def test_F5_a_directory_that_cannot_be_made_is_an_os_error(common: Path) -> None:
    common.chmod(0o555)

    def work(say: Callable[[bytes], None]) -> None:
        try:
            files.open_directory(str(common / "state"))
        except PermissionError:
            say(b"PermissionError")

    assert _as_stranger(work) == b"PermissionError"


def test_a_missing_directory_is_left_missing_when_nothing_is_to_be_made(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        files.open_directory(str(tmp_path / "a" / "b"), create=False)
    assert list(tmp_path.iterdir()) == []


def test_F7_files_are_never_opened_as_standard_streams(tmp_path: Path) -> None:
    def work(say: Callable[[bytes], None]) -> None:
        for fd in (0, 1, 2):
            os.close(fd)
        directory = files.open_directory(str(tmp_path / "state"))
        log = files.open_append(directory, "log")
        lock = files.Lock(directory, "lock")
        lock.acquire()
        assert min(directory, log, lock._fd) > 2
        os.write(log, b"event")
        say(files.read(directory, "log", 10) or b"")
        for fd in (0, 1, 2):
            with pytest.raises(OSError, match="Bad file"):
                os.fstat(fd)

    assert in_child(work) == b"event"


def test_a_short_write_is_continued(place: tuple[Path, int], monkeypatch: pytest.MonkeyPatch) -> None:
    _, fd = place
    write = os.write
    monkeypatch.setattr(os, "write", lambda to, data: write(to, bytes(data)[:3]))
    atomic.replace(fd, "name", bytes(range(100)))
    assert files.read(fd, "name", 100) == bytes(range(100))


@pytest.mark.parametrize("broken", ["write", "fsync", "rename", "fchmod"])
def test_a_failed_replacement_keeps_the_old_and_leaves_nothing_behind(
    place: tuple[Path, int], monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    _, fd = place
    atomic.replace(fd, "name", b"old")

    def fail(*arguments: object, **more: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, broken, fail)
        with pytest.raises(OSError, match="No space"):
            atomic.replace(fd, "name", b"new")
    assert files.read(fd, "name", 10) == b"old"
    assert files.names(fd) == ["name"]


def test_reading_stops_at_the_limit(place: tuple[Path, int]) -> None:
    _, fd = place
    atomic.replace(fd, "name", b"12345")
    assert files.read(fd, "name", 5) == b"12345"
    with pytest.raises(files.TooLarge):
        files.read(fd, "name", 4)
    atomic.replace(fd, "empty", b"")
    assert files.read(fd, "empty", 0) == b""
    assert files.read(fd, "missing", 10) is None


def test_reading_stops_at_the_limit_of_a_file_that_grows_while_it_is_read() -> None:
    """As those of `/proc` do, which say that they are empty."""
    assert os.stat("/proc/self/status").st_size == 0
    assert files.read_path("/proc/self/status", 1 << 20, private=False)
    with pytest.raises(files.TooLarge):
        files.read_path("/proc/self/status", 10, private=False)


def test_a_write_that_takes_nothing_is_an_error_and_no_endless_loop(
    place: tuple[Path, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, fd = place
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", lambda to, data: 0)
        with pytest.raises(OSError, match="nothing could be written"):
            atomic.replace(fd, "name", b"data")
    assert files.names(fd) == []


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP, errno.EIO])
def test_a_file_system_that_syncs_no_directory_is_used_and_a_broken_one_is_not(
    place: tuple[Path, int], monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    _, fd = place
    fsync = os.fsync

    def partly(one: int) -> None:
        if stat.S_ISDIR(os.fstat(one).st_mode):
            raise OSError(number, os.strerror(number))
        fsync(one)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", partly)
        if number == errno.EIO:
            with pytest.raises(OSError, match=os.strerror(number)):
                atomic.replace(fd, "name", b"data")
        else:
            atomic.replace(fd, "name", b"data")
            assert files.read(fd, "name", 4) == b"data"


def test_a_path_is_told_by_its_name_where_the_system_cannot_say_the_directory(
    place: tuple[Path, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    home, fd = place
    assert files.path_of(fd, "name") == str(home / "name")

    def unknown(path: str) -> str:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)

    monkeypatch.setattr(os, "readlink", unknown)
    assert files.path_of(fd, "name") == "name"


def test_a_state_directory_is_absolute() -> None:
    with pytest.raises(ValueError, match="absolute"):
        files.open_directory("state")


def test_F3_a_file_that_its_creator_has_not_opened_yet_is_waited_for(
    place: tuple[Path, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under a umask of 0777 a file is made shut, and its creator opens it a moment later."""
    home, fd = place
    atomic.replace(fd, "name", b"data")
    (home / "name").chmod(0)
    tries = []
    really = opening.open_private

    def shut(dirfd: int, name: str, flags: int) -> int:
        tries.append(name)
        if len(tries) < 3:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        (home / "name").chmod(0o600)
        return really(dirfd, name, flags)

    monkeypatch.setattr(opening, "open_private", shut)
    os.close(opening.open_shared(fd, "name", os.O_RDWR))
    assert len(tries) == 3
    tries.clear()
    with pytest.raises(PermissionError):
        opening.open_shared(fd, "name", os.O_RDWR)
    assert len(tries) == 1


def test_create_lets_one_win_and_shows_readers_the_whole_or_nothing(place: tuple[Path, int]) -> None:
    _, fd = place
    assert atomic.create(fd, "name", b"first")
    assert not atomic.create(fd, "name", b"second")
    assert files.read(fd, "name", 10) == b"first"


def test_remove_says_whether_there_was_anything(place: tuple[Path, int]) -> None:
    _, fd = place
    atomic.replace(fd, "name", b"")
    assert files.remove(fd, "name")
    assert not files.remove(fd, "name")


def test_appending_keeps_what_is_there(place: tuple[Path, int]) -> None:
    _, fd = place
    for line in (b"one\n", b"two\n"):
        log = files.open_append(fd, "log")
        files.write_all(log, line)
        assert os.pread(log, 4, 0) == b"one\n"
        os.close(log)
    assert files.read(fd, "log", 100) == b"one\ntwo\n"


def test_a_lock_excludes_another_and_gives_up_at_its_deadline(place: tuple[Path, int]) -> None:
    _, fd = place
    first, second = files.Lock(fd, "lock"), files.Lock(fd, "lock")
    assert first.acquire(0.0)
    assert not second.acquire(0.0)
    before = time.monotonic()
    assert not second.acquire(before + 0.05)
    assert time.monotonic() >= before + 0.05
    first.release()
    assert second.acquire(0.0)
    second.release()


def test_shared_locks_go_together_and_keep_an_exclusive_one_out(place: tuple[Path, int]) -> None:
    _, fd = place
    one, two, alone = (files.Lock(fd, "lock") for _ in range(3))
    assert one.acquire(0.0, shared=True)
    assert two.acquire(0.0, shared=True)
    assert not alone.acquire(0.0)
    one.release()
    two.release()
    with alone:
        assert not one.acquire(0.0, shared=True)


def test_a_lock_whose_file_was_removed_does_not_split_its_holders(place: tuple[Path, int]) -> None:
    _, fd = place
    first, second, third = (files.Lock(fd, "lock") for _ in range(3))
    assert first.acquire(0.0)
    files.remove(fd, "lock")
    assert second.acquire(0.0)
    first.release()
    assert not third.acquire(0.0)
    second.release()


def test_a_lock_on_a_file_that_went_between_opening_and_locking_is_none(
    place: tuple[Path, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, fd = place
    flock = fcntl.flock

    def remove_and_lock(*arguments: int) -> None:
        files.remove(fd, "lock")
        flock(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(fcntl, "flock", remove_and_lock)
        assert not files.Lock(fd, "lock").acquire(0.0)

    def replace_and_lock(*arguments: int) -> None:
        atomic.replace(fd, "lock", b"")
        flock(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(fcntl, "flock", replace_and_lock)
        assert not files.Lock(fd, "lock").acquire(0.0)


def test_a_lock_that_is_held_is_held_once_and_writes_only_while_it_is(place: tuple[Path, int]) -> None:
    home, fd = place
    lock = files.Lock(fd, "lock")
    lock.write(b"nobody's")
    assert not (home / "lock").exists()
    assert lock.acquire()
    with lock:
        lock.write(b"ours")
        assert not files.Lock(fd, "lock").acquire(0.0)
    lock.write(b"nobody's")
    assert (home / "lock").read_bytes() == b"ours"
    assert files.Lock(fd, "lock").acquire(0.0)


def test_a_lock_that_is_dropped_is_let_go(place: tuple[Path, int]) -> None:
    _, fd = place
    lock = files.Lock(fd, "lock")
    lock.acquire()
    del lock
    assert files.Lock(fd, "lock").acquire(0.0)


def test_a_forked_child_neither_holds_nor_releases_its_parents_lock(place: tuple[Path, int]) -> None:
    _, fd = place
    lock = files.Lock(fd, "lock")
    lock.acquire()

    def work(say: Callable[[bytes], None]) -> None:
        assert not lock.held
        lock.release()
        assert not files.Lock(fd, "lock").acquire(0.0)

    in_child(work)
    assert not files.Lock(fd, "lock").acquire(0.0)
    lock.release()


def test_a_file_the_user_named_is_replaced_whole_and_private(tmp_path: Path) -> None:
    path = tmp_path / "out.env"
    path.write_text("old")
    path.chmod(0o644)
    atomic.replace_path(str(path), b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["out.env"]


def test_a_relative_path_is_of_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    atomic.replace_path("out", b"here")
    assert (tmp_path / "out").read_bytes() == b"here"
    assert files.read_path("out", 10) == b"here"
    assert files.read_path("other", 10) is None
    assert files.read_path("no/such/directory", 10) is None


@pytest.mark.parametrize(
    ("plant", "word"),
    [(_plant_symlink, "a symbolic link"), (_plant_fifo, "a named pipe"), (_plant_directory, "a directory")],
)
def test_a_named_path_that_is_no_file_is_said_to_be_what_it_is(
    tmp_path: Path, plant: Callable[[Path, Path], None], word: str
) -> None:
    goal = tmp_path / "goal"
    goal.write_bytes(b"goal")
    goal.chmod(0o600)
    plant(tmp_path / "named", goal)
    with pytest.raises(errors.UsageError, match=word):
        files.read_path(str(tmp_path / "named"), 10)
    with pytest.raises(errors.UsageError, match=word):
        atomic.replace_path(str(tmp_path / "named"), b"new")
    assert goal.read_bytes() == b"goal"


def test_a_link_is_followed_only_where_that_was_asked_for(tmp_path: Path) -> None:
    (tmp_path / "goal").write_bytes(b"goal")
    (tmp_path / "link").symlink_to("goal")
    assert files.read_path(str(tmp_path / "link"), 10, private=False, follow=True) == b"goal"


def test_a_named_file_in_a_missing_directory_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(errors.UsageError) as caught:
        atomic.replace_path(str(tmp_path / "a" / "b"), b"x")
    assert caught.value.hint == f"mkdir -p {tmp_path}/a"
    with pytest.raises(errors.UsageError, match="a directory, not a file"):
        atomic.replace_path("/", b"x")


def test_a_path_that_no_file_can_have_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=os.strerror(errno.ENAMETOOLONG)):
        files.read_path(str(tmp_path / ("x" * 300)), 10)
