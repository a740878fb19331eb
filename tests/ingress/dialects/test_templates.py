"""Templates that a provider keeps, read as the person would see them."""

import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
import pytest_asyncio
from aiohttp import web

from gateway.access import Access, Controller, Source
from gateway.delivery.upstream import Catalog
from gateway.ingress.dialects import mustache, mustachio, rendering
from gateway.ingress.dialects.letter import Letter, Party
from gateway.ingress.dialects.rendering import Work
from gateway.ingress.dialects.templates import Template, fill_all
from gateway.ingress.http import HttpListener, build_app
from gateway.message.content import Content
from tests.ingress.dialects.shop import Shop, basic, bearer
from tests.ingress.dialects.tongues import TONGUES, Change
from tests.ingress.http.house import _QUICK, ANYWHERE, SECRET

SENDGRID = {
    "id": "d-1",
    "generation": "dynamic",
    "versions": [
        {"active": 0, "html_content": "old", "subject": "old"},
        {"active": 1, "html_content": "<p>Hi {{first}}</p>", "subject": "For {{first}}", "plain_content": ""},
    ],
}
PAGES: dict[str, Any] = {
    "/v3/templates/d-1": SENDGRID,
    "/v3/templates/d-2": {**SENDGRID, "versions": [{"active": 1, "html_content": "{{> footer}}"}]},
    "/v3/templates/d-3": {**SENDGRID, "generation": "legacy"},
    "/templates/hello": {"Subject": "{{s}}", "TextBody": "Hi {{#each p}}{{n}} {{/each}}", "HtmlBody": ""},
    "/templates/framed": {"Subject": "x", "TextBody": "Hi", "LayoutTemplate": "frame"},
    "/v3/mg.acme.test/templates/welcome": {
        "template": {"version": {"template": "<b>{{name}}</b>", "engine": "handlebars"}}
    },
    "/v3/mg.acme.test/templates/welcome/versions/v2.sale": {
        "template": {
            "version": {"template": "<b>Last chance, {{name}}!</b>", "headers": {"Subject": "For {{name}}"}}
        }
    },
}


