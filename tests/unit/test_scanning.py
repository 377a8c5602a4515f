"""What git says of the index, read without git."""

from __future__ import annotations

import pytest

from sophia_secrets import errors
from sophia_secrets.backends.base import Call, Completed, Ended
from sophia_secrets.operations import hook
from sophia_secrets.operations import staged as module
from sophia_secrets.operations.staged import Git, StagedFile, hooks_directory, staged

A, B, C = "a" * 40, "b" * 40, "c" * 40
NONE = "0" * 40
ENVIRON = {
    "HOME": "/home/u", "GIT_INDEX_FILE": ".git/next-index", "GIT_DIR": ".git", "PATH": "/evil", "GH_TOKEN": "t",
    "GIT_EXTERNAL_DIFF": "evil", "GIT_SSH_COMMAND": "evil", "GIT_CONFIG_COUNT": "1", "LD_PRELOAD": "evil",
}  # fmt: skip


def git() -> Git:
    return Git(ENVIRON, "/repo", 10.0)


def play(*outputs: Completed | bytes) -> tuple[list[StagedFile], list[Call]]:
    """Feed the outputs to a scan of the index."""
    taken: list[StagedFile] = []
    calls: list[Call] = []
    steps = staged(git(), taken.append)
    completed = None
    for output in (*outputs, None):
        try:
            calls.append(steps.send(completed) if completed is not None else next(steps))
        except StopIteration:
            assert output is None, "it ended before all was read"
            break
        assert output is not None, "it asks for more"
        completed = output if isinstance(output, Completed) else Completed(Ended.EXITED, stdout=output)
    return taken, calls


def raw(*rows: tuple[str, str, str, bytes]) -> bytes:
    """`git diff --raw -z`: the new mode, the new object, the status, the path."""
    return b"".join(
        f":100644 {mode} {NONE} {name} {status}".encode() + b"\0" + path + b"\0"
        for mode, name, status, path in rows
    )


def blobs(*pairs: tuple[str, bytes]) -> bytes:
    return b"".join(f"{name} blob {len(data)}\n".encode() + data + b"\n" for name, data in pairs)


def test_every_changed_file_is_given_as_it_is_in_the_index() -> None:
    listed = raw(("100644", A, "A", b"a b\n.txt"), ("120000", B, "M", b"\xff"), ("100755", A, "M", b"again"))
    sizes = f"{A} blob 4\n{B} blob 0\n".encode()
    taken, calls = play(b".git\n", listed, sizes, blobs((A, b"x\n\ny"), (B, b"")))
    assert [(c.path, c.data) for c in taken] == [
        ("a b\n.txt", b"x\n\ny"),
        ("again", b"x\n\ny"),
        ("\udcff", b""),
    ]
    assert calls[2].stdin == f"{A}\n{B}\n".encode()


def test_deleted_files_submodules_and_conflicts_are_not_asked_for() -> None:
    listed = raw(
        ("000000", NONE, "D", b"gone"), ("160000", C, "M", b"module"), ("100644", NONE, "U", b"both")
    )
    assert play(b".git\n", listed)[0] == []


def test_nothing_staged_reads_nothing() -> None:
    taken, calls = play(b".git\n", b"")
    assert (taken, len(calls)) == ([], 2)


def test_many_files_travel_in_batches_of_bounded_size() -> None:
    size = module._BATCH // 2 + 1
    listed = raw(("100644", A, "A", b"a"), ("100644", B, "A", b"b"))
    sizes = f"{A} blob {size}\n{B} blob {size}\n".encode()
    data = bytes(size)
    taken, calls = play(b".git\n", listed, sizes, blobs((A, data)), blobs((B, data)))
    assert [c.path for c in taken] == ["a", "b"]
    assert all(call.output_limit <= module._BATCH + 1024 for call in calls[3:])


def test_a_file_too_large_is_said_and_not_read() -> None:
    sizes = f"{A} blob {module.LARGEST + 1}\n".encode()
    taken, calls = play(b".git\n", raw(("100644", A, "A", b"huge")), sizes)
    assert [(c.path, c.data) for c in taken] == [("huge", None)]
    assert "larger" in taken[0].reason
    assert len(calls) == 3


