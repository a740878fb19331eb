"""Parties as the ledger knows them: which address identifies, and which are aliases. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from gateway.ingress.http_models import Address
from gateway.message.address import is_valid, normalize
from gateway.message.envelope import CHANNELS, Identifier
from gateway.web.problem import Problem, malformed

PHONE = "phone"
_BY_PHONE = ("sms", "whatsapp")
_LONGEST_EMAIL = 320


def identify(channel: str, addresses: Sequence[Address], at: str) -> tuple[Identifier, ...]:
    """The identifiers of one person, the one on `channel` first, each once. Raises Problem where none is
    on the channel, or where one that is cannot be an address there; other types of address are left out."""
    found: dict[tuple[str, str], Identifier] = {}
    own: tuple[int, Identifier] | None = None
    for n, address in enumerate(addresses):
        on = channel_of(address.type, channel)
        if not on:
            continue
        if not _fits(on, address.value):
            raise _no_address(on, f"{at}/addresses/{n}/value")
        identifier = Identifier(channel=on, address=address.value, key=normalize(on, address.value))
        found.setdefault((on, identifier.key), identifier)
        rank = 0 if address.type == channel else 1
        if on == channel and (own is None or rank < own[0]):
            own = (rank, identifier)
    if own is None:
        raise malformed(
            f"{at}/addresses",
            f"There is no address of type {channel}, the channel of the message.",
            f"Non c'è un indirizzo di tipo {channel}, il canale del messaggio.",
        )
    key = (own[1].channel, own[1].key)
    return (found[key], *(identifier for other, identifier in found.items() if other != key))


def channel_of(kind: str, channel: str) -> str:
    """The channel that a type of address belongs to, "" for none: `linkedin_provider_id` is linkedin,
    `phone` is the message's own channel where that goes by number, else sms."""
    if kind in CHANNELS:
        return kind
    if kind == PHONE:
        return channel if channel in _BY_PHONE else "sms"
    family = kind.partition("_")[0]
    if family in CHANNELS:
        return family
    return channel if channel == "other" else ""


def _fits(channel: str, value: str) -> bool:
    return is_valid(channel, value) and (channel != "email" or len(value) <= _LONGEST_EMAIL)


def _no_address(channel: str, pointer: str) -> Problem:
    return malformed(
        pointer,
        f"This cannot be an address of the channel {channel}.",
        f"Non può essere un indirizzo del canale {channel}.",
    )


def read_time(text: str, pointer: str) -> float:
    """Unix seconds of an RFC 3339 time. Raises Problem for a day or an hour that does not exist."""
    try:
        return datetime.fromisoformat(text.upper().replace(",", ".")).timestamp()
    except (ValueError, OverflowError):
        raise malformed(
            pointer,
            "This is no moment in time; write it as 2026-02-01T10:00:00Z.",
            "Non è un istante; scriverlo come 2026-02-01T10:00:00Z.",
        ) from None


def flat(attributes: Mapping[str, str | bool | int | float | None] | None) -> dict[str, str]:
    """Attributes as text: true and false in small letters, what is null left out."""
    if not attributes:
        return {}
    return {
        name: value if isinstance(value, str) else str(value).lower()
        for name, value in attributes.items()
        if value is not None
    }
