"""Dates as people write them, in five languages. Pure."""

from datetime import UTC, datetime

_NAMES = {
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
}
MONTHS = {language: names.split() for language, names in _NAMES.items()}
_FORMS = {"de": "{day}. {month} {year}", "es": "{day} de {month} de {year}"}


def day(seconds: float, language: str) -> str:
    """The date of a moment (unix seconds), in UTC; in English for a language that has none here."""
    return written(datetime.fromtimestamp(seconds, UTC), language)


def written(at: datetime, language: str) -> str:
    """The same of a moment as it stands."""
    month = MONTHS.get(language, MONTHS["en"])[at.month - 1]
    return _FORMS.get(language, "{day} {month} {year}").format(day=at.day, month=month, year=at.year)
