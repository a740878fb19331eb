"""What is shown of a copied text is what went to others, whatever ends its lines."""

import pytest

from gateway.policy.facts import Copies
from gateway.reading.load import load_lexicons
from gateway.reading.read import Reader

from .world import HOUR, NOW, SHIPPED, ask, facts, message, rules

COPIED = "Ho letto con piacere il resoconto della spedizione al ghiacciaio del rifugio."


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_words_shown_are_those_that_went_to_others(end: str) -> None:
    text = end.join(["Gentile Ada,", "", "", "eccomi qui.", "", COPIED, "", "Ugo"])
    reader = Reader(load_lexicons(SHIPPED / "lexicons"))
    about = message("outreach", content_text=text)
    reading = reader.read(about.content)
    counts = tuple(9 for _ in reading.phrases)
    decision = ask(
        rules("- rule: copied_text\n  outcome: hold"),
        about,
        reading,
        facts(copies=Copies(counts=counts, since=NOW - HOUR)),
    )
    assert COPIED in [one.text for one in decision.violations[0].evidence]
