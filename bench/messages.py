"""Makes the load: distinct newsletters to distinct readers, and the proof that these opted in.

`write_messages` writes what load.c sends, `write_consents` what `galateo consents import` reads.
Both are functions of their seed and of the reader's number, so any reader's consent is there.
"""

import binascii
import csv
import random
from collections.abc import Iterable, Sequence
from email.header import Header
from functools import cache
from pathlib import Path

from bench import templates as t

COLUMNS = ["address", "channel", "purpose", "controller", "action", "at", "wording", "wording_version"]
COLUMNS += ["language", "form_url", "ip", "user_agent", "confirmed_at", "confirmed_ip", "basis", "source"]
COLUMNS += ["contract"]
DOMAINS = tuple(
    f"{name}{i}.example.net" for i in range(8) for name in ("posta", "mail", "studio", "lab", "home")
)
SHAPES = ("multipart",) * 3 + ("plain", "html")
DATE = "Mon, 16 Nov 2026 09:30:00 +0100"


def reader(number: int) -> tuple[str, str]:
    """First and last name of the reader with this number."""
    return t.FIRST[number % len(t.FIRST)], t.LAST[number // 7 % len(t.LAST)]


def address(number: int) -> str:
    """The mailbox of the reader with this number."""
    first, last = reader(number)
    return f"{first}.{last}.{number}@{DOMAINS[number % len(DOMAINS)]}".lower()


def write_consents(path: Path, addresses: Iterable[str]) -> None:
    """A CSV file with one double opt-in to the newsletter per address."""
    proof = [
        "email",
        "newsletter",
        "default",
        "granted",
        "2026-03-02T10:00:00Z",
        "Yes, send me the newsletter.",
    ]
    proof += [
        "3",
        "en",
        "https://www.example.com/newsletter",
        "192.0.2.10",
        "Mozilla/5.0",
        "2026-03-02T10:05:00Z",
    ]
    proof += ["192.0.2.10", "consent", "website", ""]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows((each, *proof) for each in addresses)


def write_messages(path: Path, readers: Sequence[int], *, seed: int = 1) -> int:
    """One message for each reader, in load.c's form; returns the mean size in octets."""
    draw = random.Random(seed)
    octets = 0
    with path.open("wb") as file:
        for count, number in enumerate(readers):
            sender, body = compose(draw, number, f"{seed}.{count}")
            data = stuff(body)
            file.write(f"{sender} {address(number)} {len(data)}\n".encode() + data)
            octets += len(body)
    return octets // max(1, len(readers))


def stuff(body: bytes) -> bytes:
    """As DATA carries it (RFC 5321, 4.5.2)."""
    return body.replace(b"\r\n.", b"\r\n..") + b".\r\n"


def compose(draw: random.Random, number: int, key: str) -> tuple[str, bytes]:
    """One newsletter to one reader: envelope sender and RFC 5322 message with CRLF line ends."""
    letter = draw.choice(t.LETTERS)
    shape = draw.choice(SHAPES)
    unsubscribe = f"https://{letter.mailbox.partition('@')[2]}/out/{draw.getrandbits(64):016x}"
    slots = issue(letter) | reader_facts(draw, number) | {"unsubscribe": unsubscribe}
    lines = [letter.opening, *letter.paragraphs, *more_paragraphs(letter, 3 if shape == "multipart" else 11)]
    lines = [capital(line.format_map(slots)) for line in lines]
    lines.insert(3, own_text(draw, letter, number, (t.PERSONAL[letter.language],)))
    if draw.random() < 1 / 3:
        lines[1:1] = [
            own_text(draw, letter, number, t.OWN[letter.language]) for _ in range(draw.randint(1, 3))
        ]
    footer = [line.format_map(slots) for line in t.FOOTERS[letter.language]]
    headers = head(letter, slots, number, key)
    return f"bounce+{key}@{letter.mailbox.partition('@')[2]}", headers + content(shape, lines, footer, key)


def capital(line: str) -> str:
    """With a capital first letter."""
    return line[:1].upper() + line[1:]


@cache
def more_paragraphs(letter: t.Letter, count: int) -> tuple[str, ...]:
    """News from others that a letter always carries along."""
    draw = random.Random(letter.sender)
    others = [each for each in t.LETTERS if each.language == letter.language and each is not letter]
    return tuple(draw.sample([paragraph for each in others for paragraph in each.paragraphs], count))


@cache
def issue(letter: t.Letter) -> dict[str, str]:
    """The facts that every copy of a letter has."""
    return facts(random.Random(letter.mailbox), letter) | {"sender": letter.sender, "mailbox": letter.mailbox}


def receipt() -> bytes:
    """A receipt of about 4 KB with LF line ends, for smtp-source, whose readers agreed to nothing."""
    header = (
        "From: Cartoleria Moretti <ordini@cartoleria.example.com>\nSubject: Ricevuta dell'ordine 48213\n"
        f"Date: {DATE}\nMessage-ID: <48213@cartoleria.example.com>\nX-Galateo-Class: transactional\n"
        "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
    )
    lines = [
        f"{n:3}  articolo {n * 7919 % 10_000:04}   quantita {n % 4 + 1}   euro {n % 9 + 2},50"
        for n in range(1, 72)
    ]
    text = "Gentile cliente,\n\necco la ricevuta dell'ordine 48213, spedito il 16 novembre.\n\n"
    return (
        header + "\n" + text + "\n".join(lines) + "\n\nCartoleria Moretti, via dei Mestieri 4, 00100 Roma\n"
    ).encode()


def facts(draw: random.Random, letter: t.Letter) -> dict[str, str]:
    """Facts of an issue, or of a remark."""
    return {
        "day": f"{draw.choice(t.DAYS[letter.language])} {draw.randint(1, 28)}",
        "month": draw.choice(t.MONTHS[letter.language]),
        "time": f"{draw.randint(9, 21)}:{draw.choice(('00', '15', '30', '45'))}",
        "place": draw.choice(t.PLACES),
        "title": draw.choice(t.TITLES[letter.language]),
        "person": f"{draw.choice(t.FIRST)} {draw.choice(t.LAST)}",
        "n": str(draw.randint(11, 1900)),
        "m": str(draw.randint(2, 96)),
        "thing": draw.choice(t.THINGS[letter.language]),
    }


def reader_facts(draw: random.Random, number: int) -> dict[str, str]:
    """What is known of one reader."""
    first, last = reader(number)
    return {
        "name": first,
        "full": f"{first} {last}",
        "company": draw.choice(t.COMPANIES),
        "city": draw.choice(t.CITIES),
        "card": str(draw.randint(100_000, 999_999)),
    }


def own_text(draw: random.Random, letter: t.Letter, number: int, parts: tuple[tuple[str, ...], ...]) -> str:
    """A remark that no other message has: one choice of each part, with facts of its own."""
    slots = facts(draw, letter) | reader_facts(draw, number)
    return "".join(draw.choice(part).format_map(slots) for part in parts)


def head(letter: t.Letter, slots: dict[str, str], number: int, key: str) -> bytes:
    """The header but for MIME, as mailing tools write it."""
    domain = letter.mailbox.partition("@")[2]
    subject = letter.subject.format_map(slots)
    if not subject.isascii():
        subject = Header(subject, "utf-8", 70).encode(linesep="\r\n")
    lines = (
        f"Date: {DATE}",
        f"From: {letter.sender} <{letter.mailbox}>",
        f"To: {slots['full']} <{address(number)}>",
        f"Message-ID: <{key}.{number}@{domain}>",
        f"Subject: {subject}",
        f"List-Id: <newsletter.{domain}>",
        f"List-Unsubscribe: <{slots['unsubscribe']}>",
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
        "X-Galateo-Class: newsletter",
        "X-Galateo-Purpose: newsletter",
        "MIME-Version: 1.0",
    )
    return "".join(line + "\r\n" for line in lines).encode()


def content(shape: str, lines: list[str], footer: list[str], key: str) -> bytes:
    """MIME header and body in one of three shapes."""
    if shape == "plain":
        return part("plain", as_text(lines, footer))
    if shape == "html":
        return part("html", as_html(lines, footer))
    edge = f"=_part_{key}"
    return (
        f'Content-Type: multipart/alternative; boundary="{edge}"\r\n\r\n--{edge}\r\n'.encode()
        + part("plain", as_text(lines, footer))
        + f"--{edge}\r\n".encode()
        + part("html", as_html(lines, footer))
        + f"--{edge}--\r\n".encode()
    )


def part(subtype: str, text: str) -> bytes:
    """One text part in quoted-printable."""
    encoded = binascii.b2a_qp(text.replace("\n", "\r\n").encode(), istext=True)
    header = (
        f"Content-Type: text/{subtype}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    )
    return header.encode() + encoded.replace(b"=\n", b"=\r\n").replace(b"\r\r\n", b"\r\n") + b"\r\n"


def as_text(lines: list[str], footer: list[str]) -> str:
    """Paragraphs with empty lines between them."""
    return "\n\n".join(lines) + "\n\n-- \n" + "\n".join(footer)


def as_html(lines: list[str], footer: list[str]) -> str:
    """A page as newsletter editors make it."""
    style = 'style="font:16px/1.5 Georgia,serif;color:#222;margin:0 0 16px"'
    body = "\n".join(f"<p {style}>{line}</p>" for line in lines)
    small = "<br>\n".join(footer)
    return (
        '<!DOCTYPE html>\n<html><head><meta charset="utf-8"><title></title></head>\n<body>\n'
        '<table role="presentation" width="600"><tr><td>\n'
        f'{body}\n<p style="font:12px sans-serif;color:#777">{small}</p>\n</td></tr></table>\n</body></html>'
    )
