"""submit(message) -> Receipt: the whole line on one screen."""

from collections.abc import Callable, Sequence
from hashlib import blake2b

from gateway.access import Access, Source
from gateway.aside import Aside
from gateway.intake.accept import Accept, Submission, unpack_receipt
from gateway.intake.letterhead import Letterhead
from gateway.intake.person_facts import alias_refs, refs_of
from gateway.intake.receipt import GoesRound, NotAllowed, Receipt
from gateway.intake.tally import count_receipt
from gateway.keys import Keys
from gateway.message.envelope import Message
from gateway.message.rewrite import BLIND, outgoing, unsigned
from gateway.metrics import Metrics
from gateway.policy.jurisdiction import loosens
from gateway.policy.live import LivePolicies
from gateway.policy.outcome import Words
from gateway.policy.policies import PolicySet
from gateway.reading.packing import pack_reading
from gateway.reading.read import Reader
from gateway.reading.reading import Reading
from gateway.store.protocol import Store, StoreError

STRIPPED = frozenset({b"x-galateo-"})
_ANSWERS = "SELECT key, answer FROM replays WHERE key IN"
GONE = Words(
    "This source is not in access.yaml any more. Ask whoever keeps the file for an entry.",
    "Questa fonte non è più in access.yaml. Chiedere a chi cura il file di aggiungerla.",
)
_AT_ONCE = 250
"""Answers asked for in one statement."""


def replay_key(source: str, name: str) -> bytes:
    """Under what the answer to a message of this source is kept, by the message's `idempotency_key`."""
    return blake2b(f"{source}\0{name}".encode(), digest_size=16).digest()


async def answered_before(store: Store, source: str, names: Sequence[str], now: float) -> dict[str, str]:
    """The id of the message that was answered under each of these keys, where the answer is still given.
    Raises StoreError."""
    by_key = {replay_key(source, name): name for name in names}
    keys, found = list(by_key), dict[str, str]()
    for start in range(0, len(keys), _AT_ONCE):
        some = keys[start : start + _AT_ONCE]
        marks = ", ".join("?" * len(some))
        rows = await store.few(f"{_ANSWERS} ({marks}) AND expires_at > ?", (*some, now))
        found |= {by_key[bytes(key)]: unpack_receipt(bytes(answer)).id for key, answer in rows}
    return found


class Intake:
    """Reads a message, decides it, stores it, answers."""

    def __init__(
        self,
        store: Store,
        reader: Reader,
        policies: LivePolicies,
        access: Access,
        keys: Keys,
        metrics: Metrics,
        *,
        hold_seconds: float,
        told: Callable[[Message, Receipt], None] | None = None,
        letterhead: Letterhead | None = None,
        aside: Aside | None = None,
    ) -> None:
        self._store = store
        self._reader = reader
        self._aside = aside
        self._policies = policies
        self._access = access
        self._keys = keys
        self._metrics = metrics
        self._hold_seconds = hold_seconds
        self._letterhead = letterhead
        self._told = told

    async def submit(self, message: Message) -> Receipt:
        """The receipt, once it is durable. Raises Unavailable or DiskFull when nothing was stored,
        NotAllowed as `check` does, and GoesRound when it comes again by way of the relay."""
        self.check(message)
        policies = self._policies.current
        if self._aside is not None:
            self._store.expect(1)
            try:
                reading, packed = await self._aside.read(message.content)
            finally:
                self._store.expect(-1)
        else:
            reading, packed = self._reader.read(message.content), b""
        submission = self._submission(message, reading, packed, policies)
        try:
            receipt = await self._store.run(Accept(submission))
        except StoreError:
            for _ in message.recipients:  # as every other outcome is counted
                self._metrics.message(
                    message.source, message.channel, message.class_ or "unknown", "deferred"
                )
            raise
        if receipt.replayed and message.hops > receipt.hops and await self._left(receipt):
            raise GoesRound(receipt.id)
        person = submission.source.kind == "person"
        count_receipt(self._metrics, message, submission.reading, receipt, by_person=person)
        if receipt.status == "mixed" and self._told is not None and not receipt.replayed:
            self._told(message, receipt)
        return receipt

    async def _left(self, receipt: Receipt) -> bool:
        """Whether the relay may have the message: what is held has left only once it was released."""
        if receipt.status != "held":
            return True
        holds = [await self._store.hold(result.hold_id) for result in receipt.recipients]
        return any(hold is not None and hold.status == "released" for hold in holds)

    def _submission(
        self, message: Message, reading: Reading, packed: bytes, policies: PolicySet
    ) -> Submission:
        keys, controller = self._keys, message.controller
        source = self._source(message)
        body = message.raw
        if message.format == "mime":
            body = outgoing(body, STRIPPED | unsigned(body, BLIND))
        return Submission(
            message=message,
            body=body,
            source=source,
            controller=self._access.controller(controller),
            reading=reading,
            packed=packed or pack_reading(reading),
            policies=policies,
            refs=refs_of(keys, controller, message),
            aliases=tuple(alias_refs(keys, controller, r) for r in message.recipients),
            replay_key=self._replay_key(message),
            hold_seconds=self._hold_seconds,
            letterhead=self._letterhead,
        )

    def check(self, message: Message) -> None:
        """Raises NotAllowed where the source may not say this of its message: a jurisdiction that is not
        trusted may only tighten (DESIGN 4). Nor may one say anything that just left the access file."""
        if "jurisdiction" in self._source(message).trusted:
            return
        settled = self._access.controller(message.controller).jurisdiction
        law = self._policies.current.jurisdiction
        for recipient in message.recipients:
            declared = recipient.jurisdiction.strip().casefold()
            if declared and declared != settled and loosens(law(declared), law(settled)):
                raise NotAllowed(
                    Words(
                        f"This source may not declare the jurisdiction {declared!r}, which asks less than"
                        f" {settled!r}."
                        " Leave it out, or ask whoever keeps access.yaml to trust this source with it.",
                        f"Questa fonte non può dichiarare la giurisdizione {declared!r}, che chiede meno di"
                        f" {settled!r}."
                        " Ometterla, o chiedere a chi cura access.yaml di darle fiducia.",
                    )
                )

    def _source(self, message: Message) -> Source:
        source = self._access.named(message.source)
        if source is None:
            raise NotAllowed(GONE)
        return source

    @staticmethod
    def _replay_key(message: Message) -> bytes:
        if not message.idempotency_key:
            return b""
        return replay_key(message.source, message.idempotency_key)
