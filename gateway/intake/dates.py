"""Dates as people write them, in five languages. Pure."""

from datetime import UTC, datetime

_MONTHS = {
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
}
_FORMS = {"de": "{day}. {month} {year}", "es": "{day} de {month} de {year}"}


def day(seconds: float, language: str) -> str:
    """The date of a moment (unix seconds), in UTC; in English for a language that has none here."""
    at = datetime.fromtimestamp(seconds, UTC)
    month = _MONTHS.get(language, _MONTHS["en"]).split()[at.month - 1]
    return _FORMS.get(language, "{day} {month} {year}").format(day=at.day, month=month, year=at.year)
