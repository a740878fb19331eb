"""What the access file says by now: looked at often, taken up only once it holds still."""

from hashlib import blake2b
from pathlib import Path

PATIENCE = 5
"""Looks in a row at which the file was gone, or always another, before that counts."""


class AccessWatch:
    """Make one before the file is read: what changes while a gateway starts is then noticed too."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._judged = self._seen = _digest(_read(path))
        self._looks = 0

    def look(self) -> bytes | None:
        """What the file says, once for each change; None where that is nothing new. By content: a file that
        is replaced by another of the same content, or by a swapped link, has not changed. And only what two
        looks in a row found, so that nothing half written counts; a file that cannot be read, or is empty,
        is no octets at all, and may be so for a moment."""
        octets = _read(self.path)
        found = _digest(octets)
        if found == self._judged:
            self._looks, self._seen = 0, found
            return None
        self._looks += 1
        settled = octets and found == self._seen
        self._seen = found
        return self._judge(octets) if settled or self._looks >= PATIENCE else None

    def read(self) -> bytes:
        """What the file says now, changed or not."""
        return self._judge(_read(self.path))

    def _judge(self, octets: bytes) -> bytes:
        self._judged = self._seen = _digest(octets)
        self._looks = 0
        return octets


def _read(path: Path) -> bytes:
    """The file's octets; none where it cannot be read or holds nothing."""
    try:
        octets = path.read_bytes()
    except OSError:
        return b""
    return octets if octets.strip() else b""


def _digest(octets: bytes) -> bytes:
    return blake2b(octets, digest_size=16).digest()
