"""What is said of a field that is wrong: what to write there."""

from typing import Any

import pytest
from pydantic import BaseModel

from gateway.ingress.http_consents import ConsentAsked
from gateway.ingress.http_models import NewEvent, NewMessage
from gateway.ops.evidence_models import SinceAsked
from gateway.ops.models import ConsentsAsked, HoldsAsked, Verdict
from gateway.web.problem import Problem
from gateway.web.validation import validate


def said_of(model: type[BaseModel], name: str, value: Any) -> tuple[str, str]:
    """What is said of one field, in English and in Italian."""
    with pytest.raises(Problem) as caught:
        validate(model, {name: value})
    (detail,) = [fault.detail for fault in caught.value.faults if fault.pointer.startswith(f"#/{name}")]
    return detail.en, detail.it


@pytest.mark.parametrize(
    ("model", "name", "value", "en", "it"),
    [
        (NewMessage, "send_at", "tomorrow", "with its zone: 2026-02-01T10:00:00Z", "con il fuso orario"),
        (NewEvent, "occurred_at", "2026-02-01", "a day and a time", "giorno e ora"),
        (NewEvent, "occurred_at", "2026-02-01T10:00:00", "with its zone", "con il fuso orario"),
        (ConsentAsked, "ip", "n/a", "an IP address: 192.0.2.1", "un indirizzo IP: 192.0.2.1"),
        (ConsentAsked, "form_url", "javascript:x", "begins with https://", "inizia con https://"),
        (ConsentAsked, "channel", "sms", "Only email is possible", "possibile solo email"),
        (ConsentsAsked, "subject", "ana@example.test", "the key of a person", "la chiave di una persona"),
        (SinceAsked, "since", "a week", "how far back: 12h, 30d, 8w", "quanto indietro: 12h, 30d, 8w"),
        (HoldsAsked, "class", "spam", "One of transactional, ", "Uno fra transactional, "),
        (HoldsAsked, "code", "A B", "characters that it may not", "caratteri non ammessi"),
        (NewMessage, "subject", "a\r\nBcc: b", "a line end or another control", "un fine riga o un altro"),
        (NewMessage, "purpose", "", "This must not be empty.", "Non può essere vuoto."),
        (NewMessage, "recipients", [], "This must not be empty.", "Non può essere vuoto."),
        (Verdict, "reason", " ", "This must not be empty.", "Non può essere vuoto."),
        (NewMessage, "purpose", "x" * 101, "At most 100 characters.", "Al massimo 100 caratteri."),
    ],
)
def test_what_to_write_is_said(model: type[BaseModel], name: str, value: Any, en: str, it: str) -> None:
    english, italian = said_of(model, name, value)
    assert en in english
    assert it in italian
