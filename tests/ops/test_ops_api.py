"""The ops API over real sockets: roles, holds, decisions, consents, people."""

import asyncio
from collections.abc import AsyncIterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from gateway.access import Reviewer
from gateway.ingress.http import HttpLimits
from tests.ingress.http.house import SECRET, House, development, mail

OFFER = mail(**{"class": "promotion", "purpose": "offers"})
CONSENT = {
    "address": "ana@example.test",
    "channel": "email",
    "purpose": "offers",
    "controller": "acme",
    "action": "granted",
    "at": "2026-01-01T10:00:00Z",
    "wording": "Yes, send me offers.",
    "ip": "192.0.2.1",
    "confirmed_at": "2026-01-01T10:01:00Z",
    "confirmed_ip": "192.0.2.1",
}
WHO = {"controller": "acme", "channel": "email", "address": "ana@example.test"}
VERDICT = {"reason": "We met at the fair."}


async def _held(house: House, **fields: Any) -> str:
    answer = await house.post(json={**OFFER, **fields})
    assert answer.json["status"] == "held", answer.text
    return str(answer.json["hold_id"])


async def _get(house: House, path: str, who: str = "reviewer", **headers: str) -> Any:
    return await house.get(path, ops=True, who=who, **headers)


async def _post(house: House, path: str, body: Any, who: str = "reviewer", **headers: str) -> Any:
    return await house.post(path, ops=True, who=who, json=body, **headers)


DEEDS = {
    ("GET", "/api/v1/holds"): {"reviewer", "auditor", "compliance", "admin"},
    ("GET", "/api/v1/holds/{hold}"): {"reviewer", "auditor", "compliance", "admin"},
    ("GET", "/api/v1/decisions/{hold}"): {"reviewer", "auditor", "compliance", "admin"},
    ("POST", "/api/v1/holds/{hold}/release"): {"reviewer", "compliance", "admin"},
    ("POST", "/api/v1/holds/{hold}/reject"): {"reviewer", "compliance", "admin"},
    ("GET", "/api/v1/consents?controller=acme&subject=" + "0" * 32): {"auditor", "compliance", "admin"},
    ("POST", "/api/v1/consents"): {"compliance", "admin"},
    ("POST", "/api/v1/subjects/lookup"): {"auditor", "compliance", "admin"},
}


@pytest.mark.parametrize(("deed", "allowed"), DEEDS.items(), ids=range(len(DEEDS)))
async def test_a_role_may_do_what_is_its_own_and_nothing_else(
    house: House, deed: tuple[str, str], allowed: set[str]
) -> None:
    method, path = deed
    for role in ("reviewer", "auditor", "compliance", "admin"):
        hold = await _held(house, recipient={"addresses": [{"type": "email", "value": f"{role}@b.test"}]})
        body: Any = None
        if method == "POST":
            body = WHO if "lookup" in path else [CONSENT] if "consents" in path else VERDICT
        answer = await house.ask(method, path.format(hold=hold), ops=True, who=role, json=body)
        assert (answer.status < 300) == (role in allowed), (role, answer.text)
        if role not in allowed:
            assert answer.status == 403
            assert (await _get(house, f"/api/v1/holds/{hold}")).json["status"] == "open"


async def test_a_reviewer_s_secret_cannot_be_guessed_without_end(house: House) -> None:
    async def guess(n: int) -> int:
        asked = await _get(house, "/api/v1/holds", who="", Authorization=f"Bearer reviewer:{n}")
        return int(asked.status)

    assert (await _get(house, "/api/v1/holds", who="reviewer")).status == 200
    assert [await guess(n) for n in range(12)] == [401] * 10 + [429] * 2
    assert (await _get(house, "/api/v1/observed", who="", Authorization="Bearer reviewer:x")).status == 429
    assert (await _get(house, "/api/v1/holds", who="reviewer")).status == 200


