"""Replay, explanations, packs, people's rights over the ops API: by role, logged, wrong questions refused."""

import base64
from pathlib import Path
from typing import Any

import pytest

from gateway.evidence.checkpoint import read_checkpoints
from gateway.evidence.entries import FileRows
from gateway.evidence.pack import verify_pack
from gateway.evidence.trial import Trials
from gateway.evidence.verify import Verification
from tests.ingress.http.house import POLICIES, SECRET, House, mail

OFFER = mail(**{"class": "promotion", "purpose": "offers"})
ANA = {"channel": "email", "address": "ana@example.test"}
EML = b"From: rui@acme.test\r\nSubject: x\r\nX-Galateo-Class: promotion\r\n\r\nBuy now, 40% off!\r\n"
LOOSER = {"offers.yaml": POLICIES["offers.yaml"].replace("outcome: hold", "outcome: reject")}


async def post(house: House, path: str, body: Any, who: str = "admin", **headers: str) -> Any:
    return await house.post(f"/api/v1/{path}", ops=True, who=who, json=body, **headers)


async def get(house: House, path: str, who: str = "admin", **headers: str) -> Any:
    return await house.get(f"/api/v1/{path}", ops=True, who=who, **headers)


async def kinds(house: House) -> list[tuple[str, str]]:
    rows = await house.store.rows("SELECT kind, actor FROM audit ORDER BY seq")
    return [(str(kind), str(actor)) for kind, actor in rows]


READERS = {"auditor", "compliance", "admin"}
ALL = READERS | {"reviewer"}
DEEDS: list[tuple[str, str, Any, set[str]]] = [
    ("GET", "observed?since=7d", None, ALL),
    ("GET", "policies", None, ALL),
    ("GET", "messages/{id}/explanation", None, ALL),
    ("GET", "messages/{id}/evidence", None, READERS),
    ("GET", "audit/checkpoint", None, READERS),
    ("GET", "audit/key", None, READERS),
    (
        "POST",
        "explain",
        {"message": base64.b64encode(EML).decode(), "to": "a@b.test", "source": "crm"},
        READERS,
    ),
    ("POST", "subjects/export", ANA, {"compliance", "admin"}),
    ("POST", "subjects/restrict", {**ANA, "dry_run": True}, {"compliance", "admin"}),
    ("POST", "subjects/erase", {**ANA, "dry_run": True}, {"compliance", "admin"}),
    ("POST", "subjects/erase", {**ANA, "reason": "asked by letter"}, {"admin"}),
]


async def test_a_role_may_do_what_is_its_own_and_nothing_else(house: House) -> None:
    told = (await house.post(json=OFFER)).json
    for method, path, body, allowed in DEEDS:
        for role in ("reviewer", "auditor", "compliance", "admin", "crm", ""):
            url = f"http://{house.ops.address}/api/v1/{path}".format(id=told["id"])
            headers = {"Authorization": f"Bearer {role}:{SECRET}"} if role else {}
            async with house.client.request(method, url, json=body, headers=headers) as answer:
                expected = 200 if role in allowed else 403 if role in ALL else 401
                assert answer.status == expected, (path, role)
    assert (await post(house, "replay", {}, who="reviewer")).status == 403


async def test_a_draft_is_tried_on_the_past(house: House) -> None:
    held = (await house.post(json=OFFER)).json
    await house.post(json=mail(**{"class": "transactional"}))
    same = await post(house, "replay", {}, who="auditor")
    assert same.status == 200, same.text
    assert (same.json["decided"], same.json["unchanged"], same.json["complete"]) == (2, 2, True)
    stricter = await post(house, "replay", {"policies": LOOSER, "since": "2h"})
    assert stricter.json["newly"] == {"accepted": 0, "held": 0, "rejected": 1}
    [sample] = stricter.json["samples"]
    assert sample["decision"] == held["decision_id"]
    assert sample["rules"] == ["offers/consent.missing"]
    newest = {"policies": {"offers.yaml": None}, "most": 1}
    table = await post(house, "replay", {**newest, "most": 2}, Accept="text/csv")
    assert table.headers["Content-Type"].startswith("text/csv")
    assert f"{held['decision_id']}," in table.text
    few = (await post(house, "replay", {**newest, "whole": True})).json
    assert (few["total"], few["complete"]) == (2, False)
    assert (await house.get(f"/v1/messages/{held['id']}")).json["status"] == "held"


