"""How long the reading of one message takes, beside stdlib's: `python -m bench.parse`."""

import email
import time
import timeit
from collections.abc import Callable
from email.message import EmailMessage
from email.policy import SMTP, compat32

from gateway.message.address import normalize, parse_mailbox
from gateway.message.ids import new_id
from gateway.message.parse import bare_line_ends, parse
from gateway.message.rewrite import metadata, outgoing

_PARAGRAPH = (
    "Buongiorno Giulia, abbiamo parlato a Verona della gestione del magazzino: com'è andata la prova "
    "con i lettori nuovi? Se ti serve, ti mando gli appunti di quel giorno.\n"
)
_STRIP = frozenset({b"x-galateo-"})
_ADD = (("List-Id", "<a.example>"),)


def sample(kind: str, size: int = 4096) -> bytes:
    message = EmailMessage(policy=SMTP)
    message["From"] = "Marta Colombo <marta.colombo@tool.example>"
    message["To"] = "Giulia Ferri <giulia.ferri@company.example>"
    message["Subject"] = "La prova dei lettori: com'è andata?"
    message["Date"] = "Fri, 20 Nov 2026 10:00:00 +0100"
    message["Message-ID"] = "<20261120100000.1234@tool.example>"
    message["List-Unsubscribe"] = "<https://tool.example/u/1>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message["X-Galateo-Class"] = "conversation"
    message["X-Mailer"] = "Tool 4.2"
    share = size // 2 if kind == "multipart" else size
    text = _PARAGRAPH * (share // len(_PARAGRAPH))
    page = "<html><body>" + "".join(f"<p>{line}</p>\r\n" for line in text.splitlines()) + "</body></html>"
    if kind == "html":
        message.set_content(page, subtype="html", cte="quoted-printable")
    else:
        message.set_content(text, cte="quoted-printable")
    if kind == "multipart":
        message.add_alternative(page, subtype="html", cte="quoted-printable")
    return message.as_bytes()


def measure(name: str, call: Callable[[], object]) -> None:
    best = min(timeit.repeat(call, number=2000, repeat=7, timer=time.process_time)) / 2000
    print(f"{name:34} {best * 1e6:8.2f} us")


def stdlib(raw: bytes) -> None:
    message = email.message_from_bytes(raw, policy=compat32)
    for part in message.walk():
        if not part.is_multipart():
            payload = part.get_payload(decode=True)
            assert isinstance(payload, bytes)
            payload.decode("utf-8", "replace")


def main() -> None:
    for kind in ("plain", "html", "multipart"):
        raw = sample(kind)
        parsed = parse(raw)
        assert parsed.content.text or parsed.content.html
        print(f"-- {kind}, {len(raw)} octets")
        measure("parse", lambda raw=raw: parse(raw))  # type: ignore[misc]
        measure("stdlib email", lambda raw=raw: stdlib(raw))  # type: ignore[misc]
        measure("bare_line_ends", lambda raw=raw: bare_line_ends(raw))  # type: ignore[misc]
        measure("metadata", lambda parsed=parsed: metadata(parsed))  # type: ignore[misc]
        measure("outgoing", lambda raw=raw: outgoing(raw, _STRIP, _ADD))  # type: ignore[misc]
    print("-- addresses, ids")
    measure("parse_mailbox", lambda: parse_mailbox(b"<mario.rossi@mail.company.example>"))
    measure("normalize", lambda: normalize("email", "mario.rossi@mail.company.example"))
    measure("new_id", lambda: new_id(1_790_000_000.123, b"0123456789"))


if __name__ == "__main__":
    main()
