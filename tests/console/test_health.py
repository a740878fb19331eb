"""The figures of healthy outreach: from what decisions knew, and from what came back."""

from collections import Counter

import orjson

from gateway.console.answers import Answers
from gateway.console.charts import Figure, bars
from gateway.console.days import LATE, Count, Days
from gateway.console.overview import figures_of, health_of
from gateway.console.samples import MOST, Habit, Sample
from gateway.evidence.erase import erase
from gateway.intake.events import Events
from gateway.intake.leaving import Restrict, Wish
from gateway.ledger.happening import Happening
from gateway.message.envelope import Identifier
from tests.console.place import Browser, Place, plain
from tests.line import DAY, KEYS, NOW, consent, reader


def snapshot(grade: str = "A", contacts: int = 0, counts: tuple[int, ...] = ()) -> bytes:
    granted = [["newsletter", "email", "granted", grade, "consent", 1.0, 0.0, "", ""]]
    sent = [[NOW - n * DAY, "newsletter", "email", "s", "", "", 0] for n in range(1, contacts + 1)]
    return orjson.dumps({"p": {"p": granted, "c": sent}, "c": [counts, 0.0]})


class TestSamples:
    def test_what_a_day_was_like(self) -> None:
        sample = Sample()
        sample.add("a", "email", NOW, snapshot("A", contacts=2, counts=(3, 0)))
        sample.add("b", "email", NOW, snapshot("D", contacts=40, counts=(1, 1)))
        sample.add("c", "linkedin", NOW, snapshot("A"))
        sample.add("d", "email", NOW, b"not json")
        habit = sample.habit()
        assert (habit.size, habit.proven) == (4, 0.25)
        assert (habit.median, habit.most) == (3.0, 30.0)
        assert habit.copied == 1.5 / 4

    def test_nothing_is_nothing(self) -> None:
        assert Sample().habit() == Habit()

    def test_of_many_an_even_share_is_looked_into(self) -> None:
        sample, early, late = Sample(), snapshot("A"), snapshot("D")
        for n in range(5 * MOST):
            sample.add(f"m{n}", "email", NOW, early if n < 2.5 * MOST else late)
        assert MOST / 3 < len(sample.rows) <= MOST
        assert abs(sample.habit().proven - 0.5) < 0.05


class TestAnswers:
    async def test_answers_and_what_is_left(self, here: Place) -> None:
        await self._tell(here, "message.replied", "anna", -3.5)
        await self._tell(here, "message.replied", "bruno", -3.4)
        await self._tell(here, "message.answered", "anna", -3.0)
        here.line.clock.now = NOW
        answers = Answers(here.line.store, here.line.clock)
        await answers.refresh(29)
        days = answers.latest(29)
        assert sorted(day.hours for day in days)[-1] == 12.0
        [late] = [day for day in days if day.due]
        assert (late.due, late.left) == (2, 0.5)
        assert days[-1].due == 0

    async def _tell(self, here: Place, kind: str, who: str, days: float) -> None:
        here.line.clock.now = at = NOW + days * DAY
        line = here.line
        events = Events(line.store, reader(), KEYS, line.metrics, line.access, backdate_limit=DAY)
        address = f"{who}@example.org"
        told = Happening(
            type=kind, controller="default", source="development", source_event_id=f"{kind}{who}",
            occurred_at=at, received_at=at, channel="email", sender="elena@acme.example", opens=True,
            recipients=(Identifier(channel="email", address=address, key=address),),
        )  # fmt: skip
        await events.tell(told)


async def leave_by_every_way(here: Place) -> int:
    """People who leave: by the pages, at a colleague, by a reply and by an event of a tool; how many."""
    line, now = here.line, here.line.clock()
    events = Events(line.store, reader(), KEYS, line.metrics, line.access, backdate_limit=DAY)
    ways = {"leo": Wish(leave=(("newsletter", "email"), ("offers", "email"))), "mia": Wish(everything=True)}
    for name, wish in ways.items():
        who = ("default", KEYS.subject("email", f"{name}@example.org"))
        await line.store.run(Restrict(who, wish, {"place": "preference page"}))
    await line.consents.record([consent("ida@example.org", now=now, action="withdrawn", at=now)], "ada")
    told = (("zoe", "message.replied", "STOP"), ("pia", "message.replied", "Grazie, volentieri"))
    for name, kind, text in (*told, ("ugo", "unsubscribe", "")):
        address = f"{name}@example.org"
        happening = Happening(
            type=kind, controller="default", source="development", source_event_id=name, occurred_at=now,
            received_at=now, channel="email", sender="elena@acme.example", opens=True, text=text,
            recipients=(Identifier(channel="email", address=address, key=address),),
        )  # fmt: skip
        await events.tell(happening)
    return 5


