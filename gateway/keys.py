"""The pepper of subject keys, and the keys that sign tokens and checkpoints.

One JSON file, readable by its owner alone. A subject key is a keyed hash of the normalized address, so
that a stolen database does not say who was written to; losing the file loses every match.

Peppers rotate without anyone being rewritten, for nobody's address is known: people keep the key that they
were first met under, and only who is new gets one of the new pepper (see docs/keys.md).
"""

import json
import os
from collections.abc import Container
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

from gateway.private import private

LANES = 1024
"""Every row of a recipient begins with its lane: hash(subject) mod 1024 (see docs/architecture.md)."""


_PLACE = "GALATEO_KEYS names its place; without that it lies beside the database (GALATEO_DATABASE)."


class KeysError(Exception):
    """The key file cannot be used; the text says why, without a key."""


def lane_of(subject: bytes) -> int:
    """The lane, 0 to 1023, of a subject key."""
    return int.from_bytes(subject[:2], "big") % LANES


@dataclass(frozen=True, slots=True)
class Keys:
    """`peppers` and `tokens` hold 32-byte keys, the current one first; `signing` is an Ed25519 seed and
    `retired` the public keys of the seeds before it. `known` says who is stored under an older pepper; it
    is asked only where there are several."""

    peppers: tuple[bytes, ...]
    tokens: tuple[bytes, ...]
    signing: bytes
    retired: tuple[bytes, ...] = ()
    known: Container[bytes] = ()
    tags: tuple[bytes, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tags", tuple(tag_of(pepper) for pepper in self.peppers))

    def __repr__(self) -> str:
        return f"Keys(fingerprint={self.fingerprint})"

    @property
    def fingerprint(self) -> str:
        """What the database keeps to recognize the pepper: 16 hex digits."""
        return blake2b(b"fingerprint", key=self.peppers[-1], digest_size=8).hexdigest()

    def subject(self, channel: str, key: str) -> bytes:
        """The 16-byte subject key of a normalized address on a channel; its last byte tells the pepper."""
        said = f"{channel}\0{key}".encode()
        if len(self.peppers) > 1:
            for older, tag in zip(self.peppers[:0:-1], self.tags[:0:-1], strict=True):
                subject = blake2b(said, key=older, digest_size=15).digest() + tag
                if subject in self.known:
                    return subject
        return blake2b(said, key=self.peppers[0], digest_size=15).digest() + self.tags[0]


def tag_of(pepper: bytes) -> bytes:
    """The byte by which subjects of a pepper are told from those of another."""
    return blake2b(b"tag", key=pepper, digest_size=1).digest()


def new_keys() -> Keys:
    """Fresh random keys."""
    return Keys((os.urandom(32),), (os.urandom(32),), os.urandom(32))


def has_keys(path: Path) -> bool:
    """Whether there is a key file. Raises KeysError where nobody can tell."""
    try:
        return path.exists()
    except OSError as error:
        raise KeysError(f"{path}: cannot be looked for: {error.strerror}. {_PLACE}") from error


def load_keys(path: Path) -> Keys:
    """Read the key file. Raises KeysError."""
    try:
        data = json.loads(path.read_text(encoding="ascii"))
        keys = Keys(
            tuple(bytes.fromhex(k) for k in data["peppers"]),
            tuple(bytes.fromhex(k) for k in data["tokens"]),
            bytes.fromhex(data["signing"]),
            tuple(bytes.fromhex(k) for k in data.get("retired", ())),
        )
    except OSError as error:
        raise KeysError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise KeysError(f"{path}: not a key file; restore it from your backup") from error
    every = (*keys.peppers, *keys.tokens, keys.signing, *keys.retired)
    if not all(len(k) == 32 for k in every) or not keys.peppers:
        raise KeysError(f"{path}: a key has the wrong length; restore the file from your backup")
    return keys


def save_keys(path: Path, keys: Keys) -> None:
    """Write the key file, readable by its owner alone, in one step. Raises KeysError."""
    data = {
        "peppers": [k.hex() for k in keys.peppers],
        "tokens": [k.hex() for k in keys.tokens],
        "signing": keys.signing.hex(),
        "retired": [k.hex() for k in keys.retired],
    }
    fresh = path.with_name(path.name + ".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(fresh, "w", opener=private) as file:
            json.dump(data, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(path)
    except OSError as error:
        raise KeysError(f"the key file {path} cannot be written: {error.strerror}. {_PLACE}") from error
