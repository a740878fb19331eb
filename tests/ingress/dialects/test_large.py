"""What a small request would become once words are put in for each person."""

from collections.abc import Callable
from typing import Any

import pytest

from gateway.ingress.dialects import brevo, mandrill, sendgrid
from gateway.ingress.dialects.bad import Bad

LONG = "x" * 2_600_000
PEOPLE = [f"p{n}@example.test" for n in range(60)]


@pytest.mark.parametrize(
    "read",
    [
        lambda: brevo.read_letters(
            {
                "sender": {"email": "news@acme.test"},
                "htmlContent": LONG + "{{params.a}}",
                "messageVersions": [{"to": [{"email": one}], "params": {"a": one}} for one in PEOPLE],
            }
        ),
        lambda: mandrill.read_letters(
            {
                "from_email": "news@acme.test",
                "html": LONG + "*|A|*",
                "to": [{"email": one} for one in PEOPLE],
                "merge_vars": [{"rcpt": o, "vars": [{"name": "A", "content": o}]} for o in PEOPLE],
            }
        ),
        lambda: sendgrid.read_letters(
            {
                "from": {"email": "news@acme.test"},
                "subject": "Hi",
                "content": [{"type": "text/html", "value": LONG + "-a-"}],
                "personalizations": [{"to": [{"email": o}], "substitutions": {"-a-": o}} for o in PEOPLE],
            },
            0.0,
        ),
    ],
)
def test_texts_that_words_make_many_are_refused_before_all_are_in_memory(read: Callable[[], Any]) -> None:
    """A few megabytes would become gigabytes."""
    with pytest.raises(Bad, match="too large together") as found:
        read()
    assert found.value.status == 413
