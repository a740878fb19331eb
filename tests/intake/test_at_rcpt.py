"""What is refused before the message is known."""

from pathlib import Path

import pytest

from gateway.access import Source
from gateway.intake.at_rcpt import Refusals
from gateway.ledger.consent import suppress
from gateway.message.envelope import Recipient
from gateway.store.draft import Draft, Needs
from tests.line import KEYS, Line, line

ANNA = Recipient(channel="email", address="anna@example.org", key="anna@example.org")
REF = ("default", KEYS.subject("email", ANNA.key))


class _Suppress:
    needs = Needs(people=(REF,))

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def apply(self, draft: Draft[None]) -> None:
        draft.set_person(REF, suppress(draft.person(REF), self._kind, draft.now))


async def _asked(gateway: Line, classes: frozenset[str]) -> str | None:
    source = Source(name="s", controller="default", classes=classes)
    answer = Refusals(gateway.store, KEYS, gateway.metrics).refuse(source, ANNA)
    assert answer is None or isinstance(answer, str)
    return answer


MARKETING = frozenset({"newsletter", "promotion"})
ANY = MARKETING | {"transactional"}


@pytest.mark.parametrize(
    ("kind", "classes", "refused"),
    [
        ("bounced", ANY, True),
        ("bounced", MARKETING, True),
        ("unsubscribed", ANY, False),
        ("unsubscribed", MARKETING, True),
        ("complained", MARKETING, True),
    ],
)
async def test_only_what_is_sure_is_refused_at_rcpt(
    tmp_path: Path, kind: str, classes: frozenset[str], refused: bool
) -> None:
    async with line(tmp_path) as gateway:
        assert await _asked(gateway, classes) is None
        await gateway.store.run(_Suppress(kind))
        assert bool(await _asked(gateway, classes)) == refused