async def test_who_guesses_behind_a_proxy_keeps_out_nobody_else_behind_it(tmp_path: Path) -> None:
    async def ask(secret: str, address: str) -> int:
        given = {"Authorization": f"Bearer reviewer:{secret}", "X_Forwarded_For": address}
        return int((await _get(house, "/api/v1/holds", who="", **given)).status)

    async with House(tmp_path, limits=HttpLimits(proxies=(ip_network("127.0.0.0/8"),))) as house:
        assert [await ask(f"{n}", "192.0.2.1") for n in range(11)] == [401] * 10 + [429]
        assert await ask(SECRET, "192.0.2.1") == 429
        assert await ask(SECRET, "192.0.2.2") == 200


@pytest.mark.parametrize(
    ("now", "status"),
    [({}, 401), ({"secret": ""}, 401), ({"role": "auditor"}, 403)],
    ids=["gone", "another secret", "another role"],
)
async def test_who_left_while_they_still_sent_a_verdict_decides_nothing(
    house: House, now: dict[str, str], status: int
) -> None:
    hold = await _held(house)
    before = house.access.reviewers
    admin = before["admin"].model_copy(update=now)
    left = {name: who for name, who in before.items() if name != "admin"} | ({"admin": admin} if now else {})

    async def slow() -> AsyncIterator[bytes]:
        yield b'{"reason": '
        await asyncio.sleep(0.2)
        house.access.reviewers = left
        yield b'"they asked"}'

    path = f"/api/v1/holds/{hold}/release"
    answer = await house.post(path, ops=True, who="admin", data=slow(), Content_Type="application/json")
    house.access.reviewers = before
    assert (answer.status, (await _get(house, f"/api/v1/holds/{hold}")).json["status"]) == (status, "open")


async def test_strangers_and_sources_see_nothing(house: House) -> None:
    hold = await _held(house)
    for who in ("", "crm", "nobody"):
        for path in ("/api/v1/holds", f"/api/v1/holds/{hold}", f"/api/v1/decisions/{hold}"):
            answer = await _get(house, path, who=who)
            assert answer.status == 401
            assert "WWW-Authenticate" in answer.headers
    assert (await _get(house, "/api/v1/holds", who="", Authorization="Bearer reviewer:no")).status == 401
    assert (
        await _get(house, "/api/v1/holds", who="", Authorization=f"Bearer reviewer:{SECRET}")
    ).status == 200


async def test_holds_are_listed_in_pages_and_by_filter(house: House) -> None:
    ids = [
        await _held(house, recipient={"addresses": [{"type": "email", "value": f"p{n}@b.test"}]}, campaign=c)
        for n, c in enumerate([{"id": "one"}, {"id": "two"}, {"id": "one"}])
    ]
    first = await _get(house, "/api/v1/holds?limit=2")
    assert [hold["id"] for hold in first.json["holds"]] == ids[:2]
    rest = await _get(house, f"/api/v1/holds?limit=2&after={first.json['next']}")
    assert [hold["id"] for hold in rest.json["holds"]] == ids[2:]
    assert rest.json["next"] is None
    one = await _get(house, "/api/v1/holds?campaign=one&channel=email&class=promotion&source=crm")
    assert [hold["id"] for hold in one.json["holds"]] == [ids[0], ids[2]]
    assert (await _get(house, "/api/v1/holds?status=released")).json["holds"] == []
    assert len((await _get(house, "/api/v1/holds?status=all&code=offers/consent.missing")).json["holds"]) == 3


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=501", "limit=x", "limit=1&limit=2", "status=odd", "what=1", "after=%27", "channel=x"],
)
async def test_a_wrong_question_is_malformed(house: House, query: str) -> None:
    assert (await _get(house, f"/api/v1/holds?{query}")).status == 400


async def test_a_hold_shows_what_was_to_be_sent_and_why_not(house: House) -> None:
    hold = await _held(house)
    told = (await _get(house, f"/api/v1/holds/{hold}", Accept_Language="it")).json
    assert told["message"]["text"].strip() == OFFER["text"]
    assert told["message"]["recipient"]["address"] == "ana@example.test"
    assert told["decisions"][0]["violations"][0]["code"] == "consent.missing"
    assert told["decisions"][0]["facts"]["j"]


