"""The routes of evidence and of people's rights, and what they are made of."""

import time
from collections.abc import Callable

from aiohttp import web

from gateway.evidence.rights import Rights
from gateway.evidence.trial import Trials
from gateway.keys import Keys
from gateway.ops.desk import Desk
from gateway.ops.proof import Proof
from gateway.ops.replays import Replays
from gateway.ops.rights import PeopleRights
from gateway.policy.live import LivePolicies
from gateway.reading.read import Reader
from gateway.store.protocol import Store


def evidence_routes(
    *,
    desk: Desk,
    store: Store,
    keys: Keys,
    reader: Reader,
    policies: LivePolicies,
    rights: Rights,
    trials: Trials,
    clock: Callable[[], float] = time.time,
) -> list[web.RouteDef]:
    """The routes; they are described in `evidence_openapi`."""
    proof = Proof(desk, store, desk.access, keys, reader, policies, clock)
    people, replays = PeopleRights(desk, rights), Replays(desk, trials, policies, clock)
    return [
        web.post("/api/v1/replay", replays.run),
        web.get("/api/v1/observed", proof.observed),
        web.get("/api/v1/policies", proof.policies),
        web.post("/api/v1/explain", proof.look),
        web.get("/api/v1/messages/{id}/explanation", proof.explain),
        web.get("/api/v1/messages/{id}/evidence", proof.pack),
        web.get("/api/v1/audit/checkpoint", proof.checkpoint),
        web.get("/api/v1/audit/key", proof.key),
        web.post("/api/v1/subjects/export", people.export),
        web.post("/api/v1/subjects/erase", people.erase),
        web.post("/api/v1/subjects/restrict", people.restrict),
    ]
