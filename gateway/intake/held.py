"""What is kept of a message's reading besides the row: of a held one, so that nobody need read the text
again to release it, as long as the lexicons stay as they were; of one that its tool sends by itself, so that
its text counts as sent once the tool says so.

It stands among the rows that expire by themselves, under the message's id, and goes when the hold would
have expired.
"""

from hashlib import blake2b
from struct import error, unpack
from typing import Any

from gateway import __version__
from gateway.message.envelope import Message
from gateway.reading.packing import unpack_reading
from gateway.reading.reading import Reading
from gateway.store.draft import Draft
from gateway.store.records import ReplayRow
from gateway.store.sameness import pack_hashes, unpack_hashes

PREFIX = b"held/"
ASKED = b"asked/"
_MARK = 8


def held_key(message_id: str) -> bytes:
    """Under what it is kept."""
    return PREFIX + message_id.encode("ascii", "replace")


def keep_phrases(draft: Draft[Any], message_id: str, reading: Reading, lexicons: str, until: float) -> None:
    """Keep the fingerprints of the phrases, which the row of the message does not have. `lexicons` says
    which ones read it, "" where nobody knows: then nothing is kept."""
    key = held_key(message_id)
    if lexicons and key not in draft.writes.replays:
        said = _mark(lexicons) + pack_hashes([phrase.hash for phrase in reading.phrases])
        draft.writes.replays[key] = ReplayRow(key, until, said)


def asked_key(controller: str, message_id: str) -> bytes:
    """Under what the phrases of a message are kept that was only asked about."""
    return ASKED + f"{controller}/{message_id}".encode(errors="replace")


def keep_asked(draft: Draft[Any], message: Message, reading: Reading, window: float, until: float) -> None:
    """Keep the fingerprints of the phrases of a message that its tool may send by itself, and for how many
    seconds they are remembered once it did."""
    key = asked_key(message.controller, message.id)
    if reading.phrases and key not in draft.writes.replays:
        said = pack_hashes([int(window), *(phrase.hash for phrase in reading.phrases)])
        draft.writes.replays[key] = ReplayRow(key, until, said)


def count_asked(draft: Draft[Any], controller: str, message_id: str, subject: bytes) -> None:
    """Count what was kept as sent to this person; the unit needs `asked_key`."""
    kept = draft.replay(asked_key(controller, message_id))
    if kept:
        window, *hashes = unpack_hashes(kept)
        draft.count_phrases(controller, hashes, subject, float(window))


def kept_reading(packed: bytes, kept: bytes, lexicons: str) -> Reading | None:
    """The reading as it was made, or None where the text has to be read again: other lexicons, another
    version of this software, or not everything was kept."""
    if not packed or not lexicons or kept[:_MARK] != _mark(lexicons):
        return None
    try:
        return unpack_reading(packed, hashes=_numbers(kept[_MARK:]))
    except (ValueError, KeyError, error):
        return None


def _numbers(data: bytes) -> tuple[int, ...]:
    """What `pack_hashes` packed, all at once."""
    return unpack(f">{len(data) // 8}q", data)


def _mark(lexicons: str) -> bytes:
    return blake2b(f"{__version__}\0{lexicons}".encode(), digest_size=_MARK).digest()
