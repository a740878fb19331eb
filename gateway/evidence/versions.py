"""The texts of every policy version that was in force, so that a decision explains itself years later."""

import asyncio
from hashlib import blake2b

import orjson

from gateway.evidence.entries import Rows, declaration
from gateway.policy.load import compose
from gateway.policy.policies import PolicySet
from gateway.store.draft import Draft, Needs
from gateway.store.protocol import Store
from gateway.store.records import ReplayRow

ADD_TEXT = "INSERT INTO policy_texts (hash, text) VALUES (?, ?) ON CONFLICT (hash) DO NOTHING"
ADD_VERSION = (
    "INSERT INTO policy_versions (version, at, files) VALUES (?, ?, ?) ON CONFLICT (version) DO NOTHING"
)
_IN_FORCE = b"policy/in-force"
"""Where the version stands that came into force last; whoever changes it has it alone."""
_KEPT = 100 * 365 * 86400.0
_NEWEST = "SELECT version FROM policy_versions ORDER BY at DESC LIMIT 1"


def text_hash(text: str) -> str:
    """What a stored text is found by."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


class _Keep:
    """Keep a version's texts, and chain into the audit log that it came into force; hand back whether it had
    to come. `newest` is the version that the database met last: what is in force where nothing says so."""

    needs = Needs(replays=(_IN_FORCE,))

    def __init__(self, policies: PolicySet, actor: str, newest: str) -> None:
        self._policies = policies
        self._actor = actor
        self._newest = newest

    def apply(self, draft: Draft[bool]) -> bool:
        """Of several gateways that load the same, the first one keeps it."""
        version, before = self._policies.version, draft.replay(_IN_FORCE)
        if version == (self._newest if before is None else before.decode()):
            return False
        texts = self._policies.texts
        files = {name: text_hash(text) for name, text in sorted(texts.items())}
        statements = draft.writes.statements
        statements.extend((ADD_TEXT, (text_hash(text), text)) for text in texts.values())
        statements.append((ADD_VERSION, (version, draft.now, orjson.dumps(files).decode())))
        told = {"version": version, "files": files}
        draft.writes.audit.append(declaration(draft.now, "policy.changed", version, self._actor, told))
        draft.writes.replays[_IN_FORCE] = ReplayRow(_IN_FORCE, draft.now + _KEPT, version.encode())
        return True


async def keep_policies(store: Store, policies: PolicySet, actor: str = "gateway") -> bool:
    """Keep the texts of the policies that come into force now; False where they are in force already. Those
    that come back after others are a change like any other. To be called at start and after every reload.
    Raises StoreError."""
    newest = await store.rows(_NEWEST)
    return await store.run(_Keep(policies, actor, str(newest[0][0]) if newest else ""))


async def texts_of(store: Rows, version: str) -> dict[str, str] | None:
    """The files of a version by name, or nothing where they were never kept."""
    rows = await store.rows("SELECT files FROM policy_versions WHERE version = ?", (version,))
    if not rows:
        return None
    texts = {}
    for name, mark in orjson.loads(rows[0][0]).items():
        found = await store.rows("SELECT text FROM policy_texts WHERE hash = ?", (mark,))
        if not found:
            return None
        texts[name] = str(found[0][0])
    return texts


async def policies_of(store: Rows, version: str) -> PolicySet | None:
    """The policies of a version, ready to be asked. Raises PolicyErrors where this gateway no longer
    understands them. They are read in a thread: a set of policies takes as long as hundreds of messages."""
    if version == PolicySet().version:
        return PolicySet()
    texts = await texts_of(store, version)
    return None if texts is None else await asyncio.to_thread(compose, texts)
