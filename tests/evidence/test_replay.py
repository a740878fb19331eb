"""What a draft would have changed, exactly where that can be known and said where not."""

from pathlib import Path

import pytest
from msgspec.structs import fields, replace

from gateway.evidence.explain import as_json, explain
from gateway.evidence.observed import observed
from gateway.evidence.outlook import look
from gateway.evidence.recall import recall_facts, recall_message, recall_reading
from gateway.evidence.replay import Changes
from gateway.evidence.replaying import Drafted, as_csv, replay, versions_of
from gateway.evidence.replaying import as_json as changes_as_json
from gateway.evidence.versions import keep_policies, policies_of, texts_of
from gateway.intake.announce import announce, entries_since
from gateway.message.content import Content
from gateway.message.envelope import Message
from gateway.policy.load import compose
from gateway.policy.policies import PolicySet
from gateway.reading.packing import pack_reading, unpack_reading
from gateway.reading.reading import Evidence, Finding, Greeting, Phrase, Reading
from gateway.review import look as know
from gateway.review import pause
from gateway.store.draft import Draft, Needs
from gateway.store.packing import unpack_facts, unpack_message
from tests.evidence.traffic import NEEDS_CONSENT, NEWS, WAITS, traffic
from tests.line import KEYS, NOW, Clock, Line, line, message, reader, shipped

LOOSE = WAITS.replace("outcome: hold", "outcome: reject")
SHORT = """
version: 1
policy: notes
title: Invitations carry a note
owner: compliance@example.com
why: For tests.
mode: enforce
applies_to: {channel: [linkedin]}
rules:
  - rule: bare_invitation
    min_words: 9
    outcome: hold
cases: []
"""
INVITATION = {"channel": "linkedin", "class_": "connection_request"}
BURST = """
version: 1
policy: pace
title: Not too many
owner: compliance@example.com
why: For tests.
mode: enforce
applies_to: {class: [outreach, newsletter]}
rules:
  - rule: burst
    limit: 1
    per: hour
    outcome: hold
cases: []
"""


def draft(rules: PolicySet, **changed: str) -> dict[str, str]:
    return {**rules.texts, **{name.replace("_", "."): text for name, text in changed.items()}}


async def changes(gateway: Line, texts: dict[str, str], **given: object) -> Changes:
    versions = await versions_of(gateway.store, 0, NOW * 2)
    return await replay(gateway.store, Drafted(draft=texts, versions=versions, **given), 0, NOW * 2)  # type: ignore[arg-type]


async def test_the_policies_in_force_change_nothing(tmp_path: Path) -> None:
    texts = [
        "Buongiorno, il vostro ordine 12 è partito oggi.",
        "Ciao {{first_name}}, approfitta della nostra offerta: sconto del 30% solo oggi!",
        "Gentile Anna, sono Elena di Acme: ci siamo visti in fiera a Bologna. Le interessa riparlarne?",
    ]
    async with line(tmp_path, shipped(), clock=Clock()) as gateway:
        await gateway.consent("anna@example.org")
        for n in range(40):
            class_ = ("transactional", "newsletter", "outreach", "promotion", "")[n % 5]
            given = {"text": texts[n % 3], "class_": class_, "to": f"{'abc'[n % 3]}{n % 7}@example.org"}
            await gateway.submit(**given)
            if n % 4 == 0:
                kind = "connection_request" if n % 8 else "conversation"
                await gateway.submit(**given | {"channel": "linkedin", "class_": kind, "to": f"p{n}"})
            gateway.clock.now += 60
        found = await changes(gateway, dict(shipped().texts))
        assert found.decided == 50
        assert found.same == 50, found.changes
        assert found.unknown == {}