@pytest.mark.parametrize("hold", ["x", "0" * 26 + "-0", "..%2f", "0" * 26])
async def test_no_such_hold(house: House, hold: str) -> None:
    assert (await _get(house, f"/api/v1/holds/{hold}")).status == 404
    assert (await _get(house, f"/api/v1/decisions/{hold}")).status == 404
    assert (await _post(house, f"/api/v1/holds/{hold}/release", VERDICT)).status == 404
    assert (await _post(house, f"/api/v1/holds/{hold}/reject", VERDICT)).status == 404


@pytest.mark.parametrize(("verdict", "status"), [("release", "released"), ("reject", "rejected")])
async def test_an_address_in_a_reason_is_not_kept(house: House, verdict: str, status: str) -> None:
    hold = await _held(house)
    path = f"/api/v1/holds/{hold}"
    alone = await _post(house, f"{path}/{verdict}", {"reason": "anna@example.org"})
    assert (alone.status, alone.json["errors"][0]["pointer"]) == (400, "#/reason")
    assert (await _get(house, path)).json["status"] == "open"
    await _post(house, f"{path}/{verdict}", {"reason": "asked by anna@example.org, in March"})
    told = (await _get(house, path)).json
    assert (told["status"], told["reason"]) == (status, "asked by … in March")


async def test_a_release_names_the_decision_that_was_seen(house: House) -> None:
    hold = await _held(house)
    path = f"/api/v1/holds/{hold}"
    [seen] = (await _get(house, path)).json["decisions"]
    for wrong in ("x", "0" * 26 + "-0"):
        answer = await _post(house, f"{path}/release", VERDICT | {"decision_id": wrong})
        assert (answer.status, answer.json["errors"][0]["pointer"]) == (400, "#/decision_id")
    assert (await _post(house, f"{path}/reject", VERDICT | {"decision_id": seen["id"]})).status == 400
    other = await _post(house, f"{path}/release", VERDICT | {"decision_id": f"{hold}.7"})
    assert (other.status, other.json["hold_status"], other.json["decision"]["waived"]) == (409, "open", [])
    mine = await _post(house, f"{path}/release", VERDICT | {"decision_id": seen["id"]})
    assert (mine.status, mine.json["decision"]["waived"]) == (200, ["consent.missing"])


async def test_a_release_sends_and_happens_once(house: House) -> None:
    hold = await _held(house)
    answer = await _post(house, f"/api/v1/holds/{hold}/release", VERDICT)
    assert (answer.status, answer.json["status"]) == (200, "released")
    assert answer.json["decision"]["waived"] == ["consent.missing"]
    again = await _post(house, f"/api/v1/holds/{hold}/release", VERDICT, who="admin")
    assert again.status == 409
    assert again.json["hold"]["status"] == "released"
    message = hold.partition("-")[0]
    status = (await house.get(f"/v1/messages/{message}")).json
    assert status["status"] == "accepted"
    assert status["recipients"][0]["delivery"]["state"] == "waiting"
    decision = (await _get(house, f"/api/v1/decisions/{hold}")).json
    assert [d["outcome"] for d in decision["rounds"]] == ["held", "accepted"]
    assert decision["outcome"] == "accepted"
    assert (await _get(house, f"/api/v1/decisions/{decision['id']}")).json["outcome"] == "accepted"
    assert (await _get(house, f"/api/v1/decisions/{hold}.9")).status == 404


async def test_two_pairs_of_eyes_are_two_here_too(house: House) -> None:
    hold = await _held(house)
    house.review.four_eyes = True
    for _ in range(2):
        answer = await _post(house, f"/api/v1/holds/{hold}/release", VERDICT)
        assert (answer.status, answer.json["status"]) == (202, "proposed")
    assert (await _get(house, f"/api/v1/holds/{hold}")).json["status"] == "open"
    answer = await _post(house, f"/api/v1/holds/{hold}/release", VERDICT, who="admin")
    assert (answer.status, answer.json["status"]) == (200, "released")


