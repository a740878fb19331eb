"""Fitting what words weigh."""

from collections import Counter

from bench.fit_words import Row, fit


def rows(*texts: tuple[str, bool]) -> list[Row]:
    return [
        Row(Counter(text.split()), frozenset(text.split()), label, 1.0, f"file {number % 3}")
        for number, (text, label) in enumerate(texts * 12)
    ]


MAIL = rows(
    ("the offer ends", True), ("the minutes of", False), ("the offer stands", True), ("of the day", False)
)


def test_words_lean_the_way_their_messages_do() -> None:
    weights = fit(MAIL)
    assert weights["offer"] > 0.2
    assert weights["of"] < -0.2


def test_words_seldom_seen_are_left_out() -> None:
    assert "seldom" not in fit([*MAIL, *rows(("seldom", True))[:5]])


def test_what_was_known_before_stays_where_no_message_gainsays_it() -> None:
    weights = fit(MAIL, near={"coupon": 1.3, "offer": 0.9, "of": 0.5})
    assert weights["coupon"] == 1.3
    assert weights["offer"] >= 0.9
    assert weights.get("of", 0.0) < 0.5