class TestFigures:
    async def test_whoever_left_counts_once_whichever_way(self, here: Place) -> None:
        here.line.clock.now = NOW
        left = await leave_by_every_way(here)
        days = Days(here.line.store, here.line.clock)
        [leaving] = [f for f in figures_of(await days.latest(5.0), []) if f.key == "leaving"]
        assert leaving.today == left
        here.line.clock.now = NOW + 2 * DAY
        for _ in range(2):  # as it is counted, and as it was kept
            days = Days(here.line.store, here.line.clock)
            assert [count.left for count in (await days.latest(5.0))[-3:]] == [left, 0, 0]

    async def test_only_what_people_wrote_is_a_reply(self, here: Place) -> None:
        line, now = here.line, NOW
        line.clock.now = now
        await leave_by_every_way(here)  # one of them by a reply, and one reply is no stop
        events = Events(line.store, reader(), KEYS, line.metrics, line.access, backdate_limit=DAY)
        for name, opens, data in (("eva", True, {"automatic": "true"}), ("ivo", False, {})):
            address = f"{name}@example.org"
            away = Happening(
                type="message.replied", controller="default", source="development", source_event_id=name,
                occurred_at=now, received_at=now, channel="email", sender="elena@acme.example", opens=opens,
                recipients=(Identifier(channel="email", address=address, key=address),), data=data,
            )  # fmt: skip
            await events.tell(away)
        for _ in range(2):  # as it is counted, and as it was kept
            counts = await Days(line.store, line.clock).latest(5.0)
            [replies] = [f for f in figures_of(counts, []) if f.key == "replies"]
            assert 1.0 in replies.values
            assert sum(replies.values) == 1.0
            line.clock.now = now + 2 * DAY
        counted = line.metrics.registry.get_sample_value("galateo_replies_total", {"kind": "human"})
        assert counted == 1

    def test_replies_are_set_against_all_marketing(self) -> None:
        day = Count(1, outcomes=Counter({("permission_request", 0): 3, ("outreach", 0): 1}), replies=1)
        day.outcomes[("conversation", 0)] = day.outcomes[("transactional", 0)] = 5
        [rate] = [f for f in figures_of([day], []) if f.key == "reply_rate"]
        assert rate.values == [0.25]

    async def test_whoever_is_told_late_left_on_their_day(self, here: Place) -> None:
        """Also where that day was counted and kept; what is deleted later was counted all the same."""
        line, then = here.line, NOW
        line.clock.now = then + 2 * DAY
        days = Days(line.store, line.clock)
        assert [count.left for count in (await days.latest(5.0))[-3:]] == [0, 0, 0]
        late = [
            consent(f"{who}@example.org", now=then, action="withdrawn", at=then) for who in ("ida", "leo")
        ]
        await line.consents.record(late, "ada")
        assert (await Days(line.store, line.clock).latest(5.0))[-3].left == 2
        line.clock.now += LATE + 1
        assert (await days.latest(5.0))[-3].left == 2
        async for _ in erase(
            line.store, [("default", KEYS.subject("email", "ida@example.org"))], "ada", then
        ):
            pass
        line.clock.now += LATE + 1
        assert (await days.latest(5.0))[-3].left == 2

    def test_what_is_usual_weighs_the_days(self) -> None:
        figure = Figure(key="x", values=[1.0, 0.0, 0.5], weights=[1.0, 3.0, 9.0], format="percent")
        assert figure.usual == 0.25
        assert Figure(key="x", values=[1.0], weights=[0.0]).usual == 0.0

    def test_a_day_without_anything_is_not_worse(self) -> None:
        figures = health_of([], [])
        assert [f.key for f in figures][:2] == ["proven", "per_person"]
        assert not any(f.known for f in figures if f.format == "percent")
        assert {f.trend for f in figures} == {"even"}
        assert "<svg" in bars(figures[0], "t")

    async def test_the_page_shows_them(self, here: Place, ada: Browser) -> None:
        _, text = await ada.get("/console/overview")
        for words in ("proven consent", "Messages per person", "Sameness", "reply to our answer", "two days"):
            assert words in plain(text)
