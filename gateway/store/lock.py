"""The lock of a database file: who serves it, or changes it as a whole, holds it alone."""

import fcntl
import os
from pathlib import Path

from gateway.store.protocol import Unavailable


class Served(Unavailable):
    """A gateway serves this database."""


def lock(database: Path) -> int:
    """Hold `<database>.lock` until the file that is returned is closed. Raises Served, and Unavailable where
    the lock cannot be written."""
    try:
        file = os.open(database.with_name(database.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise Unavailable(
            f"this user cannot write {database.name}.lock in {database.parent.absolute()}:"
            f" {error.strerror}. The folder and what is in it must be this user's."
        ) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(file)
        raise Served(f"a gateway serves {database}. Stop it first.") from error
    return file
