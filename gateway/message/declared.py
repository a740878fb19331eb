"""What a message declares about itself in its header: `X-Galateo-*`, and the tools' own fields."""

from dataclasses import dataclass

from gateway.message.headers import Headers, decode_words

LONGEST = 200  # characters of a declared value

# Where tools name their campaign, the most telling first.
_CAMPAIGN = (
    "x-galateo-campaign",
    "x-listmonk-campaign",
    "x-campaign-id",
    "x-campaignid",
    "x-campaign",
    "x-mailgun-tag",
    "feedback-id",
    "list-id",
)
_TELLING = frozenset(_CAMPAIGN)
_PREFIXES = ("x-galateo-", "x-campaign")


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """The declarations of one message, "" and 0 where it makes none; not yet checked against anything."""

    class_: str = ""
    purpose: str = ""
    campaign: str = ""
    recipient_name: str = ""
    jurisdiction: str = ""
    sequence_step: int = 0


_NOTHING = Declared()


def read_declared(headers: Headers) -> Declared:
    """The declarations of a header: class, purpose and jurisdiction in lower case."""
    telling = [name for name in headers.names() if name in _TELLING or name.startswith(_PREFIXES)]
    if not telling:
        return _NOTHING
    step = headers.get("x-galateo-sequence-step")
    return Declared(
        class_=_value(headers, "x-galateo-class").lower(),
        purpose=_value(headers, "x-galateo-purpose").lower(),
        campaign=_campaign(headers, telling),
        recipient_name=_value(headers, "x-galateo-recipient-name"),
        jurisdiction=_value(headers, "x-galateo-jurisdiction").lower(),
        sequence_step=int(step) if step.isascii() and step.isdigit() and len(step) < 5 else 0,
    )


def _campaign(headers: Headers, telling: list[str]) -> str:
    others = [name for name in telling if name.startswith("x-campaign")]
    for name in (*_CAMPAIGN, *others):
        if name not in telling:
            continue
        value = _value(headers, name)
        if name == "feedback-id":
            value = value.partition(":")[0].strip()
        elif name == "list-id":
            value = value.rpartition("<")[2].partition(">")[0].strip()
        if value:
            return value
    return ""


def _value(headers: Headers, name: str) -> str:
    value = headers.get(name)
    return decode_words(value)[:LONGEST].strip() if value else ""
