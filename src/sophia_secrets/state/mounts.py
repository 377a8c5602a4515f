"""The kind of file system of the state: locks and renames are reliable on a local one only (F6)."""

from __future__ import annotations

import os

SHARED = frozenset(
    (
        "9p",
        "afs",
        "afpfs",
        "ceph",
        "cifs",
        "davfs",
        "glusterfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "smb3",
        "smbfs",
        "virtiofs",
    )
)
"""File systems that another host may write at the same time."""

_MOUNTS = "/proc/self/mountinfo"


def kind_of(path: str) -> str:
    """The kind of file system under a path (`ext4`, `nfs4`, `fuse.sshfs`), or empty if unknown."""
    try:
        device = os.stat(path).st_dev
        with open(_MOUNTS, encoding="utf-8", errors="surrogateescape") as mounts:
            return kind_in(mounts.read(), os.major(device), os.minor(device))
    except OSError:
        return ""


def kind_in(mountinfo: str, major: int, minor: int) -> str:
    """The kind of a device's file system by the text of `/proc/self/mountinfo` (proc(5)), or empty."""
    for line in mountinfo.splitlines():
        before, found, after = line.partition(" - ")
        fields = before.split(" ")
        if found and len(fields) > 4 and fields[2] == f"{major}:{minor}":
            return after.split(" ")[0]
    return ""


def is_shared(kind: str) -> bool:
    """Whether several hosts may write to this kind of file system, or it is served by a program (FUSE)."""
    return kind in SHARED or kind == "fuse" or kind.startswith("fuse.")
