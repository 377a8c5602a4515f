from __future__ import annotations

import sys
from pathlib import Path

import pytest

from sophia_secrets.state import mounts

MOUNTINFO = """\
22 28 0:21 / /proc rw,nosuid shared:12 - proc proc rw
28 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
41 28 0:45 / /home/a\\040b rw shared:20 master:3 - nfs4 server:/home - rw,vers=4.2
42 28 0:46 / /mnt rw - fuse.sshfs me@host: rw
short line
"""


@pytest.mark.parametrize(
    ("device", "kind", "shared"),
    [
        ((254, 1), "ext4", False),
        ((0, 45), "nfs4", True),
        ((0, 46), "fuse.sshfs", True),
        ((0, 21), "proc", False),
        ((9, 9), "", False),
        ((0, 4), "", False),
    ],
)
def test_F6_the_kind_of_file_system_is_read_from_the_mounts(
    device: tuple[int, int], kind: str, shared: bool
) -> None:
    assert mounts.kind_in(MOUNTINFO, *device) == kind
    assert mounts.is_shared(kind) == shared


def test_F6_every_network_file_system_is_shared_and_no_local_one() -> None:
    assert all(map(mounts.is_shared, ("nfs", "nfs4", "cifs", "smb3", "9p", "fuse", "fuse.s3fs", "ceph")))
    assert not any(
        map(mounts.is_shared, ("ext4", "xfs", "btrfs", "tmpfs", "overlay", "zfs", "apfs", "fuseblk"))
    )


def test_F6_what_cannot_be_told_is_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert mounts.kind_of(str(tmp_path / "missing")) == ""
    monkeypatch.setattr(mounts, "_MOUNTS", str(tmp_path / "no-proc"))
    assert mounts.kind_of(str(tmp_path)) == ""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /proc/self/mountinfo")
def test_F6_proc_is_proc() -> None:
    assert mounts.kind_of("/proc") == "proc"
