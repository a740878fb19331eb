"""Mail that came back, as it is read: who wrote it, whether that is certain, and what they say."""

from dataclasses import dataclass
from email.utils import getaddresses
from hashlib import blake2b

from gateway.ledger.authentication import vouches
from gateway.ledger.autoreply import asks_to_stop, calls_itself_automatic, newest_text
from gateway.ledger.channels import besides_channels, refused_channels
from gateway.ledger.wishes import besides_sales, refuses_sales
from gateway.message.content import Content
from gateway.message.envelope import CHANNELS
from gateway.message.mailbox import is_address
from gateway.message.parse import Parsed
from gateway.reading.read import Reader
from gateway.reading.reading import Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbound:
    """One message as it was taken. `mail_from` is "" for the null reverse-path; `believed` says that it came
    from a machine whose Authentication-Results count; `vouched` are domains that whoever brought it vouches
    for by other means. With a `controller` it concerns that one's messages alone."""

    raw: bytes
    mail_from: str
    recipients: tuple[str, ...]
    received_at: float
    believed: bool = False
    vouched: frozenset[str] = frozenset()
    controller: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """What was read of an Inbound: who wrote it, whether that is certain, and what they say: that they want
    no more messages, no sales, or none on one channel."""

    inbound: Inbound
    parsed: Parsed
    author: str
    trusted: bool
    text: str
    reading: Reading
    stops: bool
    refuses_sales: bool = False
    refuses_channel: bool = False

    @property
    def restricts(self) -> bool:
        """Whether it refuses something short of all messages."""
        return self.refuses_sales or self.refuses_channel


def own_words(text: str, channel: str) -> str:
    """What of a reply is read for a stop: the newest words, without what refuses sales or one channel."""
    return besides_channels(besides_sales(newest_text(text)), channel)


def read_mail(inbound: Inbound, parsed: Parsed, reader: Reader, trusted: str) -> Mail:
    """What a message says; `trusted` is the authserv-id of the server whose word counts, "" for none."""
    author = author_of(parsed)
    content = parsed.content
    seen = content.text if content.text.strip() else reader.see(content).text
    text = newest_text(seen)
    reading = reader.read(Content(subject=content.subject, text=own_words(text, "email"), is_reply=True))
    values = parsed.headers.get_all("authentication-results")
    domain = author.rpartition("@")[2].lower()
    commands = asks_to_stop(besides_channels(text, "email")) or asks_to_stop(content.subject)
    known = inbound.believed and vouches(values, trusted, domain)
    return Mail(
        inbound=inbound,
        parsed=parsed,
        author=author,
        trusted=bool(author) and (known or _is_within(domain, inbound.vouched)),
        text=text,
        reading=reading,
        stops=(reading.stop_request.value or commands) and not calls_itself_automatic(text),
        refuses_sales=refuses_sales(text),
        refuses_channel=any(one in CHANNELS for one in refused_channels(text, "email")),
    )


def _is_within(domain: str, vouched: frozenset[str]) -> bool:
    """Whether a domain is one of these, or lies within one (RFC 7489 3.1, relaxed)."""
    return any(domain == one or domain.endswith(f".{one}") for one in vouched if "." in one)


def author_of(parsed: Parsed) -> str:
    """The one mailbox that wrote it; "" where the header names none or several."""
    fields = parsed.headers.get_all("from")
    people = [address for _, address in getaddresses([field[:2000] for field in fields]) if address]
    return people[0] if len(fields) == 1 and len(people) == 1 and is_address(people[0]) else ""


def addressees_of(parsed: Parsed) -> list[str]:
    """Whom its header addresses, at most fifty."""
    values = [value[:4000] for name in ("to", "cc") for value in parsed.headers.get_all(name)[:3]]
    return [address for _, address in getaddresses(values)[:50] if is_address(address)]


def identity_of(mail: Mail) -> str:
    """What makes two copies the same mail."""
    message_id = mail.parsed.message_id
    return f"{message_id}\0{mail.author}" if message_id else blake2b(mail.inbound.raw).hexdigest()
