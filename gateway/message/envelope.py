"""Message, sender and recipient, as every ingress hands them on (RFC 5321/5322 terms)."""

from collections.abc import Mapping
from typing import get_args

from msgspec import Struct, field

from gateway.message.content import Content
from gateway.terms import Channel, Class

CHANNELS: tuple[str, ...] = get_args(Channel)
CLASSES: tuple[str, ...] = get_args(Class)


class Identifier(Struct, frozen=True, kw_only=True, array_like=True):
    """One address of a person on a channel. `key` is the normalized form that identifies."""

    channel: str
    address: str
    key: str


class Recipient(Struct, frozen=True, kw_only=True, array_like=True):
    """To whom. `address` is as given (delivery uses it), `key` normalized (the ledger uses it).

    `notify`, `orcpt`: the DSN parameters of RFC 3461, empty when not given.
    """

    channel: str
    address: str
    key: str
    name: str = ""
    company: str = ""
    jurisdiction: str = ""
    time_zone: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    aliases: tuple[Identifier, ...] = ()
    notify: str = ""
    orcpt: str = ""

    @property
    def domain(self) -> str:
        """The part after the last @ of the key, or the empty string."""
        return self.key.rpartition("@")[2] if "@" in self.key else ""


class Sender(Struct, frozen=True, kw_only=True, array_like=True):
    """The person or mailbox that writes; `key` is its normalized address on the channel."""

    address: str
    key: str
    name: str = ""
    account: str = ""


class Consent(Struct, frozen=True, kw_only=True, array_like=True):
    """A consent that a message claims for itself: grade D at best, from trusted sources only."""

    basis: str
    type: str = ""
    reference: str = ""
    at: float = 0.0


class Message(Struct, frozen=True, kw_only=True):
    """One submission: who writes what to whom, in whose name, on what grounds.

    `raw` is what will be delivered: RFC 5322 octets with CRLF line ends when `format` is "mime",
    canonical JSON of the native request when "json". `class_` is what the header or body declared,
    "" when nothing was. `hops` are the servers that it passed so far. Times are unix seconds, UTC.
    """

    id: str
    source: str
    controller: str
    channel: str
    sender: Sender
    recipients: tuple[Recipient, ...]
    content: Content
    raw: bytes
    format: str = "mime"
    received_at: float = 0.0
    class_: str = ""
    purpose: str = ""
    campaign: str = ""
    kind: str = ""
    sequence_step: int = 0
    thread: str = ""
    in_reply_to: tuple[str, ...] = ()
    message_id: str = ""
    envelope_from: str = ""
    smtputf8: bool = False
    dsn_return: str = ""
    dsn_envelope_id: str = ""
    idempotency_key: str = ""
    external_id: str = ""
    claimed_consent: Consent | None = None
    deliver: bool = True
    send_at: float = 0.0
    list_unsubscribe: str = ""
    list_unsubscribe_post: str = ""
    signed: bool = False
    relay: str = ""
    hops: int = 0