async def test_a_draft_shows_what_it_changes_and_why(tmp_path: Path, rules: PolicySet) -> None:
    async with line(tmp_path, rules, clock=Clock()) as gateway:
        await traffic(gateway)
        found = await changes(gateway, draft(rules, p1_yaml=LOOSE))
        assert found.kinds == {"rejected": 1}
        [change] = found.changes
        assert (change.before, change.after) == ("held", "rejected")
        assert change.rules == ("waits/consent.missing",)
        assert all(change.reasons[0])
        told = changes_as_json(found)
        assert told["newly"] == {"accepted": 0, "held": 0, "rejected": 1}
        assert told["by_rule"] == [{"newly": "rejected", "rule": "waits/consent.missing", "count": 1}]
        assert "waits/consent.missing" in as_csv(found)
        freed = await changes(gateway, {k: v for k, v in rules.texts.items() if k != "p0.yaml"})
        assert freed.kinds == {"accepted": 1}
        assert freed.by_rule["accepted", "subscribers/consent.missing"] == 1


async def test_what_needs_the_text_is_said_to_be_unknown(tmp_path: Path, rules: PolicySet) -> None:
    async with line(tmp_path, rules, clock=Clock()) as gateway:
        await gateway.submit(to="x", text="Ciao, ci conosciamo?", **INVITATION)
        found = await changes(gateway, draft(rules, note_yaml=SHORT))
        assert found.unknown == {"notes/bare_invitation": 1}
        assert found.same == 1


async def test_the_same_line_answers_as_it_did(tmp_path: Path, rules: PolicySet) -> None:
    noted = compose(draft(rules, note_yaml=SHORT))
    async with line(tmp_path, noted, clock=Clock()) as gateway:
        await keep_policies(gateway.store, noted)
        held = await gateway.submit(to="x", text="Ciao, ci sei?", **INVITATION)
        assert held.status == "held"
        found = await changes(gateway, draft(rules, note_yaml=SHORT, p1_yaml=LOOSE))
        assert (found.same, found.unknown) == (1, {})
        stricter = draft(rules, note_yaml=SHORT.replace("min_words: 9", "min_words: 12"))
        assert (await changes(gateway, stricter)).unknown == {"notes/bare_invitation": 1}


async def test_a_pace_that_nobody_asked_for_is_unknown(tmp_path: Path, rules: PolicySet) -> None:
    async with line(tmp_path, rules, clock=Clock()) as gateway:
        await gateway.consent("anna@example.org")
        for _ in range(3):
            await gateway.submit(to="anna@example.org", **NEWS)
        found = await changes(gateway, draft(rules, pace_yaml=BURST))
        assert found.unknown["pace/burst"] == 2


async def test_facts_that_are_gone_are_counted(tmp_path: Path, rules: PolicySet) -> None:
    from tests.evidence.conftest import change

    async with line(tmp_path, rules, clock=Clock()) as gateway:
        await traffic(gateway)
    change(tmp_path / "line.db", "UPDATE decisions SET snapshot = x'7b7d'")
    async with line(tmp_path, rules, clock=Clock()) as gateway:
        found = await changes(gateway, draft(rules, p1_yaml=LOOSE))
        assert found.missing == found.decided == 7


async def test_what_was_held_for_a_pause_is_replayed_so_and_told(tmp_path: Path) -> None:
    async with line(tmp_path, PolicySet(), clock=Clock()) as gateway:
        await pause(gateway.store, "source", "development", "default", "ada")
        await know(gateway.store)
        receipt = await gateway.submit(class_="newsletter", text="Buongiorno, ecco le novità di maggio.")
        assert receipt.status == "held"
        assert (await changes(gateway, {})).same == 1
        [told] = [as_json(one) for one in await explain(gateway.store, receipt.id)]
        assert told["outcome"] == "held"
        assert "floor/paused.source" in str(told) or "paused.source" in str(told)


async def test_what_observed_policies_would_have_done(tmp_path: Path, rules: PolicySet) -> None:
    observing = compose(draft(rules, p0_yaml=NEEDS_CONSENT.replace("enforce", "observe")))
    async with line(tmp_path, observing, clock=Clock()) as gateway:
        await gateway.submit(to="carla@example.org", **NEWS)
        [row] = await observed(gateway.store, 0, NOW * 2)
        assert (row.policy, row.would, row.was, row.count) == ("subscribers", "rejected", "accepted", 1)


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x"])
def test_no_cell_is_a_formula(cell: str) -> None:
    from gateway.evidence.replay import Change

    change = Change(
        decision="d",
        at=1.0,
        source="s",
        campaign=cell,
        class_="c",
        before="a",
        after="b",
        rules=(),
        reasons=(),
    )
    assert f",{cell}" not in as_csv(Changes(changes=[change]))


