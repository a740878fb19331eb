"""Lists of mailboxes as APIs write them."""

import time

import pytest

from gateway.ingress.dialects.bad import Bad
from gateway.ingress.dialects.mailboxes import LONGEST, read_mailboxes


def test_names_may_hold_commas_and_quotation_marks() -> None:
    found = read_mailboxes('"Bo, A" <a@b.example>, c@d.example, "x\\"y" <e@f.example>', "to")
    assert [(one.name, one.address) for one in found] == [
        ("Bo, A", "a@b.example"),
        ("", "c@d.example"),
        ('x"y', "e@f.example"),
    ]


@pytest.mark.parametrize(
    "text", ['"\\' * (LONGEST // 2), "<" * LONGEST, '"' * LONGEST, '"a' * (LONGEST // 2)]
)
def test_what_nothing_closes_is_refused_in_no_time(text: str) -> None:
    begun = time.process_time()
    with pytest.raises(Bad):
        read_mailboxes(text, "to")
    assert time.process_time() - begun < 2
