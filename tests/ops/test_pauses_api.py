"""The kill switch over the ops API, over real sockets: roles, repetition, slips, whose it is."""

import asyncio
from typing import Any

import pytest

from gateway.review import look
from tests.ingress.http.house import House, mail

CRM = {"kind": "source", "name": "crm", "reason": "A wrong list of bo@example.org."}
WHY = {"reason": "The list is right now."}
PAUSES = "/api/v1/pauses"


async def post(house: House, path: str, body: Any, who: str = "reviewer", **headers: str) -> Any:
    return await house.post(path, ops=True, who=who, json=body, **headers)


async def listed(house: House, who: str = "auditor") -> list[dict[str, Any]]:
    return list((await house.get(PAUSES, ops=True, who=who)).json["pauses"])


async def audited(house: House) -> list[tuple[Any, ...]]:
    sql = "SELECT kind, reference, actor FROM audit WHERE kind LIKE '%.paused' OR kind LIKE '%.resumed'"
    return await house.store.rows(f"{sql} ORDER BY seq")


async def test_a_source_is_paused_once_holds_and_is_resumed_once(house: House) -> None:
    first = await post(house, PAUSES, CRM)
    again = await post(house, PAUSES, CRM | {"reason": "me too"}, "compliance")
    assert (first.status, again.status, again.json) == (201, 200, first.json)
    assert (first.json["by"], first.json["reason"]) == ("reviewer", "A wrong list of …")
    await look(house.store)
    for n in range(2):
        to = {"addresses": [{"type": "email", "value": f"p{n}@b.test"}]}
        assert (await house.post(json=mail(recipient=to))).json["status"] == "held"
    [one] = await listed(house)
    assert (one["name"], one["controller"], one["held"]) == ("crm", "acme", 2)
    path = f"{PAUSES}/{one['id']}/resume"
    ended = await post(house, path, WHY, "admin")
    assert (ended.status, ended.json["resumed_by"], await listed(house)) == (200, "admin", [])
    late = await post(house, path, WHY, Accept_Language="it")
    assert (late.status, late.json["type"]) == (404, "urn:galateo:problem:not-found")
    assert "è già finita" in late.json["detail"]
    assert await audited(house) == [
        ("source.paused", "crm", "reviewer"),
        ("source.resumed", "crm", "admin"),
    ]


async def test_who_presses_twice_at_once_pauses_once(house: House) -> None:
    answers = await asyncio.gather(*(post(house, PAUSES, CRM) for _ in range(6)))
    assert sorted(a.status for a in answers) == [200] * 5 + [201]
    path = f"{PAUSES}/{answers[0].json['id']}/resume"
    answers = await asyncio.gather(*(post(house, path, WHY) for _ in range(6)))
    assert sorted(a.status for a in answers) == [200] + [404] * 5
    assert len(await audited(house)) == 2


async def test_who_may_not_changes_nothing(house: House) -> None:
    for who, status in (("auditor", 403), ("", 401), ("crm", 401)):
        assert (await post(house, PAUSES, CRM, who)).status == status
    assert (await house.get(PAUSES, ops=True, who="crm")).status == 401
    one = (await post(house, PAUSES, CRM)).json
    assert (await post(house, f"{PAUSES}/{one['id']}/resume", WHY, "auditor")).status == 403
    for who in ("reviewer", "auditor", "compliance", "admin"):
        assert [p["id"] for p in await listed(house, who)] == [one["id"]]


async def test_nobody_resumes_their_own_source_that_others_paused(house: House) -> None:
    reviewer = house.access.reviewers["reviewer"].model_copy(update={"own": frozenset({"crm"})})
    house.access.reviewers = {**house.access.reviewers, "reviewer": reviewer}
    path = f"{PAUSES}/{(await post(house, PAUSES, CRM, 'admin')).json['id']}/resume"
    refused = await post(house, path, WHY)
    assert (refused.status, len(await listed(house))) == (403, 1)
    assert (await post(house, path, WHY, "compliance")).status == 200
    assert (await post(house, PAUSES, CRM)).status == 201
    assert (await post(house, path, WHY)).status == 200


async def test_a_campaign_is_its_controllers_and_a_slip_is_told(house: House) -> None:
    sale = {"kind": "campaign", "name": "Black\u00a0Friday", "reason": "wrong prices"}
    whose = await post(house, PAUSES, sale)
    assert (whose.status, whose.json["errors"][0]["pointer"]) == (400, "#/controller")
    assert "known: acme, beta" in whose.json["detail"]
    one = await post(house, PAUSES, sale | {"controller": "acme"})
    assert (one.status, one.json["named_lately"]) == (201, False)
    await house.post(json=mail(campaign={"id": sale["name"]}))
    assert (await post(house, PAUSES, sale | {"controller": "acme"})).json["named_lately"] is True
    other = await post(house, PAUSES, sale | {"controller": "beta"})
    assert (other.status, len(await listed(house))) == (201, 2)
    slip = await post(house, PAUSES, CRM | {"name": "crmm"})
    assert (slip.status, "did you mean 'crm'" in slip.json["detail"]) == (400, True)
    assert (await post(house, PAUSES, CRM | {"controller": "beta"})).status == 400


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "controller"}, {"name": ""}, {"name": " "}, {"name": "a" * 2000}, {"name": ["crm"]},
        {"reason": ""}, {"reason": "bo@example.org"}, {"reason": None}, {"since": 0},
        {"kind": "campaign", "controller": "acme", "name": "a\0b"},
    ],
)  # fmt: skip
async def test_what_cannot_be_meant_is_malformed(house: House, wrong: dict[str, Any]) -> None:
    answer = await post(house, PAUSES, CRM | wrong)
    assert (answer.status, answer.json["type"]) == (400, "urn:galateo:problem:malformed")
    assert await listed(house) == []


@pytest.mark.parametrize("pause_id", ["0" * 32, "crm", "0" * 31 + "G", "0" * 33])
async def test_what_is_no_pause_is_not_found(house: House, pause_id: str) -> None:
    assert (await post(house, f"{PAUSES}/{pause_id}/resume", WHY)).status == 404


async def test_half_a_character_is_refused(house: House) -> None:
    body = b'{"kind": "campaign", "name": "a\\ud800", "controller": "acme", "reason": "x"}'
    answer = await house.post(PAUSES, ops=True, who="admin", data=body, Content_Type="application/json")
    assert (answer.status, await listed(house)) == (400, [])