def test_I9_git_gets_no_variable_that_could_lead_it_elsewhere_and_starts_nothing_of_the_repositorys() -> None:
    calls = play(b".git\n", b"")[1]
    for call in calls:
        assert call.program == "git"
        assert call.directory == "/repo"
        assert set(call.environment) == {
            "HOME", "GIT_DIR", "GIT_INDEX_FILE", "GIT_CONFIG_NOSYSTEM", "GIT_NO_LAZY_FETCH",
            "GIT_OPTIONAL_LOCKS", "GIT_TERMINAL_PROMPT", "LC_ALL",
        }  # fmt: skip
        assert "core.fsmonitor=false" in call.arguments
        assert "core.hooksPath=/dev/null" in call.arguments


@pytest.mark.parametrize(
    "outputs",
    [
        (b".git\n", b"garbage\0path\0"),
        (b".git\n", raw(("100644", A, "A", b"a")), b""),
        (b".git\n", raw(("100644", A, "A", b"a")), f"{A} missing\n".encode()),
        (b".git\n", raw(("100644", A, "A", b"a")), f"{A} tree 3\n".encode()),
        (b".git\n", raw(("100644", A, "A", b"a")), f"{A} blob x\n".encode()),
        (b".git\n", raw(("100644", A, "A", b"a")), f"{A} blob 3\n".encode(), blobs((B, b"abc"))),
        (b".git\n", raw(("100644", A, "A", b"a")), f"{A} blob 3\n".encode(), b""),
    ],
)
def test_V4_what_git_should_not_say_is_an_error_and_never_a_clean_scan(outputs: tuple[bytes, ...]) -> None:
    with pytest.raises(errors.BadOutput):
        play(*outputs)


@pytest.mark.parametrize(
    ("completed", "error", "code"),
    [
        (Completed(Ended.NOT_FOUND, detail="no `git` in PATH"), errors.CliMissing, 5),
        (Completed(Ended.TIMED_OUT), errors.TimedOut, 5),
        (Completed(Ended.EXITED, 128, stderr="fatal: not a git repository"), errors.UsageError, 2),
        (Completed(Ended.EXITED, 128, stderr="fatal: detected dubious ownership"), errors.BadOutput, 5),
        (Completed(Ended.SIGNALLED, 9), errors.BadOutput, 5),
    ],
)
def test_a_git_that_fails_is_told_in_a_sentence(
    completed: Completed, error: type[errors.SophiaError], code: int
) -> None:
    with pytest.raises(error) as caught:
        play(completed)
    assert caught.value.exit_code == code


def test_git_is_never_told_a_value_and_its_words_are_not_shown_where_one_is_too_short_to_hide() -> None:
    with pytest.raises(errors.BadOutput) as caught:
        play(Completed(Ended.EXITED, 1, stderr="abc", showable=False))
    assert "abc" not in caught.value.message


def run_hooks(*outputs: Completed) -> str:
    steps = hooks_directory(git())
    next(steps)
    for output in outputs:
        try:
            steps.send(output)
        except StopIteration as end:
            return str(end.value)
    raise AssertionError("it asks for more")


def test_hooks_are_where_the_repository_keeps_them() -> None:
    not_set = Completed(Ended.EXITED, 1)
    assert run_hooks(Completed(Ended.EXITED, stdout=b".git\n"), not_set) == "/repo/.git/hooks"
    assert run_hooks(Completed(Ended.EXITED, stdout=b"/main/.git\n"), not_set) == "/main/.git/hooks"


def test_hooks_of_another_tool_are_left_to_it() -> None:
    with pytest.raises(errors.UsageError) as caught:
        run_hooks(Completed(Ended.EXITED, stdout=b".git\n"), Completed(Ended.EXITED, stdout=b".husky/_\n"))
    assert ".husky/_" in caught.value.message
    assert hook.LINE in caught.value.hint


def test_the_hook_quotes_the_program_it_starts() -> None:
    assert "program='/a b/it'\\''s/sophia-secrets'\n" in hook.text("/a b/it's/sophia-secrets")
    assert hook.text("").endswith("exec sophia-secrets scan --staged\n")
