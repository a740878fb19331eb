"""Every page, in both languages, with hostile names in it."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from msgspec import structs

from gateway.access import Controller
from gateway.console.pages import load_words
from gateway.intake.consent_files import EVIDENCE, OTHER
from gateway.message.parse import parse
from gateway.policy.load import compose
from gateway.reading.reading import Evidence
from gateway.store.attempt import Outcome
from gateway.store.records import Ref
from tests.console.place import OFFERS, Browser, Place, place, plain
from tests.line import KEYS, message, shipped

EVIL = "<script>alert(1)</script>\u202e\x07\"'><img src=x onerror=alert(1)>"
PAGES = ("/console/", "/console/messages", "/console/people", "/console/policies", "/console/overview")


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(("language", "word"), [("en", "Sign out"), ("it", "Esci")])
async def test_pages_speak_both_languages(
    here: Place, ada: Browser, path: str, language: str, word: str
) -> None:
    await here.hold()
    status, text = await ada.get(path, Cookie=f"galateo_language={language}")
    assert status == 200
    assert f'<html lang="{language}"' in text
    assert word in text


def test_every_sentence_is_there_in_both_and_every_key_of_a_template_exists() -> None:
    words: Mapping[str, object] = load_words()
    templates = Path(__file__).resolve().parents[2] / "gateway" / "console" / "templates"
    keys = set()
    for file in templates.glob("*.html"):
        keys |= set(re.findall(r"""w[\[(]["']([a-z_.]+[a-z_])["'](?! ~)""", file.read_text("utf-8")))
    assert len(keys) > 80
    for language in ("en", "it"):
        for key in keys:
            assert words[language][key]  # type: ignore[index]


def test_what_proves_a_consent_and_what_came_of_a_delivery_is_named_in_italian() -> None:
    english, italian = load_words()["en"], load_words()["it"]
    names = [("proof", name) for name in (*EVIDENCE, *OTHER, "told")]
    for kind, word in [*names, *(("tried", outcome.value) for outcome in Outcome)]:
        assert english.name(kind, word), word
        assert italian.name(kind, word) != word.replace("_", " "), word


async def test_a_proof_is_told_in_italian(here: Place, ada: Browser) -> None:
    await here.line.consent("anna@example.org")
    hold = await here.hold(purpose="events")
    subject = KEYS.subject("email", "anna@example.org").hex()
    for path in (f"/console/holds/{hold}", f"/console/people/default/{subject}"):
        _, text = await ada.get(path, Cookie="galateo_language=it")
        assert "<dt>testo mostrato</dt>" in text
        assert "<dt>indirizzo IP alla conferma</dt>" in text


@pytest.mark.parametrize(
    ("why", "en", "it"),
    [
        ("promotional: shop", "sells something (shop)", "vende qualcosa (shop)"),
        ("the reader is Ana 5", "the reader is Ana 5", "chi legge è Ana 5"),
        ("the reader is {0.x}", "the reader is {0.x}", "chi legge è {0.x}"),
        ("granted, grade C", "granted, grade C", "concesso, grado C"),
        ("messages within 1 day, limit 1", "messages within 1 day, limit 1", "messaggi in 1 giorno, limite 1"),  # noqa: E501
        ("1 pictures and hardly any text", "1 picture and hardly any text", "1 immagine e quasi nessun testo"),  # noqa: E501
        ("3 pictures and hardly any text", "3 pictures and hardly any text", "3 immagini e quasi nessun testo"),  # noqa: E501
        ("something new", "something new", "something new"),
    ],
)  # fmt: skip
def test_what_words_show_is_said_in_the_language_of_the_page(why: str, en: str, it: str) -> None:
    words = load_words()
    assert (words["en"].shows(why), words["it"].shows(why)) == (en, it)


async def test_a_rule_is_shown_with_its_parameters_as_its_file_has_them(here: Place, ada: Browser) -> None:
    for path in ("/console/policies", "/console/policies/pitches"):
        _, text = await ada.get(path)
        assert "until_any: {days_connected: 14, replies: 1}</" in text


async def test_names_and_subjects_from_outside_are_only_text(here: Place, ada: Browser) -> None:
    hold = await here.hold(name=EVIL, campaign=EVIL, text=f"sconto del 30% {EVIL} acquista ora")
    message = hold.partition("-")[0]
    stored = await here.line.store.hold(hold)
    assert stored is not None
    person = f"/console/people/default/{stored.subject.hex()}"
    pile = f"/console/piles/{stored.cluster}?codes={stored.codes}"
    for path in (f"/console/holds/{hold}", f"/console/messages/{message}", person, pile, *PAGES):
        status, text = await ada.get(path)
        assert status == 200, path
        assert "<script>alert" not in text, path
        assert "<img src=x" not in text, path


@pytest.mark.parametrize(
    "path",
    [
        "/console/?rule=%27%20OR%201=1&source=%00&campaign=%25&channel=x&class=y&age=z&after=%F0%9F%8E%84",
        "/console/?rule=" + "a" * 3000,
        "/console/messages?q=%27;DROP%20TABLE%20holds&until=never&before=x",
        "/console/messages?campaign=none&until=2026-01-01T10:00",
        "/console/messages?q=" + "0" * 32,
    ],
)
async def test_odd_queries_find_nothing_and_break_nothing(here: Place, ada: Browser, path: str) -> None:
    await here.hold()
    assert (await ada.get(path))[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        "/console/holds/x", "/console/holds/..%2F..%2Fetc", f"/console/holds/{'0' * 26}-0",
        "/console/messages/x",
        "/console/people/default/zz", "/console/policies/none", f"/console/messages/{'0' * 26}",
        "/console/holds/x/preview", "/console/static/../pages.py",
        "/console/static/vendor/README.md",
    ],
)  # fmt: skip
async def test_what_is_not_there_is_told(ada: Browser, path: str) -> None:
    assert (await ada.get(path))[0] == 404


async def test_holds_are_filtered_and_gathered(here: Place, ada: Browser) -> None:
    for n in range(3):
        await here.hold(f"p{n}@example.org")
    other = await here.hold(
        "luca@example.org", campaign="autumn", text="Sconto del 50% sul miele: compra adesso"
    )
    _, text = await ada.get("/console/?campaign=spring")
    assert "3 waiting" in plain(text)
    assert other not in text
    _, text = await ada.get("/console/?campaign=autumn&rule=offers/consent&channel=email&class=promotion")
    assert f"/console/holds/{other}" in text
    assert "Nothing matches" in plain((await ada.get("/console/?age=7d"))[1])


async def test_holds_of_one_controller_among_several(here: Place, ada: Browser) -> None:
    hold = await here.hold()
    assert 'name="controller"' not in (await ada.get("/console/"))[1]
    here.line.access.controllers = {name: Controller(name=name) for name in ("default", "other")}
    status, text = await ada.get("/console/?controller=default")
    assert (status, hold in text, "<option selected>default</option>" in text) == (200, True, True)
    assert "Nothing matches" in plain((await ada.get("/console/?controller=other"))[1])


async def test_a_message_is_explained_as_it_was_decided(here: Place, ada: Browser) -> None:
    hold = await here.hold()
    status, text = await ada.get(f"/console/messages/{hold.partition('-')[0]}")
    assert status == 200
    assert "no consent of this person" in plain(text)
    assert here.line.policies.current.version in text
    assert "jurisdiction" in text


async def test_a_decision_leads_to_its_hold_where_there_is_one(here: Place, ada: Browser) -> None:
    accepted = await here.line.submit(to="leo@example.org", class_="transactional")
    assert accepted.status == "accepted"
    _, text = await ada.get(f"/console/messages/{accepted.id}")
    assert "/console/holds/" not in text
    hold = await here.hold()
    await ada.decide(hold, "release")
    _, text = await ada.get(f"/console/messages/{hold.partition('-')[0]}")
    assert text.count(f'href="/console/holds/{hold}"') == 2  # as it was held, and as it was released
    assert (await ada.get(f"/console/holds/{hold}"))[0] == 200


async def test_who_may_not_see_people_is_not_sent_to_them(here: Place, ada: Browser) -> None:
    _, text = await ada.get("/console/messages?q=anna@example.org")
    assert "use People" in plain(text)
    async with here.browser() as browser:
        await browser.sign_in("reviewer")
        _, text = await browser.get("/console/messages?q=anna@example.org")
        assert "neither a message id" in plain(text)
        assert "People" not in plain(text)


def test_a_date_among_the_evidence_is_said_in_the_language_of_the_page() -> None:
    """Rules write it in English; words out of a message stay as they are."""
    english, italian = load_words()["en"], load_words()["it"]
    for said, told in (
        ("2 November 2026, 08:03 UTC", "2 novembre 2026, 08:03 UTC"),
        ("30 May 2026", "30 maggio 2026"),
        ("30 May 2026 at noon", "30 May 2026 at noon"),
    ):
        assert (english.quoted(Evidence(said)), italian.quoted(Evidence(said))) == (said, told)
    assert italian.quoted(Evidence("30 May 2026", 4, 15)) == "30 May 2026"


async def test_evidence_without_words_is_not_quoted(here: Place, ada: Browser) -> None:
    here.line.policies.current = shipped()
    raw = b'Subject: Ciao\r\nContent-Type: text/html\r\n\r\n<img src="https://x.example/a.png">'
    made = message(now=here.line.clock(), class_="promotion", purpose="offers")
    receipt = await here.line.intake.submit(structs.replace(made, raw=raw, content=parse(raw).content))
    _, text = await ada.get(f"/console/messages/{receipt.id}")
    assert "1 picture and hardly any text" in plain(text)
    assert "<q></q>" not in text


class TestPeople:
    async def _find(self, browser: Browser, address: str = "anna@example.org") -> tuple[int, str, str]:
        form = await browser.form("/console/people")
        data = {"form": form, "controller": "default", "channel": "email", "address": address}
        return await browser.post("/console/people", data)

    async def test_somebody_is_found_by_address_and_no_address_is_in_the_path(
        self, here: Place, ada: Browser
    ) -> None:
        await here.line.consent("anna@example.org")
        status, text, path = await self._find(ada, "Anna@Example.ORG")
        assert status == 200
        assert "anna" not in path.lower()
        assert "confirmed" in plain(text)
        assert ("subject.viewed", KEYS.subject("email", "anna@example.org").hex(), "compliance") in (
            await here.audited()
        )

    @pytest.mark.parametrize("address", ["", "no address", "a@b\n@c", "x" * 900])
    async def test_what_is_no_address_is_told(self, here: Place, ada: Browser, address: str) -> None:
        status, text, _ = await self._find(ada, address)
        assert status == 400
        assert "cannot be an address" in plain(text)

    async def test_a_withdrawal_counts_at_once(self, here: Place, ada: Browser) -> None:
        hold = await here.hold()
        _, _, path = await self._find(ada)
        data = {
            "form": await ada.form("/console/"), "action": "withdrawn", "channel": "email", "purpose": "",
            "how": "by telephone",
        }  # fmt: skip
        status, text, _ = await ada.post(f"{path}/withdraw", data)
        assert status == 200
        assert "Recorded" in plain(text)
        assert await here.status(hold) == "cancelled"
        rows = await here.line.store.consents(("default", KEYS.subject("email", "anna@example.org")))
        assert [row.action for row in rows] == ["withdrawn"]
        assert b"by telephone" in rows[0].proof

    async def test_a_withdrawal_is_chosen_and_never_spelled(self, here: Place, ada: Browser) -> None:
        """A purpose that is written as the page shows it in Italian, or with a slip, would stop nothing."""
        ref = ("default", KEYS.subject("email", "anna@example.org"))
        await here.line.consent("anna@example.org", purpose="offers")
        await here.line.consent("anna@example.org", purpose="spring fair")
        _, text, path = await self._find(ada)
        for purpose, name in (("offers", "offerte"), ("spring fair", "spring fair"), ("newsletter", "newsl")):
            _, text = await ada.get(path, Cookie="galateo_language=it")
            assert f'<option value="{purpose}">{name}' in text
        data = {"form": await ada.form("/console/"), "action": "withdrawn", "channel": "", "how": "by phone"}
        for slip in ("offerte", "offer", "Offers"):
            status, _, _ = await ada.post(f"{path}/withdraw", data | {"purpose": slip})
            assert status == 400
        assert all(p.state == "granted" for p in (await here.line.store.person(ref)).permissions)
        _, text, _ = await ada.post(f"{path}/withdraw", data | {"purpose": "offers"})
        assert "What they still agree to: spring fair (email)." in plain(text)
        states = {(p.purpose, p.channel): p.state for p in (await here.line.store.person(ref)).permissions}
        assert states == {("offers", "email"): "withdrawn", ("spring fair", "email"): "granted"}
        _, text = await ada.get(path, Cookie="galateo_language=it")
        assert "offers" not in plain(text)

    async def test_without_a_choice_a_withdrawal_is_of_every_channel(self, here: Place, ada: Browser) -> None:
        address = "https://www.linkedin.com/in/anna-conti"
        await here.line.consent(address, channel="linkedin")
        form = await ada.form("/console/people")
        asked = {"form": form, "controller": "default", "channel": "linkedin", "address": address}
        _, text, path = await ada.post("/console/people", asked)
        for name in ("channel", "purpose"):
            assert f'<select name="{name}"><option value="">all</option>' in text
        data = {"form": form, "action": "withdrawn", "channel": "", "purpose": "", "how": "by phone"}
        _, text, _ = await ada.post(f"{path}/withdraw", data)
        assert "still agree" not in plain(text)
        assert "any purpose · any channel ·" in plain(text)
        subject = here.line.consents.subject("linkedin", address)
        person = await here.line.store.person(("default", subject))
        assert [p.state for p in person.permissions] == ["withdrawn"]

    async def test_whose_messages_were_all_refused_is_known(self, here: Place, ada: Browser) -> None:
        """A copy of their data would hold those messages: the page says nothing else, and lists them."""
        refusing = compose({"offers.yaml": OFFERS.replace("outcome: hold", "outcome: reject")})
        here.line.policies.current = refusing
        refused = await here.line.submit(to="bea@example.org", class_="promotion", purpose="offers")
        assert refused.status == "rejected"
        for language, nothing in (("en", "Nothing is kept"), ("it", "non è conservato nulla")):
            _, text, path = await self._find(ada, "bea@example.org")
            _, text = await ada.get(path, Cookie=f"galateo_language={language}")
            assert nothing not in plain(text)
            assert f"/console/messages/{refused.id}" in text
            _, _, path = await self._find(ada, "nobody@example.org")
            _, text = await ada.get(path, Cookie=f"galateo_language={language}")
            assert nothing in plain(text)

    async def test_export_and_erasure_are_called_where_there_are_any(self, tmp_path: Path) -> None:
        called: list[tuple[Ref, ...] | tuple[object, ...]] = []

        async def export(ref: Ref, actor: str) -> bytes:
            called.append((ref, actor))
            return b"{}"

        async def erase(ref: Ref, actor: str, reason: str) -> None:
            called.append((ref, actor, reason))

        async with place(tmp_path, export=export, erase=erase) as here, here.browser() as browser:
            await browser.sign_in("admin")
            _, _, path = await self._find(browser)
            form = await browser.form("/console/")
            status, text, _ = await browser.post(f"{path}/export", {"form": form})
            assert (status, text) == (200, "{}")
            status, _, _ = await browser.post(f"{path}/erase", {"form": form, "reason": "asked"})
            assert status == 400
            await browser.post(f"{path}/erase", {"form": form, "reason": "asked", "sure": "erase"})
        assert [call[1] for call in called] == ["admin", "admin"]
        assert called[1][2] == "asked"


async def test_a_policy_folder_that_failed_to_load_stands_out(
    here: Place, ada: Browser, tmp_path: Path
) -> None:
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "broken.yaml").write_text("version: 1\npolicy: x\nrulez: []\n")
    assert not here.line.policies.reload(folder)
    _, text = await ada.get("/console/policies")
    assert "The files on disk are not in force" in plain(text)
    assert "broken.yaml:3" in plain(text)
    status, text = await ada.get("/console/policies/offers")
    assert (status, "Whoever gets an offer" in text) == (200, True)
