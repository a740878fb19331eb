"""The acceptance of one submission: one unit of work, decided for each recipient in order. Pure but for
the draft it writes on, and the salt of its audit entries."""

import os
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from time import perf_counter
from typing import Any

import orjson
from msgspec import Struct
from msgspec.structs import replace

from gateway.access import Controller, Source
from gateway.intake.held import keep_asked, keep_phrases
from gateway.intake.letterhead import PLAIN, Head, Letterhead
from gateway.intake.linking import link
from gateway.intake.owed import answered
from gateway.intake.person_facts import NOT_COUNTED, facts_for
from gateway.intake.receipt import Receipt, RecipientResult, receipt_of
from gateway.ledger.person import Contact
from gateway.ledger.relationship import sent
from gateway.message.envelope import Message, Recipient
from gateway.policy.classify import classify
from gateway.policy.decide import decide
from gateway.policy.facts import Facts
from gateway.policy.outcome import Decision, Outcome, Violation
from gateway.policy.policies import PolicySet
from gateway.reading.reading import Reading
from gateway.store.digests import SALT, decision_digest, seal
from gateway.store.draft import Draft, Needs
from gateway.store.outbox import pack_entry
from gateway.store.packing import pack_facts, pack_message, pack_violations, unpack_decision
from gateway.store.records import (
    AuditRow,
    BodyRow,
    DecisionRow,
    HoldRow,
    MessageRow,
    OutboxRow,
    Ref,
    ReplayRow,
    SentRow,
    sent_hash,
)

DAY = 24 * 3600.0
REPLAY_SECONDS = DAY
_ANY = 1_000_000  # servers: what was kept without their number is never taken for a loop


class Submission(Struct, frozen=True, kw_only=True):
    """A message that was read, with everything its acceptance needs besides the store. `packed` is the
    reading as it is stored."""

    message: Message
    body: bytes
    source: Source
    controller: Controller
    reading: Reading
    packed: bytes
    policies: PolicySet
    refs: tuple[Ref, ...]
    aliases: tuple[tuple[Ref, ...], ...]
    replay_key: bytes = b""
    hold_seconds: float = 14 * 86400.0
    letterhead: Letterhead | None = None


