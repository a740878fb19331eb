"""What the two processes say to each other. Pure.

A frame is its length in four octets, then its octets: the lexicons first, then contents one way, and readings
with their packed form the other way, as MessagePack. Both ends are the same program, so neither the form nor
the other end needs to be doubted.
"""

import msgspec

from gateway.message.content import Content
from gateway.reading.reading import Reading

HEAD = 4
Read = tuple[Reading, bytes]
"""What a text says, and how that is stored: empty where whoever stores it is to pack it."""

_encode = msgspec.msgpack.Encoder().encode
_decode_content = msgspec.msgpack.Decoder(Content).decode
_decode_read = msgspec.msgpack.Decoder(Read).decode


def frame(said: bytes) -> bytes:
    """Octets as a frame."""
    return len(said).to_bytes(HEAD, "big") + said


def frames(waiting: bytearray) -> list[bytes]:
    """The octets of all whole frames at the front, which are taken away; what is left stays."""
    found = []
    place, size = 0, len(waiting)
    while size - place >= HEAD:
        start = place + HEAD
        end = start + int.from_bytes(waiting[place:start], "big")
        if end > size:
            break
        place = end
        found.append(bytes(waiting[start:end]))
    del waiting[:place]
    return found


def pack_content(content: Content) -> bytes:
    """Content. UnicodeEncodeError where there is a lone surrogate in it."""
    return _encode(content)


def unpack_content(said: bytes) -> Content:
    """The content that `pack_content` packed."""
    return _decode_content(said)


def pack_read(read: Read) -> bytes:
    """A reading and how it is stored."""
    return _encode(read)


def unpack_read(said: bytes) -> Read:
    """What `pack_read` packed."""
    read: Read = _decode_read(said)
    return read
