"""Signed checkpoints: where every chain stood at a moment, kept outside of the database, so that an end
which is cut off shows. Ed25519 (RFC 8032) over the line without its signature; one JSON object a line."""

import base64
import contextlib
import errno
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.evidence.entries import Rows, heads
from gateway.keys import Keys

_BEGINNING = b'{"at":'
"""Of every line: its names are sorted."""


class BadCheckpoint(Exception):
    """A checkpoint cannot be read or its signature does not fit; the text names the line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """Where the chains stood: number and hash of each one's last entry. `at` is unix seconds."""

    at: float
    heads: Mapping[str, tuple[int, bytes]]
    key: bytes


def public_key(seed: bytes) -> bytes:
    """The 32-byte public key of a signing seed."""
    private = Ed25519PrivateKey.from_private_bytes(seed)
    return private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def sign(seed: bytes, data: bytes) -> bytes:
    """The 64-byte signature of some octets."""
    return Ed25519PrivateKey.from_private_bytes(seed).sign(data)


def is_signed(key: bytes, signature: bytes, data: bytes) -> bool:
    """Whether the signature over these octets was made with that key's seed."""
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True


async def take_checkpoint(store: Rows, keys: Keys, now: float) -> bytes:
    """Where every chain stands, as a signed line."""
    told: dict[str, Any] = {
        "version": 1,
        "at": now,
        "database": keys.fingerprint,
        "heads": {chain: [seq, hash_.hex()] for chain, (seq, hash_) in sorted((await heads(store)).items())},
        "key": public_key(keys.signing).hex(),
    }
    signature = sign(keys.signing, orjson.dumps(told, option=orjson.OPT_SORT_KEYS))
    told["signature"] = base64.b64encode(signature).decode()
    return orjson.dumps(told, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def append_checkpoint(path: Path, line: bytes) -> None:
    """Add a line to the file of checkpoints, on disk when this returns, or not at all: a full disk keeps no
    part of it, and what a power cut left of an earlier one is cut off, else the next would be joined to it.
    No folder is made: where one is missing, what should be mounted there is. Raises OSError."""
    with path.open("a+b", buffering=0) as file:
        end = _cut_stump(file)
        try:
            if file.write(line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(file.fileno())
        except OSError:
            with contextlib.suppress(OSError):
                file.truncate(end)
            raise


def _cut_stump(file: FileIO) -> int:
    """Where the next line begins, once a beginning of one without its end is gone."""
    end = file.seek(0, os.SEEK_END)
    if end:
        file.seek(end - 1)
    if not end or file.read(1) == b"\n":
        return end
    file.seek(0)
    said = file.readall()
    begin = said.rfind(b"\n") + 1
    if said.startswith(_BEGINNING, begin) or _BEGINNING.startswith(said[begin:]):
        with contextlib.suppress(OSError):  # a file may be for appending alone
            file.truncate(begin)
            return begin
    return end + (file.write(b"\n") or 0)


def read_checkpoints(data: bytes, trusted: Iterable[bytes]) -> list[Checkpoint]:
    """The checkpoints of a file, oldest first. Raises BadCheckpoint for a line that was not signed with
    one of the trusted public keys."""
    known = frozenset(trusted)
    found = []
    for number, line in enumerate(data.splitlines(), 1):
        if not line.strip():
            continue
        try:
            told = orjson.loads(line)
            signature = base64.b64decode(told.pop("signature"))
            key = bytes.fromhex(told["key"])
            marks = {chain: (int(seq), bytes.fromhex(mark)) for chain, (seq, mark) in told["heads"].items()}
            checkpoint = Checkpoint(at=float(told["at"]), heads=marks, key=key)
        except (orjson.JSONDecodeError, KeyError, ValueError, TypeError, AttributeError) as error:
            raise BadCheckpoint(f"line {number} is not a checkpoint") from error
        if key not in known:
            raise BadCheckpoint(f"line {number} was signed with a key that is not in the key file")
        if not is_signed(key, signature, orjson.dumps(told, option=orjson.OPT_SORT_KEYS)):
            raise BadCheckpoint(f"line {number} does not fit its signature")
        found.append(checkpoint)
    return found
