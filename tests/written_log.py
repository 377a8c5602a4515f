"""An audit log written line by line, with a head that says what it is told to say."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path

from sophia_secrets.state import audit_disk, chain
from sophia_secrets.state.audit import Actor, AuditLog
from sophia_secrets.state.audit_verify import Verdict

KEY = b"k" * 32
NEW_CHAIN = b'"outcome":"new_chain"'
GET = b'"command":"get"'


class Written:
    """The log in `place`; `lines` are those that no file holds yet."""

    def __init__(self, place: Path, key: bytes = KEY) -> None:
        self.directory = place / "log"
        self.directory.mkdir(mode=0o700, exist_ok=True)
        self.key = key
        self.sequence = 0
        self.mac = chain.ORIGIN
        self.lines: list[bytes] = []

    def line(self, fields: bytes = GET) -> bytes:
        self.sequence += 1
        line, self.mac = chain.seal(self.key, self.mac, self.sequence, fields)
        self.lines.append(line)
        return line

    def put(self, name: str, data: bytes | None = None) -> None:
        """What was written since the last file, in a file of that name."""
        path = self.directory / name
        path.write_bytes(b"".join(line + b"\n" for line in self.lines) if data is None else data)
        path.chmod(0o600)
        self.lines = []

    def begin(self) -> None:
        self.sequence, self.mac = 0, chain.ORIGIN

    def hash_of(self, name: str) -> bytes:
        return blake2b((self.directory / name).read_bytes(), digest_size=32).hexdigest().encode()

    def head(
        self, *, file: int = 1, sequence: int | None = None, synced: int | None = None, boot: bytes = b""
    ) -> None:
        at = self.sequence if sequence is None else sequence
        known = at if synced is None else synced
        boot = boot or audit_disk.boot_id()
        head = chain.Head(file, 1, at, self.mac, synced=known, boot=boot)
        path = self.directory / "audit.head"
        path.write_bytes(chain.pack_head(self.key, head))
        path.chmod(0o600)

    def verify(self, key: bytes | None = None, expect_head: str | None = None) -> Verdict:
        log = AuditLog(str(self.directory), key or self.key, actor=Actor("ada", "engine", 42))
        try:
            return log.verify(expect_head=expect_head)
        finally:
            log.close()
