"""What is refused before the message is known."""

from pathlib import Path

import pytest

from gateway.access import Source
from gateway.intake.at_rcpt import Refusals, judge
from gateway.ledger.consent import suppress
from gateway.ledger.person import Stop
from gateway.message.envelope import Recipient
from gateway.store.draft import Draft, Needs
from tests.line import DAY, KEYS, Line, line

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
        labels = {"source": "s", "channel": "email", "class": "unknown", "outcome": "rejected"}
        counted = gateway.metrics.registry.get_sample_value("galateo_messages_total", labels)
        assert counted == (1 if refused else None)


@pytest.mark.parametrize("kind", ["unsubscribed", "complained"])
async def test_who_agreed_anew_is_not_refused_at_rcpt(tmp_path: Path, kind: str) -> None:
    async with line(tmp_path) as gateway:
        await gateway.store.run(_Suppress(kind))
        gateway.clock.now += DAY
        assert await _asked(gateway, MARKETING)
        await gateway.consent(ANNA.address, at=gateway.clock(), imported=False)
        assert await _asked(gateway, MARKETING) is None
        assert (
            await gateway.submit(
                class_="newsletter",
                list_unsubscribe="<https://a.example/u>",
                list_unsubscribe_post="List-Unsubscribe=One-Click",
            )
        ).status == "accepted"
        assert (await gateway.submit(class_="promotion")).status == "rejected"


def test_what_was_agreed_to_on_another_channel_changes_nothing_at_rcpt() -> None:
    source = Source(name="s", controller="default", classes=MARKETING)
    stop = Stop("objected", 1.0, spares=(("newsletter", "sms"),))
    assert judge((stop,), source, "email")
    assert judge((stop,), source, "sms") is None
    assert judge((stop, Stop("complained", 2.0)), source, "sms")