async def test_nobody_releases_their_own_here_either(house: House) -> None:
    hold = await _held(house)
    stored = await house.store.hold(hold)
    assert stored is not None
    before = house.access.reviewers
    people = dict(before)
    people["reviewer"] = people["reviewer"].model_copy(update={"own": (stored.source,)})
    house.access.reviewers = people
    try:
        assert (await _post(house, f"/api/v1/holds/{hold}/release", VERDICT)).status == 403
        assert (await _get(house, f"/api/v1/holds/{hold}")).json["status"] == "open"
        assert (await _post(house, f"/api/v1/holds/{hold}/reject", VERDICT)).status == 200
    finally:
        house.access.reviewers = before


async def test_a_release_is_refused_by_the_floor(house: House) -> None:
    hold = await _held(house)
    stop = {**CONSENT, "action": "objected", "at": "2026-11-01T10:00:00Z"}
    assert (await _post(house, "/api/v1/consents", [stop], who="compliance")).status == 201
    answer = await _post(house, f"/api/v1/holds/{hold}/release", VERDICT)
    assert answer.status == 409
    status = (await house.get(f"/v1/messages/{hold.partition('-')[0]}")).json
    assert status["status"] == "rejected"


async def test_a_rejection_stands(house: House) -> None:
    hold = await _held(house)
    answer = await _post(house, f"/api/v1/holds/{hold}/reject", {"reason": "Not ours to send."})
    assert (answer.status, answer.json["status"]) == (200, "rejected")
    told = (await _get(house, f"/api/v1/holds/{hold}")).json
    assert (told["decided_by"], told["reason"]) == ("reviewer", "Not ours to send.")
    assert (await _post(house, f"/api/v1/holds/{hold}/release", VERDICT)).status == 409


@pytest.mark.parametrize(
    "body", [{}, {"reason": ""}, {"reason": "  "}, {"reason": 1}, {"reason": "x", "a": 1}, []]
)
async def test_a_verdict_needs_a_reason(house: House, body: Any) -> None:
    hold = await _held(house)
    assert (await _post(house, f"/api/v1/holds/{hold}/release", body)).status == 400


