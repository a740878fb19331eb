"""Dates as people write them, in five languages. Pure."""

import re
from datetime import UTC, datetime

from gateway.reading.reading import Evidence

_NAMES = {
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
}
MONTHS = {language: names.split() for language, names in _NAMES.items()}
_FORMS = {"de": "{day}. {month} {year}", "es": "{day} de {month} de {year}"}

_DATE = re.compile(rf"([0-9]{{1,2}}) ({'|'.join(MONTHS['en'])}) ([0-9]{{4}}(?:, [0-9]{{2}}:[0-9]{{2}} UTC)?)")


def day(seconds: float, language: str) -> str:
    """The date of a moment (unix seconds), in UTC; in English for a language that has none here."""
    return written(datetime.fromtimestamp(seconds, UTC), language)


def written(at: datetime, language: str) -> str:
    """The same of a moment as it stands."""
    month = MONTHS.get(language, MONTHS["en"])[at.month - 1]
    return _FORMS.get(language, "{day} {month} {year}").format(day=at.day, month=month, year=at.year)


def quoted(evidence: Evidence, language: str) -> str:
    """What is shown of it: words as they stand, and a date as people write it; rules do in English."""
    found = None if evidence.end else _DATE.fullmatch(evidence.text)
    if found is None:
        return evidence.text
    month = MONTHS[language][MONTHS["en"].index(found[2])]
    return f"{found[1]} {month} {found[3]}"
