"""Replies that matched nothing are shown until somebody has dealt with them."""

from gateway.access import Controller
from gateway.intake.review_pile import Kept, TakeIn
from tests.console.place import Browser, Place, plain


async def keep(
    here: Place, number: int = 0, text: str = "Non scrivetemi più, grazie.", controller: str = "default"
) -> str:
    """A reply that answers nothing we know; its id."""
    kept = Kept(
        dedup=number.to_bytes(10, "big") + bytes(6),
        controller=controller,
        reason="unmatched",
        message="",
        author="anna@example.org",
        addressed=("elena@acme.example",),
        subject=f"Re: <b>offer</b> {number}\u202e",
        text=text,
        at=here.line.clock(),
    )
    [result] = await here.line.store.run(TakeIn(kept=kept))
    return result.id


async def test_a_reviewer_reads_them_and_closes_them(here: Place, ada: Browser) -> None:
    assert "matched no message" not in plain((await ada.get("/console/"))[1])
    one, other = await keep(here), await keep(here, 1, "<script>alert(1)</script>")
    _, text = await ada.get("/console/")
    assert "2 replies matched no message" in plain(text)
    status, text = await ada.get("/console/replies")
    assert status == 200
    assert "Non scrivetemi più" in plain(text)
    assert "<script>alert" not in text
    assert "<b>offer" not in text
    assert "\u202e" not in text
    data = {"form": await ada.form("/console/replies")}
    status, text, _ = await ada.post(f"/console/replies/{one}/done", data)
    assert status == 200
    assert "Non scrivetemi più" not in plain(text)
    assert "Marked as dealt with" in plain(text)
    assert ("reply.closed", one, "compliance") in await here.audited()
    await ada.post(f"/console/replies/{other}/done", data)
    text = plain((await ada.get("/console/replies"))[1])
    assert "Nothing to read No reply waits to be read." in text


async def test_what_is_no_reply_is_not_dealt_with(here: Place, ada: Browser) -> None:
    await keep(here)
    accepted = await here.line.submit(class_="transactional")
    data = {"form": await ada.form("/console/")}
    for reply_id in (accepted.id, "0" * 26):
        status, text, _ = await ada.post(f"/console/replies/{reply_id}/done", data)
        assert (status, "Marked as dealt with" in plain(text)) == (404, False)
    assert not [kind for kind, _, _ in await here.audited() if kind == "reply.closed"]


async def test_they_come_in_pages_with_the_closed_left_out(here: Place, ada: Browser) -> None:
    ids = [await keep(here, n, f"text {n}.") for n in range(120)]
    data = {"form": await ada.form("/console/")}
    for reply_id in ids[:55]:
        await ada.http.post(f"/console/replies/{reply_id}/done", data=data, allow_redirects=False)
    _, first = await ada.get("/console/replies")
    assert ["text 54." in first, "text 55." in first, "text 104." in first] == [False, True, True]
    _, second = await ada.get(f"/console/replies?after={ids[104]}")
    assert ["text 104." in second, "text 119." in second, 'rel="next"' in second] == [False, True, False]
    assert f"after={ids[104]}" in first


async def test_an_auditor_reads_and_closes_nothing(here: Place) -> None:
    reply_id = await keep(here)
    async with here.browser() as browser:
        await browser.sign_in("auditor")
        status, text = await browser.get("/console/replies")
        assert status == 200
        assert "/done" not in text
        form = await browser.form("/console/")
        assert (await browser.post(f"/console/replies/{reply_id}/done", {"form": form}))[0] == 403
        assert (await browser.post("/console/replies/zz/done", {"form": form}))[0] in (403, 404)


async def test_a_writer_whom_nobody_could_place_is_looked_up_where_they_are_known(
    here: Place, ada: Browser
) -> None:
    """Of several controllers the one that knows the address, not the first by name."""
    access, anna = here.line.access, "anna@example.org"
    access.controllers = {name: Controller(name=name) for name in ("aaa", "default", "zzz")}
    await keep(here, controller="")
    _, text = await ada.get("/console/replies")
    assert 'name="controller" value=""' in text
    data = {"form": await ada.form("/console/people"), "address": anna, "channel": "email", "controller": ""}
    status, text, _ = await ada.post("/console/people", data)
    assert (status, "Controllers that know this address: –" in plain(text)) == (200, True)
    await here.line.submit(class_="transactional", to=anna)
    _, _, where = await ada.post("/console/people", data)
    assert "/console/people/default/" in str(where)
