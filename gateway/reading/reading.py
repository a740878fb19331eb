"""The Reading: findings about one text, each with its evidence."""

from typing import NamedTuple

from msgspec import Struct


class Evidence(Struct, frozen=True, array_like=True):
    """The words that show a finding. `start`, `end` are character offsets into the visible body
    text; in the subject when `part` is "subject"."""

    text: str
    start: int = 0
    end: int = 0
    why: str = ""
    part: str = "body"


class Finding(Struct, frozen=True, array_like=True):
    """Whether something was found, how surely (0 to 1), and where."""

    value: bool = False
    score: float = 0.0
    evidence: tuple[Evidence, ...] = ()


NOT_FOUND = Finding()


class Greeting(Struct, frozen=True, array_like=True):
    """How the text addresses its reader: named, generic, wrong_name or missing."""

    kind: str = "missing"
    name: str = ""
    evidence: tuple[Evidence, ...] = ()


NO_GREETING = Greeting()


class Phrase(NamedTuple):
    """One phrase of the masked text: a fingerprint that fits a signed 64-bit integer, its words,
    where it stands in the visible text, and whether it sells or asks. `run` marks a sampled run of
    words, which still matches when other words of its sentence change; the rest are whole sentences."""

    hash: int
    words: int
    start: int
    end: int
    asks: bool = False
    run: bool = False


class Reading(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the text says. `language` is a two-letter code or "und".

    `phrases` are those that count for sameness: signature, legal footer, quotation and stock
    openings are left out. `way_out` is a working unsubscribe link or an invitation to say stop in the
    text; `data_source` says where the address came from and that one may object. `unreadable` names
    what a person would see and this reading could not. `length` is characters of visible text read.
    """

    language: str = "und"
    promotional: Finding = NOT_FOUND
    introduces_sender: Finding = NOT_FOUND
    states_reason: Finding = NOT_FOUND
    permission_request: Finding = NOT_FOUND
    personal_detail: Finding = NOT_FOUND
    unresolved_merge: Finding = NOT_FOUND
    seasonal_greeting: Finding = NOT_FOUND
    recommendation_request: Finding = NOT_FOUND
    stop_request: Finding = NOT_FOUND
    pressure: Finding = NOT_FOUND
    presumption: Finding = NOT_FOUND
    complaint: Finding = NOT_FOUND
    way_out: Finding = NOT_FOUND
    data_source: Finding = NOT_FOUND
    evasion: Finding = NOT_FOUND
    unreadable: Finding = NOT_FOUND
    greeting: Greeting = NO_GREETING
    phrases: tuple[Phrase, ...] = ()
    length: int = 0
    truncated: bool = False


FINDINGS = (
    "promotional",
    "introduces_sender",
    "states_reason",
    "permission_request",
    "personal_detail",
    "unresolved_merge",
    "seasonal_greeting",
    "recommendation_request",
    "stop_request",
    "pressure",
    "presumption",
    "complaint",
    "way_out",
    "data_source",
    "evasion",
    "unreadable",
)
