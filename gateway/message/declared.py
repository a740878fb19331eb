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


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """The declarations of one message, "" and 0 where it makes none; not yet checked against anything."""

    class_: str = ""
    purpose: str = ""
    campaign: str = ""
    recipient_name: str = ""
    jurisdiction: str = ""
    sequence_step: int = 0


def read_declared(headers: Headers) -> Declared:
    """The declarations of a header: class, purpose and jurisdiction in lower case."""
    names = headers.names()
    campaign = _campaign(headers, names)
    if not any(name.startswith("x-galateo-") for name in names):
        return Declared(campaign=campaign)
    step = headers.get("x-galateo-sequence-step")
    return Declared(
        class_=_value(headers, "x-galateo-class").lower(),
        purpose=_value(headers, "x-galateo-purpose").lower(),
        campaign=campaign,
        recipient_name=_value(headers, "x-galateo-recipient-name"),
        jurisdiction=_value(headers, "x-galateo-jurisdiction").lower(),
        sequence_step=int(step) if step.isascii() and step.isdigit() and len(step) < 5 else 0,
    )


def _campaign(headers: Headers, names: tuple[str, ...]) -> str:
    for name in _CAMPAIGN:
        if name in headers:
            value = _value(headers, name)
            if name == "feedback-id":
                value = value.partition(":")[0].strip()
            elif name == "list-id":
                value = value.rpartition("<")[2].partition(">")[0].strip()
            if value:
                return value
    return next((_value(headers, name) for name in names if name.startswith("x-campaign")), "")


def _value(headers: Headers, name: str) -> str:
    value = headers.get(name)
    return decode_words(value)[:LONGEST].strip() if value else ""
