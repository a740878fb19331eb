"""The people of the demo, and what they agreed to. All invented, at addresses that cannot exist."""

from collections.abc import Iterator

from gateway.intake.consents import ConsentInput

CONTROLLER = "default"
DAY = 86400.0

SUBSCRIBERS = (
    ("email", "giulia.ferri@libreria.example", "newsletter"),
    ("email", "tom.baker@harbour.example", "newsletter"),
    ("email", "anna.conti@studio.example", "offers"),
    ("linkedin", "https://www.linkedin.com/in/marco-galli-example", "offers"),
)
GONE = (("email", "paolo.neri@officina.example", ""),)


def consents(now: float) -> Iterator[ConsentInput]:
    """Double opt-ins of last month, and one person who took it back."""
    for channel, address, purpose in SUBSCRIBERS:
        yield _line(channel, address, purpose, "confirmed", now - 30 * DAY)
    for channel, address, purpose in GONE:
        yield _line(channel, address, "newsletter", "confirmed", now - 90 * DAY)
        yield _line(channel, address, purpose, "withdrawn", now - 5 * DAY)


def _line(channel: str, address: str, purpose: str, action: str, at: float) -> ConsentInput:
    return ConsentInput(
        controller=CONTROLLER,
        channel=channel,
        address=address,
        purpose=purpose,
        action=action,
        at=at,
        imported=False,
        proof={
            "wording": "Sì, desidero ricevere questi messaggi.",
            "wording_version": "1",
            "language": "it",
            "form_url": "https://www.example.com/iscriviti",
            "ip": "192.0.2.10",
            "confirmed_at": "2026-01-01T10:00:00Z",
            "confirmed_ip": "192.0.2.10",
        },
    )
