"""Times, spans, counts and quotations as reasons say them, in English and Italian."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache

from gateway.policy.dates import MONTHS, written
from gateway.policy.outcome import Words
from gateway.reading.reading import Evidence

_SPANS = ((86400, "day", "days", "giorno", "giorni"), (3600, "hour", "hours", "ora", "ore"))
_UNITS = (
    *_SPANS,
    (60, "minute", "minutes", "minuto", "minuti"),
    (1, "second", "seconds", "secondo", "secondi"),
)

_CHANNELS = {
    "email": Words("email", "email"),
    "linkedin": Words("LinkedIn", "LinkedIn"),
    "whatsapp": Words("WhatsApp", "WhatsApp"),
    "sms": Words("SMS", "SMS"),
    "telegram": Words("Telegram", "Telegram"),
    "instagram": Words("Instagram", "Instagram"),
    "other": Words("this channel", "questo canale"),
}

_PURPOSES = {
    "newsletter": Words("the newsletter", "la newsletter"),
    "offers": Words("offers", "offerte"),
    "events": Words("events", "eventi"),
    "greetings": Words("greetings", "auguri"),
}

_BASES = {
    "soft_opt_in": Words("soft opt-in", "soft opt-in"),
    "implied": Words("implied consent", "un consenso implicito"),
    "legitimate_interest": Words("legitimate interest", "il legittimo interesse"),
}

_COUNTRIES = {
    "Canada": "Canada",
    "France": "Francia",
    "Germany": "Germania",
    "Italy": "Italia",
    "Spain": "Spagna",
    "United Kingdom": "Regno Unito",
    "United States": "Stati Uniti",
    "unknown country": "paese non noto",
}

QUOTED = 70
"""Characters of a passage that a reason quotes; the evidence holds all of it."""
_ASIDE = re.compile(r' \(".*"\)', re.DOTALL)


@lru_cache(maxsize=4096)
def when(time: float) -> Words:
    """A moment in UTC: `3 December 2026, 14:30 UTC`. Out of range: the year's end of the calendar."""
    try:
        moment = datetime.fromtimestamp(time, UTC)
    except (ValueError, OverflowError, OSError):
        moment = datetime.max.replace(tzinfo=UTC)
    clock = f"{moment.hour:02}:{moment.minute:02} UTC"
    return Words(f"{written(moment, 'en')}, {clock}", f"{written(moment, 'it')}, {clock}")


@lru_cache(maxsize=4096)
def span(seconds: float) -> Words:
    """A length of time in its largest whole unit: `2 hours`, `14 days`, `less than a minute`."""
    for size, one, many, uno, molti in _SPANS:
        if seconds >= size:
            n = int(seconds // size)
            return Words(f"{n} {one if n == 1 else many}", f"{n} {uno if n == 1 else molti}")
    minutes = int(seconds // 60)
    if minutes < 1:
        return Words("less than a minute", "meno di un minuto")
    return Words(
        f"{minutes} minute{'s' if minutes > 1 else ''}", f"{minutes} minut{'i' if minutes > 1 else 'o'}"
    )


@lru_cache(maxsize=256)
def length(seconds: int) -> Words:
    """A length of time exactly, as a policy states it: `7 days`, `36 hours`, `90 minutes`."""
    size, *names = next(unit for unit in _UNITS if seconds % unit[0] == 0)
    one, many, uno, molti = names
    return count(int(seconds) // size, Words(one, uno), Words(many, molti))


def count(n: int, one: Words, many: Words) -> Words:
    """`1 reply`, `3 replies`, in both languages."""
    word = one if n == 1 else many
    return Words(f"{n} {word.en}", f"{n} {word.it}")


def channel(name: str) -> Words:
    """A channel's name in a sentence."""
    return _CHANNELS.get(name) or Words(name, name)


def purposes(names: Iterable[str]) -> Words:
    """What consents are for, in a sentence: `offers / events`; a house's own purposes as they are."""
    known = [_PURPOSES.get(name.casefold()) or Words(name, name) for name in names]
    return Words(" / ".join(word.en for word in known), " / ".join(word.it for word in known))


def basis(name: str) -> Words:
    """On what something rests that is no consent."""
    plain = name.replace("_", " ")
    return _BASES.get(name.replace("-", "_").replace(" ", "_").casefold()) or Words(plain, plain)


def country(name: str) -> Words:
    """A jurisdiction's name."""
    return Words(name, _COUNTRIES.get(name, name))


_ELIDED = {"il": "l'", "Il": "L'", "dal": "dall'", "al": "all'", "del": "dell'"}
_BEFORE_A_VOWEL = re.compile(
    rf"\b(il|Il|dal|al|del) (?=(?:8|11) (?:{'|'.join(MONTHS['it'])}) \d|(?:8\d?|11)%)"
)


def elide(words: Words) -> Words:
    """With the Italian article as it is before `8`, `11` and `80%`: l'8 maggio, dall'11 maggio, l'80%."""
    if "8" not in words.it and "11" not in words.it:
        return words
    return Words(words.en, _BEFORE_A_VOWEL.sub(lambda found: _ELIDED[found[1]], words.it))


def quote(evidence: Iterable[Evidence]) -> str:
    """The first words that show a finding, shortened; the empty string where there are none."""
    for item in evidence:
        text = " ".join(item.text.split())
        if text:
            return text if len(text) <= QUOTED else text[: QUOTED - 1].rstrip() + "…"
    return ""


def quoted(evidence: Iterable[Evidence]) -> Words:
    """The quotation as an aside: ` ("last chance")`, or nothing."""
    text = quote(evidence)
    return Words(f' ("{text}")', f" («{text}»)") if text else Words("", "")


def unquoted(reason: str) -> str:
    """An English reason without what it quotes, for those who are promised no text of the message."""
    return _ASIDE.sub("", reason)


def fact(text: str, why: str) -> Evidence:
    """Something known rather than written, as evidence."""
    return Evidence(text=text, why=why, part="facts")