class Provider:
    """The templates of PAGES, and what was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append((request.path, request.headers.get("Authorization", "")))
        page = PAGES.get(request.path)
        return web.Response(status=404) if page is None else web.Response(body=orjson.dumps(page))


@pytest_asyncio.fixture
async def provider() -> AsyncIterator[tuple[Provider, str]]:
    serving = Provider()
    listener = HttpListener(ANYWHERE, build_app([web.get("/{path:.*}", serving.answer)]), grace=1)
    await listener.start()
    yield serving, f"http://{listener.address}"
    await listener.stop()


def access_of(url: str) -> Access:
    sources = [
        Source(name=n, controller="acme", secret=_QUICK, upstream={"provider": n, "key": "k", "url": url})
        for n in ("sendgrid", "mailgun", "postmark")
    ]
    return Access(
        sources={s.name: s for s in sources},
        controllers={"acme": Controller(name="acme", jurisdiction="it", identity="Acme")},
        reviewers={},
    )


@pytest_asyncio.fixture
async def shop(tmp_path: Path, provider: tuple[Provider, str]) -> AsyncIterator[Shop]:
    async with Shop(tmp_path, access=access_of(provider[1])) as opened:
        yield opened


async def test_sendgrid(shop: Shop, provider: tuple[Provider, str]) -> None:
    for name in ("d-1", "d-1", "d-2", "d-3", "d-4"):
        people = [
            {"to": [{"email": f"{n}@example.test"}], "dynamic_template_data": {"first": n}}
            for n in ("ana", "bo")
        ]
        body = {"from": {"email": "a@acme.test"}, "personalizations": people, "template_id": name}
        answer = await shop.ask("POST", "/v3/mail/send", json=body, Authorization=bearer("sendgrid"))
        assert answer.status == 202, answer.text
    first, second = shop.messages[:2]
    assert (first.content.subject, first.content.html) == ("For ana", "<p>Hi ana</p>")
    assert (second.content.html, second.content.template_pending) == ("<p>Hi bo</p>", False)
    assert all(m.content.template_pending for m in shop.messages[4:])
    assert "ana" in shop.messages[4].content.own_words
    assert orjson.loads(first.raw)["upstream"]["path"] == "/v3/mail/send"
    asked = [path for path, key in provider[0].asked if key == "Bearer k"]
    assert asked == [f"/v3/templates/d-{n}" for n in (1, 2, 3, 4)]


async def test_postmark(shop: Shop) -> None:
    model = {"s": "News", "p": [{"n": "Ana"}, {"n": "Bo"}]}
    for name in ("hello", "framed", "../x"):
        body = {
            "From": "a@acme.test",
            "To": "ana@example.test",
            "TemplateAlias": name,
            "TemplateModel": model,
        }
        await shop.ask("POST", "/email/withTemplate", json=body, X_Postmark_Server_Token=f"postmark:{SECRET}")
    hello, framed, odd = (m.content for m in shop.messages)
    assert (hello.subject, hello.text, hello.template_pending) == ("News", "Hi Ana Bo ", False)
    assert framed.template_pending
    assert odd.template_pending


async def by_mailgun(shop: Shop, *more: tuple[str, str], **fields: str) -> Content:
    """What is read of a form with the template `welcome`."""
    form = {
        "from": "a@acme.test",
        "to": "ana@example.test",
        "subject": "Hi",
        "template": "welcome",
        "t:variables": '{"name": "Ana & Bo"}',
        **fields,
    }
    answer = await shop.ask(
        "POST",
        "/v3/mg.acme.test/messages",
        data=urlencode([*form.items(), *more]).encode(),
        Content_Type="application/x-www-form-urlencoded",
        Authorization=basic("api", f"mailgun:{SECRET}"),
    )
    assert answer.status == 200, answer.text
    return shop.messages[-1].content


async def test_mailgun(shop: Shop) -> None:
    content = await by_mailgun(shop)
    assert (content.subject, content.html, content.template_pending) == ("Hi", "<b>Ana &amp; Bo</b>", False)


async def test_mailgun_in_the_version_that_is_sent(shop: Shop, provider: tuple[Provider, str]) -> None:
    version = ("t:version", "v2.sale")
    content = await by_mailgun(shop, version)
    assert (content.subject, content.html) == ("Hi", "<b>Last chance, Ana &amp; Bo!</b>")
    content = await by_mailgun(shop, version, subject="")
    assert (content.subject, content.template_pending) == ("For Ana & Bo", False)
    asked = {path for path, _ in provider[0].asked}
    assert asked == {"/v3/mg.acme.test/templates/welcome/versions/v2.sale"}
    assert (await by_mailgun(shop, ("t:version", "../x"))).template_pending
    assert (await by_mailgun(shop, ("t:version", "gone"))).template_pending


@pytest.mark.parametrize(
    "field",
    [
        ("v:name", "Only today: 50% off"),
        ("v:name.first", "Only today: 50% off"),
        ("h:X-Mailgun-Variables", '{"name": "Only today: 50% off"}'),
        ("template", "other"),
        ("t:variables", "{}"),
    ],
)
async def test_mailgun_with_words_from_two_places(shop: Shop, field: tuple[str, str]) -> None:
    """Which of them Mailgun puts in is not known."""
    assert (await by_mailgun(shop, field)).template_pending
    assert not (await by_mailgun(shop, ("v:campaign", "spring"))).template_pending


TEMPLATES: dict[str, tuple[Change, str]] = {
    "sendgrid": (lambda b: b.pop("content") and b.update(template_id="d-1"), "template_id"),
    "mailgun": (lambda b: [*b, ("template", "welcome")], "template"),
    "postmark": (lambda b: b.pop("TextBody") and b.update(TemplateId=7), "TemplateId"),
    "resend": (lambda b: b.pop("text") and b.update(template={"id": "t"}), "template"),
    "brevo": (lambda b: b.pop("textContent") and b.update(templateId=7), "templateId"),
    "ses": (lambda b: b.update(Content={"Template": {"TemplateName": "t"}}), "Content.Template"),
}
"""How a good request becomes one with a template, and the field that names it."""


@pytest.mark.parametrize("name", TEMPLATES)
async def test_a_template_that_nobody_could_send_is_refused(tmp_path: Path, name: str) -> None:
    """Also where it is a receipt, of which `readable` asks nothing."""
    tongue, (change, field) = TONGUES[name], TEMPLATES[name]
    async with Shop(tmp_path) as shop:
        answer = await tongue.send(shop, tongue.changed(change))
        assert answer.status == tongue.malformed, answer.text
        assert "upstream" in tongue.said(answer)
        assert field in answer.text
        assert await shop.stored() == 0


async def test_a_template_of_another_provider_is_refused(shop: Shop) -> None:
    """An upstream takes the requests of its own dialect."""
    body = TONGUES["brevo"].changed(lambda b: b.update(templateId=7))
    answer = await shop.ask("POST", "/v3/smtp/email", json=body, api_key=f"sendgrid:{SECRET}")
    assert answer.status == 400, answer.text
    assert await shop.stored() == 0


async def test_what_a_provider_is_asked(provider: tuple[Provider, str]) -> None:
    catalog = Catalog(access_of(provider[1]))
    assert await catalog.fetch("sendgrid", "/v3/api_keys") is None
    assert await catalog.fetch("nobody", "/v3/templates/d-1") is None
    assert provider[0].asked == []
    gone = Catalog(access_of("http://127.0.0.1:1"))
    assert await gone.fetch("sendgrid", "/v3/templates/d-1") is None


async def test_templates_are_filled_beside_the_loop() -> None:
    """Hundreds of thousands of tags take seconds; whoever else is served does not wait for them."""
    where = []

    def render(text: str, data: Any, **how: Any) -> str:
        where.append(threading.current_thread() is threading.main_thread())
        return mustache.render(text, data, **how)

    letter = Letter(sender=Party(address="rita@acme.test"), to=(Party(address="anna@example.test"),))
    hello = Template(render=render, subject="{{n}}", text="Hi {{n}}")
    first, second = await fill_all([(letter, hello, {"n": "Anna"}), (letter, None, {})], Work())
    assert (first.subject, first.text, second) == ("Anna", "Hi Anna", letter)
    assert where
    assert not any(where)


@pytest.mark.parametrize("render", [mustache.render, mustachio.render])
@pytest.mark.parametrize("text", ["{{n}} " * 10, "{{#each many}}{{n}} {{/each}}"])
async def test_one_request_renders_so_much_and_no_more(
    render: Callable[..., str], text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a thread would work for hours, where each letter alone is within the limits."""
    monkeypatch.setattr(rendering, "MOST_IN_ALL", 100)
    letter = Letter(
        sender=Party(address="rita@acme.test"), to=(Party(address="anna@example.test"),), pending="template"
    )
    data = {"n": "Anna", "many": [{"n": "Anna"}] * 10}
    given, work = [(letter, Template(render=render, text=text), data)] * 5, Work()
    filled = [*await fill_all(given, work), *await fill_all(given, work)]
    assert (filled[0].pending, filled[0].text) == ("", "Anna " * 10)
    assert (filled[-1].pending, filled[-1].text) == ("template", "")
