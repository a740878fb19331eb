"""What is said where nobody can listen: on which setting's address, why, and what to do."""

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from gateway.settings.values import Listen

_REMEDIES = {
    errno.EADDRINUSE: "another gateway or mail server may be there already",
    errno.EACCES: "a port below 1024 needs the capability CAP_NET_BIND_SERVICE",
    errno.EADDRNOTAVAIL: "name an address that this machine has",
}


@contextmanager
def listening(setting: str, listen: Listen) -> Iterator[None]:
    """Around what listens there. Raises OSError with a text that names the setting, such as SMTP_LISTEN."""
    try:
        yield
    except (OSError, UnicodeError) as error:
        raise OSError(f"GALATEO_{setting}: cannot listen on {listen}: {_why(error)}") from error


def _why(error: OSError | UnicodeError) -> str:
    if isinstance(error, UnicodeError):
        return "that is no name of a machine; name an address that this machine has"
    if isinstance(error, socket.gaierror) or not error.errno:
        return f"{error.strerror or error}; name an address that this machine has"
    remedy = _REMEDIES.get(error.errno, "")
    return os.strerror(error.errno) + (f"; {remedy}" if remedy else "")