# -- explanations ---------------------------------------------------------------------------------------


async def test_a_decision_explains_itself_with_its_own_text(tmp_path: Path, rules: PolicySet) -> None:
    async with line(tmp_path, rules, clock=Clock()) as gateway:
        assert await keep_policies(gateway.store, rules)
        assert not await keep_policies(gateway.store, rules)
        refused = await gateway.submit(to="carla@example.org", **NEWS)
        later = compose(draft(rules, p0_yaml=NEEDS_CONSENT.replace("They asked for it.", "Other words.")))
        gateway.policies.current = later
        await keep_policies(gateway.store, later)
        again = await gateway.submit(to="dora@example.org", **NEWS)
        whys = []
        for receipt in (refused, again):
            [one] = await explain(gateway.store, receipt.id)
            told = as_json(one, "it")
            assert one.exact
            assert told["outcome"] == "rejected"
            [asked] = [a for a in told["rules"] if a["policy"] == "subscribers"]
            assert asked["answer"] == "violated"
            assert asked["violations"][0]["code"] == "consent.missing"
            assert asked["parameters"]["min_grade"] is not None
            whys.append(asked["why"])
            assert {a["answer"] for a in told["rules"]} == {"passed", "violated"}
        assert whys == ["They asked for it.", "Other words."]


async def test_version_three_explains_itself_under_version_nine(tmp_path: Path, rules: PolicySet) -> None:
    async with line(tmp_path, rules, clock=Clock()) as gateway:
        receipts = []
        for number in range(1, 10):
            words = f"Version {number} says why."
            version = compose({"p0.yaml": NEEDS_CONSENT.replace("They asked for it.", words)})
            gateway.policies.current = version
            assert await keep_policies(gateway.store, version)
            receipts.append((await gateway.submit(to=f"reader{number}@example.org", **NEWS), version.version))
        for number, (receipt, version_name) in enumerate(receipts, 1):
            [one] = await explain(gateway.store, receipt.id)
            assert one.exact
            assert one.policy_version == version_name
            [asked] = [a for a in one.asked if a.policy == "subscribers"]
            assert asked.why == f"Version {number} says why."


class Forget:
    """As a database is that was made before it said what is in force."""

    needs = Needs()

    def apply(self, draft: Draft[None]) -> None:
        draft.writes.statements.append(("DELETE FROM replays", ()))


CHANGES = "SELECT reference FROM audit WHERE kind = 'policy.changed' ORDER BY seq"


async def test_policies_that_come_back_are_a_change_like_any_other(tmp_path: Path, rules: PolicySet) -> None:
    watched = compose({n: t.replace("mode: enforce", "mode: observe") for n, t in rules.texts.items()})
    assert watched.version != rules.version
    async with line(tmp_path, rules, clock=Clock()) as gateway:
        changed = [await keep_policies(gateway.store, each) for each in (rules, watched, watched, rules)]
        assert changed == [True, True, False, True]
        told = [row[0] for row in await gateway.store.rows(CHANGES)]
        assert told == [rules.version, watched.version, rules.version]
        said = [await announce(gateway.store, entry) for entry in await entries_since(gateway.store, 0.0)]
        assert [one and one.data["policy_version"] for one in said] == told


async def test_a_database_of_before_knows_what_it_met_last(tmp_path: Path, rules: PolicySet) -> None:
    other = compose({"p0.yaml": NEEDS_CONSENT})
    async with line(tmp_path, rules, clock=(clock := Clock())) as gateway:
        await keep_policies(gateway.store, rules)
        clock.now += 1
        await keep_policies(gateway.store, other)
        await gateway.store.run(Forget())
        assert not await keep_policies(gateway.store, other)
        assert await keep_policies(gateway.store, rules)