class Accept:
    """Decide a submission and write what follows from it."""

    __slots__ = ("_submission", "needs")

    def __init__(self, submission: Submission) -> None:
        self._submission = submission
        people = submission.refs
        if any(submission.aliases):
            people = (*people, *(ref for refs in submission.aliases for ref in refs))
        self.needs = Needs(people=people, replays=(submission.replay_key,) if submission.replay_key else ())

    def apply(self, draft: Draft[Receipt]) -> Receipt:
        """The receipt of this submission, or of the same one that came before."""
        submission = self._submission
        if submission.replay_key and (answer := draft.replay(submission.replay_key)):
            return unpack_receipt(answer)
        meta, read = pack_message(submission.message), submission.packed
        sealed = self._seal(meta, read)
        results = tuple(
            self._recipient(draft, n, b"" if n else sealed) for n in range(len(submission.message.recipients))
        )
        self._store_message(draft, results, meta, read)
        receipt = receipt_of(submission.message.id, results[0].decision.class_, results)
        if submission.replay_key and receipt.status != "rejected":
            row = ReplayRow(
                submission.replay_key,
                draft.now + REPLAY_SECONDS,
                pack_receipt(receipt, submission.message.hops),
            )
            draft.writes.replays[submission.replay_key] = row
        return receipt

    def _seal(self, meta: bytes, read: bytes) -> bytes:
        return seal(_row(self._submission.message, "", meta, read), self._submission.body, os.urandom(SALT))

    def _recipient(self, draft: Draft[Receipt], n: int, sealed: bytes) -> RecipientResult:
        s = self._submission
        message, recipient, ref = s.message, s.message.recipients[n], s.refs[n]
        if aliases := s.aliases[n] if s.aliases else ():
            link(draft, (ref, *aliases))
        facts = facts_for(
            draft,
            message,
            recipient,
            ref,
            s.reading,
            s.source,
            s.controller,
            aliases=aliases,
        )
        class_ = classify(message, s.reading, facts, s.source.classes, s.source.default_class)
        head = PLAIN
        if s.letterhead is not None:
            head = s.letterhead.head(message, n, ref, class_, promotional=s.reading.promotional.value)
            if head.add:
                facts = replace(facts, way_out_added=True)
        judged = message if message.class_ == class_ else replace(message, class_=class_)
        began = perf_counter()
        decision = decide(s.policies, judged, recipient, s.reading, facts, draft.now, class_=class_)
        seconds = perf_counter() - began
        record(draft, judged, n, ref, facts, decision, sealed=sealed)
        hold_id = ""
        if not message.deliver:
            # Asked only: nothing waits, nothing is reserved, nothing is sent.
            if decision.outcome is not Outcome.REJECT and class_ not in NOT_COUNTED:
                keep_asked(draft, judged, s.reading, s.policies.copy_window, draft.now + s.hold_seconds)
        elif decision.outcome is Outcome.HOLD:
            hold_id = put_on_hold(draft, judged, n, ref, decision, s.hold_seconds, s.reading)
            keep_phrases(draft, message.id, s.reading, s.policies.lexicons, draft.now + s.hold_seconds)
        elif decision.outcome is Outcome.ACCEPT:
            person = s.source.kind == "person"
            let_go(draft, judged, n, ref, s.reading, s.policies.copy_window, head, by_person=person)
        return RecipientResult(
            address=recipient.address,
            outcome=decision.outcome,
            decision=decision,
            decision_id=f"{message.id}-{n}",
            hold_id=hold_id,
            facts=facts,
            seconds=seconds,
        )

    def _store_message(
        self, draft: Draft[Receipt], results: tuple[RecipientResult, ...], meta: bytes, read: bytes
    ) -> None:
        s = self._submission
        message = s.message
        draft.writes.messages.append(_row(message, results[0].decision.class_, meta, read))
        if message.deliver and any(r.outcome is not Outcome.REJECT for r in results):
            draft.writes.bodies.append(BodyRow(message.id, s.body))
            if message.message_id and message.channel == "email":
                row = SentRow(int(draft.now // DAY), sent_hash(message.message_id), message.id)
                draft.writes.sent.append(row)


def _row(message: Message, class_: str, meta: bytes, read: bytes) -> MessageRow:
    return MessageRow(
        message.id,
        message.controller,
        message.source,
        message.sender.key,
        message.channel,
        class_,
        message.purpose,
        message.campaign,
        message.received_at,
        meta,
        read,
    )


def record(
    draft: Draft[Any],
    message: Message,
    n: int,
    ref: Ref,
    facts: Facts,
    decision: Decision,
    round_: int = 0,
    *,
    sealed: bytes = b"",
) -> None:
    """Keep the decision with its facts, and chain it into the audit log, the first one of a message with
    the message's seal."""
    row = DecisionRow(
        message.id,
        n,
        ref[0],
        ref[1],
        draft.now,
        int(decision.outcome),
        decision.class_,
        message.source,
        message.sender.key,
        message.channel,
        message.campaign,
        decision.policy_version,
        pack_violations(decision),
        pack_facts(facts, message.sender.key),
        round_,
    )
    draft.writes.decisions.append(row)
    salt = os.urandom(SALT)
    digest = decision_digest(row, salt, sealed)
    draft.writes.audit.append(AuditRow(draft.now, "decision", row.id, message.source, digest, salt, sealed))


def put_on_hold(
    draft: Draft[Any],
    message: Message,
    n: int,
    ref: Ref,
    decision: Decision,
    seconds: float,
    reading: Reading,
) -> str:
    """Make the decision wait for a person or a condition; returns the hold's id."""
    hold_id = f"{message.id}-{n}"
    draft.writes.holds[hold_id] = HoldRow(
        hold_id,
        message.id,
        n,
        ref[0],
        ref[1],
        message.source,
        message.sender.key,
        message.channel,
        decision.class_,
        message.campaign,
        "open",
        condition_of(decision),
        codes_of(decision.enforced),
        cluster_of(message, reading),
        draft.now,
        decision.earliest,
        draft.now + seconds,
    )
    return hold_id


def codes_of(violations: Iterable[Violation]) -> str:
    """What a hold says that stands against it: policies and codes, with a space between."""
    return " ".join(sorted({v.named for v in violations}))


def condition_of(decision: Decision) -> str:
    """What a hold waits for: consent, reply, resumes, window, several of them with a space between, or a
    reviewer where one of the violations needs a person."""
    conditions = {v.condition for v in decision.enforced}
    return "reviewer" if "reviewer" in conditions or not conditions else " ".join(sorted(conditions))


def cluster_of(message: Message, reading: Reading) -> str:
    """What makes held messages alike for a reviewer: the campaign, and the phrases that sell or ask."""
    telling = [p.hash for p in reading.phrases if p.asks] or [p.hash for p in reading.phrases]
    mark = min(telling, default=0)
    said = f"{message.controller}\0{message.source}\0{message.campaign}\0{mark}"
    return blake2b(said.encode(), digest_size=8).hexdigest()


def let_go(
    draft: Draft[Any],
    message: Message,
    n: int,
    ref: Ref,
    reading: Reading,
    window: float,
    head: Head = PLAIN,
    *,
    fresh: bool = True,
    by_person: bool,
) -> None:
    """Accept: count it in caps and relationships, and put it in the outbox. `window` is how many seconds its
    text is remembered. What is not `fresh` has its body in the database alone, so delivery takes it from
    there. A conversation `by_person` is the answer that somebody waited for."""
    recipient = message.recipients[n]
    person = draft.person(ref)
    due = max(draft.now, message.send_at)
    contact = Contact(
        due,
        message.class_,
        message.channel,
        message.sender.key,
        message.id,
        message.purpose,
        message.sequence_step,
    )
    introduced = reading.introduces_sender.value
    draft.set_person(ref, sent(person, contact, introduced=introduced, by_person=by_person))
    if by_person and message.class_ == "conversation":
        answered(draft, ref, message.sender.key, message.id)
    if message.class_ not in NOT_COUNTED and reading.phrases:
        draft.count_phrases(message.controller, [p.hash for p in reading.phrases], ref[1], window)
    draft.count_sent(message.controller, message.sender.key, message.class_)
    leased = draft.lease if fresh and due <= draft.now else 0.0
    draft.writes.outbox.append(
        OutboxRow(
            f"{message.id}-{n}",
            message.id,
            ref[0],
            ref[1],
            message.class_ != "transactional",
            draft.now,
            due,
            0,
            draft.owner if leased else "",
            leased,
            _entry(message, recipient, head, recheck=due > draft.now),
        )
    )


def _entry(message: Message, recipient: Recipient, head: Head, *, recheck: bool) -> bytes:
    return pack_entry(
        channel=message.channel,
        source=message.source,
        sender=message.sender.key,
        class_=message.class_,
        campaign=message.campaign,
        envelope_from=message.envelope_from,
        address=recipient.address,
        relay=message.relay,
        format=message.format,
        smtputf8=message.smtputf8,
        notify=recipient.notify,
        orcpt=recipient.orcpt,
        dsn_return=message.dsn_return,
        dsn_envelope_id=message.dsn_envelope_id,
        alone=len(message.recipients) == 1,
        recheck=recheck,
        add_headers=head.add,
        strip_headers=head.strip,
    )


def pack_receipt(receipt: Receipt, hops: int = 0) -> bytes:
    """The answer as it is kept for a repeated submission, with the number of servers that this one passed."""
    return orjson.dumps(
        {
            "id": receipt.id,
            "status": receipt.status,
            "class": receipt.class_,
            "r": [
                (
                    r.address,
                    int(r.outcome),
                    r.decision_id,
                    r.hold_id,
                    r.decision.class_,
                    r.decision.policy_version,
                    pack_violations(r.decision).decode(),
                )
                for r in receipt.recipients
            ],
            "hops": hops,
        }
    )


def unpack_receipt(data: bytes) -> Receipt:
    """The answer that was given before."""
    d: Mapping[str, object] = orjson.loads(data)
    results = tuple(
        RecipientResult(
            address=address,
            outcome=Outcome(outcome),
            decision=unpack_decision(violations.encode(), outcome, class_, version),
            decision_id=decision_id,
            hold_id=hold_id,
        )
        for address, outcome, decision_id, hold_id, class_, version, violations in d["r"]  # type: ignore[attr-defined]
    )
    return Receipt(
        id=str(d["id"]),
        status=str(d["status"]),
        class_=str(d["class"]),
        recipients=results,
        replayed=True,
        hops=int(d.get("hops", _ANY)),  # type: ignore[call-overload]
    )