async def test_a_draft_that_does_not_load_is_named_by_file_and_line(house: House) -> None:
    broken = POLICIES["offers.yaml"].replace("rule: consent", "rule: consnt")
    answer = await post(house, "replay", {"policies": {"offers.yaml": broken}})
    assert answer.status == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    [fault] = answer.json["errors"]
    assert fault["pointer"] == "#/policies/offers.yaml"
    assert fault["detail"].startswith("offers.yaml:10:")
    assert "consent" in fault["detail"]
    for body in ({"since": "soon"}, {"policies": {"../x": "a"}, "since": 3}, {"most": 0}, {"what": 1}, [], 7):
        assert (await post(house, "replay", body)).status == 400, body


async def test_one_draft_at_a_time(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async def slow(self: Trials, *given: Any, **more: Any) -> Any:
        self._busy = True
        return await plain(self, *given, **more)

    plain = Trials.run
    monkeypatch.setattr(Trials, "run", slow)
    answer = await post(house, "replay", {})
    assert answer.status == 429
    assert answer.headers["Retry-After"]


async def test_a_decision_explains_itself_and_proves_itself(house: House, tmp_path: Path) -> None:
    told = (await house.post(json=OFFER)).json
    shown = await get(house, f"messages/{told['id']}/explanation?recipient=0", Accept_Language="it")
    [one] = shown.json["explanations"]
    assert one["outcome"] == "held"
    assert any(rule["answer"] == "violated" for rule in one["rules"])
    assert (await get(house, f"messages/{told['id']}/explanation?recipient=7")).status == 404
    assert (await get(house, f"messages/{told['id']}/explanation?recipient=x")).status == 400
    for name in ("0" * 26, "x", "%00", "..%2f"):
        assert (await get(house, f"messages/{name}/explanation")).status == 404
        assert (await get(house, f"messages/{name}/evidence")).status == 404
    url = f"http://{house.ops.address}/api/v1/messages/{told['id']}/evidence"
    async with house.client.get(url, headers={"Authorization": f"Bearer auditor:{SECRET}"}) as answer:
        data = await answer.read()
        assert answer.headers["Content-Disposition"].endswith(f'{told["id"]}.zip"')
    key = bytes.fromhex((await get(house, "audit/key")).json["key"])
    assert verify_pack(data, key).lines
    assert ("evidence.exported", "auditor") in await kinds(house)
    line = await get(house, "audit/checkpoint")
    assert read_checkpoints(line.text.encode(), [key])[0].heads
    assert (await Verification(FileRows(tmp_path / "galateo.db")).run()).breaks == []


async def test_what_would_happen_is_told_and_not_kept(house: House) -> None:
    letter = {"message": base64.b64encode(EML).decode(), "to": "new@b.test", "source": "crm"}
    [one] = (await post(house, "explain", letter)).json["explanations"]
    assert one["outcome"] == "held"
    assert await house.store.rows("SELECT count(*) FROM messages") == [(0,)]
    for wrong in ({"source": "x"}, {"to": "nobody"}, {"message": "%"}, {"message": "abc"}):
        assert (await post(house, "explain", {**letter, **wrong})).status == 400, wrong


async def test_policies_in_force_are_given_out(house: House) -> None:
    told = (await get(house, "policies", who="reviewer")).json
    assert told["files"] == POLICIES
    assert told["version"]


async def test_a_person_gets_a_copy_is_restricted_and_erased(house: House, tmp_path: Path) -> None:
    told = (await house.post(json=OFFER)).json
    copy = await post(house, "subjects/export", ANA)
    assert copy.json["known_by"][0]["messages"][0]["id"] == told["id"]
    page = await post(house, "subjects/export", ANA, Accept="text/html")
    assert page.headers["Content-Type"].startswith("text/html")
    assert "ana@example.test" in page.text

    tried = await post(house, "subjects/restrict", {**ANA, "dry_run": True})
    assert (tried.json["changed"], tried.json["subjects"][0]["restricted"]) == (1, False)
    assert (await post(house, "subjects/restrict", ANA)).json["changed"] == 1
    assert (await house.post(json=OFFER)).status == 422
    assert (await post(house, "subjects/restrict", {**ANA, "lift": True})).json["changed"] == 1
    assert (await post(house, "subjects/restrict", {**ANA, "lift": True})).json["changed"] == 0

    dry = await post(house, "subjects/erase", {**ANA, "dry_run": True})
    [there] = dry.json["subjects"]
    assert (there["controller"], there["rows"]["messages"]) == ("acme", 2)
    for reason in ("", "  ", "ana@example.test wrote"):
        assert (await post(house, "subjects/erase", {**ANA, "reason": reason})).status == 400
    assert (await post(house, "subjects/export", ANA)).json["known_by"][0]["messages"]
    gone = await post(house, "subjects/erase", {**ANA, "reason": "asked by letter"})
    assert gone.json == {"dry_run": False, "subjects": [there]}
    assert (await house.post(json=OFFER)).status == 422
    done = await kinds(house)
    for kind in ("subject.exported", "subject.restricted", "subject.unrestricted", "subject.erasure_asked"):
        assert (kind, "admin") in done, kind
    assert (await Verification(FileRows(tmp_path / "galateo.db")).run()).breaks == []


@pytest.mark.parametrize("path", ["subjects/export", "subjects/erase", "subjects/restrict"])
async def test_what_names_nobody_is_refused(house: House, path: str) -> None:
    for body in ({"channel": "email", "address": "nobody"}, {"channel": "fax", "address": "1"}, {}, [ANA]):
        answer = await post(house, path, body)
        assert answer.status == 400, body
        assert "nobody" not in answer.text


async def test_a_controller_that_does_not_exist_is_refused_with_those_that_do(house: House) -> None:
    await house.post(json=OFFER)
    asked = {**ANA, "controller": "acmee"}
    for path, body in (
        ("export", asked),
        ("restrict", asked),
        ("restrict", {**asked, "lift": True, "dry_run": True}),
        ("erase", {**asked, "dry_run": True}),
        ("erase", {**asked, "reason": "asked by letter"}),
        ("lookup", asked),
    ):
        refused = await post(house, f"subjects/{path}", body, **{"Accept-Language": "it"})
        assert refused.status == 400, path
        [error] = refused.json["errors"]
        assert error["pointer"] == "#/controller"
        assert error["detail"].endswith("Noti (access.yaml): acme, beta.")
    assert (await get(house, f"consents?controller=acmee&subject={'0' * 32}")).status == 400
    assert (await house.store.rows("SELECT * FROM people WHERE controller = 'acmee'", ())) == []
    assert (await post(house, "subjects/restrict", {**ANA, "controller": "acme"})).json["changed"] == 1


async def test_whom_nobody_knows_is_stopped_all_the_same(house: House) -> None:
    who = {"channel": "email", "address": "never@example.test", "reason": "asked by letter"}
    told = (await post(house, "subjects/erase", who)).json
    assert [s["controller"] for s in told["subjects"]] == ["acme", "beta"]
    to = {"addresses": [{"type": "email", "value": "never@example.test"}]}
    assert (await house.post(json=mail(recipient=to, **{"class": "promotion"}))).status == 422
