"""Files that their owner alone may read (mode 0600): people, and what was written to them, stand in these.

A file that is there already keeps its mode, so that who was given the right to read it keeps that.
"""

import os
from pathlib import Path


def private(path: str, flags: int) -> int:
    """The `opener` of open() for such a file."""
    return os.open(path, flags, 0o600)


def write_private(path: Path, data: bytes) -> None:
    """Write a whole file. Raises OSError."""
    with open(path, "wb", opener=private) as file:
        file.write(data)


def make_private(path: Path) -> None:
    """An empty file. Raises FileExistsError where one is, without opening it, and OSError."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