async def test_what_is_recalled_is_what_was_stored(tmp_path: Path) -> None:
    """A replay decodes less; whatever it decodes is the same."""
    async with line(tmp_path, shipped(), clock=Clock()) as gateway:
        await gateway.consent("anna@example.org")
        for text in ("Ciao {{first_name}}, sconto del 30% solo oggi!", "Gentile Anna, ci vediamo in fiera?"):
            for class_ in ("newsletter", "outreach", "transactional", ""):
                await gateway.submit(to=["anna@example.org", "b@example.org"], text=text, class_=class_)
        decisions = await gateway.store.rows("SELECT message_id, n, snapshot FROM decisions")
        assert len(decisions) == 16
        for message_id, n, snapshot in decisions:
            row = (await gateway.store.message(message_id))[0]  # type: ignore[index]
            reading, lean = unpack_reading(row.reading), recall_reading(row.reading)
            for each in fields(Reading):
                stored, recalled = getattr(reading, each.name), getattr(lean, each.name)
                if isinstance(stored, Finding):
                    recalled = Finding(recalled.value, recalled.score, recalled.evidence)
                assert recalled == stored, each.name
            facts = recall_facts(snapshot)
            assert facts == unpack_facts(snapshot)
            known = {"message_id": row.id, "source": row.source, "controller": row.controller}
            known |= {"channel": row.channel, "received_at": row.received_at}
            whole = unpack_message(row.meta, content=Content(channel="email"), raw=b"", **known)
            known["id"] = known.pop("message_id")
            message_, recipient = recall_message(row.meta, n, **known)
            assert recipient == whole.recipients[n]
            for each in fields(Message):
                if each.name not in ("content", "raw", "recipients"):
                    assert getattr(message_, each.name) == getattr(whole, each.name), each.name


@pytest.mark.parametrize("truncated", [False, True])
@pytest.mark.parametrize("phrases", [(), (Phrase(0, 3, 0, 9, asks=True), Phrase(0, 4, 9, 20, run=True))])
def test_phrases_are_found_whatever_the_words_say(phrases: tuple[Phrase, ...], truncated: bool) -> None:
    """A quotation that looks like the place where the phrases begin is none."""
    words = (Evidence(text='"],"p":[[1,2,3,true,false]],"t":true}'), Evidence(text='\\",\\"p\\":[['))
    reading = Reading(
        promotional=Finding(True, 0.9, words),
        greeting=Greeting(kind="named", name=words[0].text, evidence=words),
        phrases=phrases,
        truncated=truncated,
    )
    recalled = recall_reading(pack_reading(reading))
    assert recalled.phrases == phrases
    assert recalled.truncated is truncated
    assert (recalled.greeting, recalled.promotional.evidence) == (reading.greeting, words)


async def test_texts_come_back_as_they_were(tmp_path: Path, rules: PolicySet) -> None:
    async with line(tmp_path, rules, clock=Clock()) as gateway:
        await keep_policies(gateway.store, rules)
        assert await texts_of(gateway.store, rules.version) == dict(rules.texts)
        found = await policies_of(gateway.store, rules.version)
        assert found is not None
        assert found.version == rules.version
        assert await texts_of(gateway.store, "other") is None


async def test_one_recipient_by_number_or_address(tmp_path: Path, rules: PolicySet) -> None:
    async with line(tmp_path, rules, clock=Clock()) as gateway:
        receipt = await gateway.submit(to=["anna@example.org", "bruno@example.org"])
        assert len(await explain(gateway.store, receipt.id)) == 2
        for named in ("1", "BRUNO@example.org"):
            [one] = await explain(gateway.store, receipt.id, named)
            assert one.decision == f"{receipt.id}-1"
        assert await explain(gateway.store, receipt.id, "nobody@example.org") == []
        assert await explain(gateway.store, "0" * 26) == []


async def test_looking_ahead_keeps_nothing(tmp_path: Path, rules: PolicySet) -> None:
    async with line(tmp_path, rules, clock=Clock()) as gateway:
        given = replace(message(to="carla@example.org", **NEWS), id="0" * 26)  # type: ignore[arg-type]
        [one] = await look(gateway.store, reader(), gateway.access, KEYS, rules, given)
        assert one.outcome == "rejected"
        assert one.exact
        assert await gateway.store.rows("SELECT count(*) FROM decisions") == [(0,)]
        assert await gateway.store.rows("SELECT count(*) FROM audit") == [(0,)]
