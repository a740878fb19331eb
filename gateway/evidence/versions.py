"""The texts of every policy version that was in force, so that a decision explains itself years later."""

from hashlib import blake2b

import orjson

from gateway.evidence.entries import Rows, declaration
from gateway.policy.load import compose
from gateway.policy.policies import PolicySet
from gateway.store.draft import Draft, Needs
from gateway.store.protocol import Store

ADD_TEXT = "INSERT INTO policy_texts (hash, text) VALUES (?, ?) ON CONFLICT (hash) DO NOTHING"
ADD_VERSION = (
    "INSERT INTO policy_versions (version, at, files) VALUES (?, ?, ?) ON CONFLICT (version) DO NOTHING"
)


def text_hash(text: str) -> str:
    """What a stored text is found by."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


class _Keep:
    """Keep a version's texts, and chain into the audit log that it came into force."""

    needs = Needs()

    def __init__(self, policies: PolicySet, actor: str) -> None:
        self._policies = policies
        self._actor = actor

    def apply(self, draft: Draft[None]) -> None:
        texts = self._policies.texts
        files = {name: text_hash(text) for name, text in sorted(texts.items())}
        statements = draft.writes.statements
        statements.extend((ADD_TEXT, (text_hash(text), text)) for text in texts.values())
        packed = orjson.dumps(files).decode()
        statements.append((ADD_VERSION, (self._policies.version, draft.now, packed)))
        told = {"version": self._policies.version, "files": files}
        draft.writes.audit.append(
            declaration(draft.now, "policy.changed", self._policies.version, self._actor, told)
        )


async def keep_policies(store: Store, policies: PolicySet, actor: str = "gateway") -> bool:
    """Keep the texts of the policies that come into force now; False where they are in force already.
    To be called at start and after every reload. Raises StoreError."""
    known = "SELECT 1 FROM policy_versions WHERE version = ?"
    if await store.rows(known, (policies.version,)):
        return False
    await store.run(_Keep(policies, actor))
    return True


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
    understands them."""
    if version == PolicySet().version:
        return PolicySet()
    texts = await texts_of(store, version)
    return None if texts is None else compose(texts)
