"""Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): one answer for one request.

A key is bound to the source and the path, and the store replays the answer of whoever used it before. The
id of a message that came with a key carries a print of the whole request, so that a replayed answer tells
whether it was given to the same body.
"""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b

from gateway.message.ids import new_id
from gateway.policy.outcome import Words
from gateway.web.problem import Problem

LONGEST = 255
_BARE = re.compile(r"[!-~](?:[ -~]*[!-~])?\Z")
_QUOTED = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"(?:\s*;.*)?\Z')
_PRINT = slice(10, 22)


@dataclass(frozen=True, slots=True)
class Key:
    """What a request with a key has in common with its repetitions: `name` all of it but the body."""

    name: str
    print: bytes

    def identify(self, now: float) -> str:
        """An id that carries the print."""
        return new_id(now, self.print + os.urandom(2))

    def made(self, identity: str) -> bool:
        """Whether an id was made for the same request."""
        return identity[_PRINT] == new_id(0, self.print + b"\0\0")[_PRINT]


def read_key(headers: Sequence[str]) -> str:
    """The value of the Idempotency-Key header, quoted or bare; "" without one. Raises Problem, also where
    there are several."""
    if not headers:
        return ""
    text = headers[0].strip() if len(headers) == 1 else ""
    quoted = _QUOTED.match(text)
    value = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else text
    if not value or len(value) > LONGEST or not (quoted or (_BARE.match(text) and '"' not in text)):
        raise Problem(
            "malformed",
            Words(
                f'Idempotency-Key must be 1 to {LONGEST} printable ASCII characters, as "a-key" or bare.',
                f'Idempotency-Key deve avere da 1 a {LONGEST} caratteri ASCII stampabili, come "una-chiave".',
            ),
        )
    return value


def bind(source: str, path: str, key: str, raw: bytes) -> Key:
    """The key of one request."""
    digest = blake2b(f"{source}\0{path}\0{key}\0".encode(), digest_size=8)
    digest.update(raw)
    return Key(f"http\0{path}\0{key}", digest.digest())


class Underway:
    """Requests with a key that are being answered by this process."""

    def __init__(self) -> None:
        self._names: set[tuple[str, str]] = set()

    @contextmanager
    def claim(self, source: str, name: str) -> Iterator[None]:
        """Hold the key while it is answered. Raises Problem (in-progress) when it is held already."""
        mark = (source, name)
        if mark in self._names:
            raise Problem(
                "in-progress",
                Words(
                    "A request with this Idempotency-Key is being answered. Ask again in a second.",
                    "Una richiesta con questa Idempotency-Key è in corso. Richiedere fra un secondo.",
                ),
                headers={"Retry-After": "1"},
            )
        self._names.add(mark)
        try:
            yield
        finally:
            self._names.discard(mark)


def key_reused() -> Problem:
    """The same key with another body."""
    return Problem(
        "key-reused",
        Words(
            "This Idempotency-Key was used for another body in the last 24 hours. Take a new one.",
            "Questa Idempotency-Key è servita per un altro corpo nelle ultime 24 ore. Usarne una nuova.",
        ),
    )