class TestConsents:
    async def test_a_recorded_consent_opens_the_way(self, house: House) -> None:
        answer = await _post(house, "/api/v1/consents", {"rows": [CONSENT]}, who="compliance")
        assert answer.status == 201
        assert answer.json == {"recorded": 1, "changed": 1, "unchanged": 0}
        again = await _post(house, "/api/v1/consents", CONSENT, who="admin")
        assert again.json["unchanged"] == 1
        assert (await house.post(json=OFFER)).json["status"] == "accepted"
        person = (await _post(house, "/api/v1/subjects/lookup", WHO, who="auditor")).json
        assert person["permissions"][0]["grade"] == "A"
        log = await _get(
            house, f"/api/v1/consents?controller=acme&subject={person['subject']}", who="auditor"
        )
        assert log.json["consents"][0]["proof"]["wording"] == CONSENT["wording"]

    async def test_an_entry_follows_a_withdrawal_only_by_compliance_with_proof(self, house: House) -> None:
        weak = {k: v for k, v in CONSENT.items() if not k.startswith("confirmed")}
        stop = {**weak, "action": "withdrawn", "at": "2026-02-01T10:00:00Z"}
        after = {**weak, "at": "2026-03-01T10:00:00Z"}
        await _post(house, "/api/v1/consents", [CONSENT, stop], who="compliance")
        await _post(house, "/api/v1/consents", [after], who="compliance")
        person = (await _post(house, "/api/v1/subjects/lookup", WHO, who="compliance")).json
        assert person["stops"]
        body = {"rows": [after], "by_compliance": True}
        assert (await _post(house, "/api/v1/consents", body, who="compliance")).status == 201
        person = (await _post(house, "/api/v1/subjects/lookup", WHO, who="compliance")).json
        assert not person["stops"]
        bare = {k: v for k, v in after.items() if k != "wording"}
        body = {"rows": [bare], "by_compliance": True}
        assert (await _post(house, "/api/v1/consents", body, who="compliance")).status == 400

    @pytest.mark.parametrize(
        ("fields", "pointer"),
        [
            ({"address": "no address"}, "#/rows/1"),
            ({"controller": "nobody"}, "#/rows/1"),
            ({"at": "yesterday at ten"}, "#/rows/1"),
            ({"at": "2026-01-01T10:00:00"}, "#/rows/1"),
            ({"purpose": ""}, "#/rows/1"),
            ({"confirmed_ip": "n/a"}, "#/rows/1"),
            ({"confirmed_at": "2131-01-01T10:00:00Z"}, "#/rows/1"),
            ({"channel": "pigeon"}, "#/rows/1/channel"),
            ({"action": "maybe"}, "#/rows/1/action"),
            ({"basis": "because"}, "#/rows/1/basis"),
            ({"extra": "x"}, "#/rows/1/extra"),
            ({"wording": 1}, "#/rows/1/wording"),
        ],
    )
    async def test_one_wrong_row_keeps_all_out(
        self, house: House, fields: dict[str, Any], pointer: str
    ) -> None:
        rows = [CONSENT, {**CONSENT, **fields}]
        answer = await _post(house, "/api/v1/consents", rows, who="compliance")
        assert answer.status == 400, answer.text
        assert answer.json["errors"][0]["pointer"] == pointer
        person = (await _post(house, "/api/v1/subjects/lookup", WHO, who="compliance")).json
        assert person["permissions"] == []

    async def test_nobody_unknown_is_found(self, house: House) -> None:
        person = (await _post(house, "/api/v1/subjects/lookup", WHO, who="compliance")).json
        assert person["relationships"] == []
        wrong = {**WHO, "address": "x"}
        assert (await _post(house, "/api/v1/subjects/lookup", wrong, who="compliance")).status == 400


class TestHealth:
    async def test_the_process_lives_and_works(self, house: House) -> None:
        assert (await _get(house, "/healthz", who="")).json == {"status": "ok"}
        ready = await _get(house, "/readyz", who="")
        assert (ready.status, ready.json["checks"]) == (200, {"store": "ok"})

    async def test_the_metrics_move_and_name_nobody(self, house: House) -> None:
        await _held(house)
        text = (await _get(house, "/metrics", who="")).text
        assert (
            'galateo_messages_total{channel="email",class="promotion",outcome="held",source="crm"} 1.0'
            in text
        )
        assert "example.test" not in text
        assert "galateo_accept_seconds_count 1.0" in text

    async def test_there_is_no_message_api_here(self, house: House) -> None:
        assert (await _post(house, "/v1/messages", mail(), who="crm")).status == 404
        assert (await house.get("/api/v1/holds", who="admin")).status == 404
        assert (await house.get("/metrics", who="")).status == 404


async def test_in_development_a_reviewer_of_that_name_needs_no_password(tmp_path: Any) -> None:
    access = development()
    async with House(tmp_path / "a", access=access) as house:
        assert (await _get(house, "/api/v1/holds", who="")).status == (
            200 if "development" in access.reviewers else 401
        )
    access = development()
    access.reviewers = {"development": Reviewer(name="development", role="admin")}
    async with House(tmp_path / "b", access=access) as house:
        assert (await _get(house, "/api/v1/holds", who="")).status == 200
        assert (await _get(house, "/api/v1/holds", who="", Via="1.1 proxy")).status == 401
        assert (await _get(house, "/api/v1/holds", who="", Host="evil.test")).status == 401
        assert (await _get(house, "/api/v1/holds", who="", Origin="http://127.0.0.1")).status == 401
