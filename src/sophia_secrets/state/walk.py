"""
Following the chain line by line, and explaining what does not fit.

Used by the appender, to see what a crash left behind, and by `verify`. Pure, in constant memory.
"""

from __future__ import annotations

from sophia_secrets.state import chain

CHANGED = "the line was changed"
INSERTED = "the line was put in"
MOVED = "the line was moved or repeated"
REMOVED = "{} removed before this one"
CUT_OFF = "{} cut off here"
NOT_HEAD = "this is not the line that the head names"
_RECOVERED = b'"outcome":"recovered"'
_GAP = b'"outcome":"gap"'
_ROTATED = b'"outcome":"rotated"'


def lines_were(count: int) -> str:
    """A count of lines as a subject with its verb."""
    return "1 line was" if count == 1 else f"{count} lines were"


class Mismatch:
    """The first line that does not follow, and evidence from the lines after it."""

    __slots__ = ("expected", "expected_later", "first", "intruder", "line", "second", "torn")

    def __init__(self, key: bytes, line: int, expected: int, first: bytes) -> None:
        self.line = line
        self.expected = expected
        self.first = first
        self.torn = chain.TornBytes(key)
        self.second = 0
        self.intruder = False
        self.expected_later = False

    @property
    def missing(self) -> int:
        """How many lines are missing before this one, where that is the problem."""
        claimed = chain.sequence_of(self.first)
        if not chain.has_form(self.first) or self.intruder or self.expected_later:
            return 0
        return max(claimed - self.expected, 0) if self.second in (0, claimed + 1) else 0

    @property
    def is_end_of_previous(self) -> bool:
        """Whether the end of the previous file is missing."""
        return self.line == 1 and _ROTATED in self.first and self.missing > 0

    def reason(self) -> str:
        """What was done to the log, as far as the lines show."""
        claimed = chain.sequence_of(self.first)
        if not chain.has_form(self.first):
            return INSERTED if self.intruder else CHANGED
        if _GAP in self.first and claimed >= self.expected:
            return CUT_OFF.format(lines_were(self.missing) if self.missing else "something was")
        if self.intruder:
            return INSERTED if claimed == self.expected else MOVED
        if self.missing:
            missing = lines_were(self.missing)
            return CUT_OFF.format(missing) if self.is_end_of_previous else REMOVED.format(missing)
        if claimed < self.expected or self.expected_later:
            return CHANGED if self.second == self.expected + 1 else MOVED
        return CHANGED


class Walk:
    """
    A walk along the chain from a line whose MAC and sequence are known.

    `feed` takes lines as they are in the file. Afterwards `sequence` and `mac` are those of the last line
    that fits, `line` its number in the file, and `mismatch` what does not fit, if anything. Torn bytes
    that a later `recovered` event vouches for are not a mismatch.
    """

    __slots__ = ("_key", "_marks", "broken", "events", "line", "mac", "mismatch", "not_head", "sequence")

    def __init__(self, key: bytes, mac: bytes, sequence: int) -> None:
        self._key = key
        self._marks: dict[int, bytes] = {}
        self.mac = mac
        self.sequence = sequence
        self.events = 0
        self.line = 0
        self.mismatch: Mismatch | None = None
        self.broken = False
        self.not_head = 0

    def expect(self, sequence: int, mac: bytes) -> bool:
        """Require the line with that number to have that MAC; false where it is known to have another."""
        if sequence == self.sequence:
            return mac == self.mac
        return self._marks.setdefault(sequence, mac) == mac

    @property
    def unreached(self) -> int:
        """How many lines the last expected one is ahead; 0 where all were reached."""
        return max([0, *(sequence - self.sequence for sequence in self._marks)])

    def next_file(self) -> None:
        """The lines fed from now on are numbered from 1."""
        self.line = 0

    def feed(self, lines: list[bytes]) -> bool:
        """Process the next lines; false once the log is certainly altered."""
        at = 0
        while at < len(lines) and not self.broken:
            if self.mismatch is None:
                part = lines[at:] if at else lines
                count, mac = chain.follow(self._key, self.mac, part)
                self._advance(part, count, mac)
                at += count
                if at < len(lines) and not self.broken:
                    self.mismatch = Mismatch(self._key, self.line + 1, self.sequence + 1, lines[at])
                    self._hold(lines[at])
                    at += 1
            elif chain.follows(self._key, self.mac, lines[at]):
                if self._confirms_torn_lines(lines[at]):
                    self.mismatch = None
                else:
                    self.mismatch.intruder = self.broken = True
            else:
                self._hold(lines[at])
                at += 1
        return not self.broken

    def end(self, rest: bytes) -> None:
        """Process the bytes after the last newline: a line without its newline, or a torn one."""
        if rest and not self.broken:
            if chain.follows(self._key, self.mac, rest):
                self.feed([rest])
                return
            if self.mismatch is None:
                self.mismatch = Mismatch(self._key, self.line + 1, self.sequence + 1, rest)
            self._hold(rest, ended=False)

    def _hold(self, line: bytes, *, ended: bool = True) -> None:
        assert self.mismatch is not None  # noqa: S101
        self.line += 1
        self.mismatch.torn.add(line, ended=ended)
        if line is self.mismatch.first:
            return
        sequence = chain.sequence_of(line)
        self.mismatch.second = self.mismatch.second or sequence
        if sequence == self.mismatch.expected:
            self.mismatch.expected_later = True

    def _confirms_torn_lines(self, line: bytes) -> bool:
        assert self.mismatch is not None  # noqa: S101
        return _RECOVERED in line and b'"digest":"%b"' % self.mismatch.torn.hexdigest().encode() in line

    def _advance(self, lines: list[bytes], count: int, mac: bytes) -> None:
        for sequence in [s for s in self._marks if s <= self.sequence + count]:
            offset = sequence - self.sequence - 1
            if chain.mac_of(lines[offset]) != self._marks.pop(sequence):
                self.not_head = self.line + offset + 1
                self.broken = True
        self.sequence += count
        self.events += count
        self.line += count
        self.mac = mac
