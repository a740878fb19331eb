"""The process that reads: texts come in on the socket whose number is the argument, readings go out."""

import contextlib
import gc
import pickle
import signal
import socket
import sys

from gateway.aside.wire import frame, frames, pack_read, unpack_content
from gateway.reading.packing import pack_reading
from gateway.reading.read import Reader

ROOM = 1 << 20
TOGETHER = 4
"""Readings that are sent at once while more texts wait."""


def main(number: int) -> None:
    """Read until the other end goes away. The first frame holds the lexicons, pickled."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is meant for the gateway, which hangs up.
    with contextlib.suppress(ConnectionError):  # the gateway died
        serve(number)


def serve(number: int) -> None:
    """The same, while the other end is there. Raises ConnectionError."""
    reader: Reader | None = None
    waiting = bytearray()
    with socket.socket(fileno=number) as line:
        while part := line.recv(ROOM):
            waiting += part
            values = frames(waiting)
            if reader is None and values:
                reader = Reader(pickle.loads(values.pop(0)))  # noqa: S301 (the gateway's own)
                reader.prepare()
                gc.collect()
                gc.freeze()
                gc.disable()  # Left alone it would look at up to 50,000 objects at once, amid a text.
                line.sendall(frame(b""))
            if reader is not None:
                answer(line, reader, values)
                gc.collect(0)  # what is new since the last texts


def answer(line: socket.socket, reader: Reader, values: list[bytes]) -> None:
    """Read these texts and send what they say."""
    said = []
    for left, value in zip(range(len(values) - 1, -1, -1), values, strict=True):
        reading = reader.read(unpack_content(value))
        said.append(frame(pack_read((reading, pack_reading(reading)))))
        if len(said) == TOGETHER or not left:
            line.sendall(b"".join(said))
            said.clear()


if __name__ == "__main__":
    main(int(sys.argv[1]))
