"""The access file of a gateway that serves: that it says something else by now is told, since it counts from
the next start on."""

import logging
from hashlib import blake2b
from pathlib import Path

from gateway.access import AccessError
from gateway.app.access_file import read_access_file

log = logging.getLogger(__name__)

CHANGED = (
    "the access file has changed, but who was let in at the start still is, with the same rights:"
    " restart the gateway to put the file in force"
)
REFUSED = "the access file cannot be used; the gateway goes on with what it read, and would not start again"
GONE = "it cannot be read"


class AccessWatch:
    """Make one before the file is read: what changes while a gateway starts is then noticed too."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._served = self._told = _digest(path)

    def look(self) -> None:
        """Tell, once for each change, whether a restart would put the file in force or fail. By content: a
        file replaced by another of the same content, or by a swapped link, has not changed."""
        found = _digest(self._path)
        if found == self._told:
            return
        self._told = found
        if found == self._served:
            log.info("access.in_force")
            return
        try:
            if not found:
                raise AccessError(f"{self._path}: {GONE}")
            read_access_file(self._path)
        except AccessError as error:
            log.error("access.refused", extra={"problem": f"{REFUSED}: {error}"})
        else:
            log.warning("access.changed", extra={"problem": CHANGED})


def _digest(path: Path) -> bytes:
    """A hash of the file's bytes; empty where there is none."""
    try:
        return blake2b(path.read_bytes(), digest_size=16).digest()
    except OSError:
        return b""
