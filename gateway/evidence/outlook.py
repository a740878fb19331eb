"""What would happen to a message now: decided on today's facts, and nothing kept of it."""

from gateway.access import Access, Source
from gateway.evidence.explain import Explanation, explained
from gateway.intake.person_facts import alias_refs, facts_for, refs_of
from gateway.keys import Keys
from gateway.message.address import normalize
from gateway.message.envelope import Message, Recipient, Sender
from gateway.message.ids import new_id
from gateway.message.parse import parse
from gateway.message.rewrite import metadata
from gateway.policy.classify import classify
from gateway.policy.decide import decide
from gateway.policy.policies import PolicySet
from gateway.reading.read import Reader
from gateway.reading.reading import Reading
from gateway.store.draft import Draft, Needs
from gateway.store.protocol import Store


class _Look:
    """Decide a message for each recipient, and write nothing."""

    def __init__(
        self,
        message: Message,
        reading: Reading,
        source: Source,
        access: Access,
        keys: Keys,
        policies: PolicySet,
    ) -> None:
        self._message = message
        self._reading = reading
        self._source = source
        self._controller = access.controller(message.controller)
        self._policies = policies
        self._refs = refs_of(keys, message.controller, message)
        self._aliases = [alias_refs(keys, message.controller, r) for r in message.recipients]
        people = (*self._refs, *(ref for refs in self._aliases for ref in refs))
        self.needs = Needs(people=people)

    def apply(self, draft: Draft[list[Explanation]]) -> list[Explanation]:
        """The explanation of what each recipient would get."""
        return [self._one(draft, n) for n in range(len(self._refs))]

    def _one(self, draft: Draft[list[Explanation]], n: int) -> Explanation:
        message, reading, source = self._message, self._reading, self._source
        facts = facts_for(
            draft,
            message,
            message.recipients[n],
            self._refs[n],
            reading,
            source,
            self._controller,
            aliases=self._aliases[n],
        )
        class_ = classify(message, reading, facts, source.classes, source.default_class)
        decision = decide(
            self._policies, message, message.recipients[n], reading, facts, draft.now, class_=class_
        )
        return explained("", draft.now, decision, message, n, reading, facts, self._policies)


def message_of(raw: bytes, address: str, source: Source, now: float, random: bytes) -> Message:
    """The message that these octets would be, to one address, from a source. `random` are ten octets."""
    parsed = parse(raw)
    declared = metadata(parsed)
    sender = parsed.content.sender_address
    return Message(
        id=new_id(now, random),
        source=source.name,
        controller=source.controller,
        channel="email",
        sender=Sender(address=sender, key=normalize("email", sender) if sender else ""),
        recipients=(
            Recipient(
                channel="email",
                address=address,
                key=normalize("email", address),
                name=declared.recipient_name,
                jurisdiction=declared.jurisdiction,
            ),
        ),
        content=parsed.content,
        raw=raw,
        received_at=now,
        class_=declared.class_,
        purpose=declared.purpose or source.default_purpose,
        campaign=declared.campaign,
        sequence_step=declared.sequence_step,
        thread=parsed.in_reply_to[0] if parsed.in_reply_to else "",
        in_reply_to=parsed.in_reply_to,
        list_unsubscribe=parsed.list_unsubscribe,
        list_unsubscribe_post=parsed.list_unsubscribe_post,
        signed=parsed.signed,
    )


async def look(
    store: Store, reader: Reader, access: Access, keys: Keys, policies: PolicySet, message: Message
) -> list[Explanation]:
    """What would become of a message that came in now, by recipient. Raises StoreError."""
    source = access.sources.get(message.source) or Source(name=message.source, controller=message.controller)
    reading = reader.read(message.content)
    return await store.run(_Look(message, reading, source, access, keys, policies))
