"""No sales, please: in five languages, in a reply or on a profile, and what else was said beside it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ledger.wishes import besides_sales, declares_no_sales, refuses_sales


@pytest.mark.parametrize(
    "text",
    [
        "No sales, please!",
        "Happy to talk about boats.\nNO SALES PITCHES please, people are welcome",
        "no sales",
        "Please don’t pitch me.",
        "No cold pitches, thanks",
        "We do not accept sales calls.",
        "Non accettiamo proposte commerciali",
        "Niente proposte commerciali, grazie.",
        "Gentile Elena, niente vendite per favore: del resto parlo volentieri.",
        "Bitte keine Werbung.",
        "Keine Vertriebsanfragen, danke",
        "Pas de démarchage, merci",
        "Nada de ventas, por favor",
        "CTO at Riva | coffee | no solicitation",
    ],
)
def test_whoever_refuses_sales_is_heard(text: str) -> None:
    assert refuses_sales(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "We have no sales people in Rome yet.",
        "There is no sales tax on books.", "Mi dica quanto costa.",
        "Senza vendite non si mangia, diceva mio padre.",
        "Wir haben keine Angebote bekommen, woran liegt das?",
        "I sell boats.", "Any event in May?",
    ],
)  # fmt: skip
def test_talk_of_sales_refuses_nothing(text: str) -> None:
    assert not refuses_sales(text)


def test_what_is_said_beside_it_stays() -> None:
    assert besides_sales("No sales please, stop contacting me.").strip() == "stop contacting me."
    assert besides_sales("Glad to chat, but no pitches please").strip() == "Glad to chat,"
    assert besides_sales("Tell me more.") == "Tell me more."


@pytest.mark.parametrize(
    ("attributes", "declared"),
    [
        ({"no_sales": "true"}, True),
        ({"No sales": "Yes"}, True),
        ({"do-not-sell": "1"}, True),
        ({"no_sales": "false"}, False),
        ({"no_sales": ""}, False),
        ({"headline": "Architect. No sales pitches."}, True),
        ({"headline": "Head of Sales", "city": "Ventimiglia"}, False),
        ({}, False),
    ],
)
def test_a_profile_may_say_it(attributes: dict[str, str], declared: bool) -> None:
    assert declares_no_sales(attributes) is declared


@given(st.text(max_size=5000))
def test_no_text_is_too_odd(text: str) -> None:
    assert isinstance(refuses_sales(text), bool)
    assert isinstance(besides_sales(text), str)
