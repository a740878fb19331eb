"""The doors: every listener and every route, listed."""

import time

from aiohttp import web

from gateway.app.parts import Parts, make_office
from gateway.app.rights import Desk, make_rights, origin_of
from gateway.console.days import Days
from gateway.console.evidence import evidence_pages
from gateway.console.http import Habits, console_routes
from gateway.delivery.upstream import Catalog
from gateway.evidence.rights import Rights
from gateway.evidence.trial import Trials
from gateway.ingress.dialects import Tell, dialect_routes
from gateway.ingress.feeds import feed_names, feed_routes
from gateway.ingress.http import HttpLimits, native_routes
from gateway.ingress.replies import ReplyListener
from gateway.ingress.smtp import Listener
from gateway.intake import Intake
from gateway.intake.at_rcpt import Refusals
from gateway.intake.events import Events
from gateway.intake.matching import Matching
from gateway.intake.replies import Replies
from gateway.ops.desk import Desk as OpsDesk
from gateway.ops.evidence import evidence_routes
from gateway.ops.health import Check
from gateway.ops.http import ops_routes
from gateway.public.http import public_routes
from gateway.review import Tasks
from gateway.settings import Settings
from gateway.web.frame import build_app
from gateway.web.listener import HttpListener


def make_smtp(parts: Parts, intake: Intake) -> Listener:
    """Where tools submit by SMTP."""
    refusals = Refusals(parts.store, parts.keys, parts.metrics)
    return Listener(parts.settings, parts.access, intake.submit, refusals.refuse, parts.metrics, time.time)


def make_replies(parts: Parts) -> ReplyListener | None:
    """Where replies, bounces and complaints come in, if anywhere."""
    settings = parts.settings
    if settings.reply_listen is None:
        return None
    return ReplyListener(settings, make_reading(parts).receive, time.time)


def make_reading(parts: Parts) -> Replies:
    """Who reads what comes back, by whichever door."""
    settings = parts.settings
    return Replies(
        parts.store,
        parts.reader,
        parts.keys,
        parts.access,
        parts.metrics,
        trusted=settings.reply_trusted,
        forward=settings.reply_forward,
        own_domains={*settings.reply_domains, settings.return_path_domain} - {""},
    )


def ingest_routes(parts: Parts, intake: Intake, events: Events, tell_refused: Tell) -> list[web.RouteDef]:
    """Everything on HTTP_LISTEN: the ingest API, other tools' dialects, the pages for recipients."""
    limits = HttpLimits.from_settings(parts.settings)
    return [
        *native_routes(
            access=parts.access,
            submit=intake.submit,
            tell=events.tell,
            store=parts.store,
            limits=limits,
            on_reply=parts.metrics.accepted_in,
            on_full=parts.metrics.put_off,
            optins=parts.optins,
            feeds=feed_names(),
        ),
        *dialect_routes(
            access=parts.access,
            submit=intake.submit,
            check=intake.check,
            tell_refused=tell_refused,
            store=parts.store,
            limits=limits,
            on_reply=parts.metrics.accepted_in,
            on_full=parts.metrics.put_off,
            fetch=Catalog(parts.access).fetch,
        ),
        *feed_routes(
            access=parts.access,
            tell=events.tell,
            limits=limits,
            matching=Matching(parts.store, parts.keys),
            receive=make_reading(parts).receive,
        ),
        *public_routes(
            access=parts.access,
            store=parts.store,
            keys=parts.keys,
            metrics=parts.metrics,
            office=make_office(parts.settings),
            trusted=parts.settings.http_proxy_trusted,
        ),
    ]


def review_habits(settings: Settings) -> Habits:
    """How this house reviews."""
    return Habits(
        idle=settings.session_idle.total_seconds(),
        longest=settings.session_longest.total_seconds(),
        sla=settings.review_sla.total_seconds(),
        sso_header=settings.sso_header,
        sso_trusted=tuple(settings.sso_trusted),
        proxies=tuple(settings.http_proxy_trusted),
    )


def desk_routes(parts: Parts, checks: dict[str, Check], tasks: Tasks) -> list[web.RouteDef]:
    """Everything on OPS_LISTEN: health, metrics, the admin API, the console."""
    rights = make_rights(parts)
    dossiers, days = Desk(rights), Days(parts.store, time.time)
    desk = OpsDesk(parts.access, parts.settings.http_proxy_trusted)
    trials = Trials(parts.store, origin_of(parts.settings))
    return [
        *ops_routes(
            desk=desk,
            store=parts.store,
            review=parts.review,
            consents=parts.consents,
            metrics=parts.metrics,
            checks=checks,
        ),
        *evidence_of(parts, desk, rights, trials, days),
        *console_routes(
            access=parts.access,
            store=parts.store,
            reader=parts.reader,
            policies=parts.policies,
            review=parts.review,
            tasks=tasks,
            consents=parts.consents,
            export=dossiers.export,
            erase=dossiers.erase,
            habits=review_habits(parts.settings),
            days=days,
        ),
    ]


def evidence_of(
    parts: Parts, desk: OpsDesk, rights: Rights, trials: Trials, days: Days
) -> list[web.RouteDef]:
    """Evidence and people's rights on OPS_LISTEN: the API, and the console's pages about them."""
    return [
        *evidence_routes(
            desk=desk,
            store=parts.store,
            keys=parts.keys,
            reader=parts.reader,
            policies=parts.policies,
            rights=rights,
            trials=trials,
        ),
        *evidence_pages(
            access=parts.access,
            store=parts.store,
            policies=parts.policies,
            rights=rights,
            trials=trials,
            keys=parts.keys,
            habits=review_habits(parts.settings),
            days=days,
        ),
    ]


def make_http(
    parts: Parts,
    intake: Intake,
    events: Events,
    checks: dict[str, Check],
    tell_refused: Tell,
    tasks: Tasks,
) -> dict[str, HttpListener]:
    """The HTTP listeners by name, those that are on. `tell_refused` hears of what tools were not told."""
    settings = parts.settings
    doors = (
        ("http", settings.http_listen, ingest_routes(parts, intake, events, tell_refused)),
        ("ops", settings.ops_listen, desk_routes(parts, checks, tasks)),
    )
    grace = settings.grace.total_seconds()
    return {
        name: HttpListener(
            listen,
            build_app(routes),
            connections=settings.max_connections,
            each=settings.max_connections_per_peer,
            proxies=settings.http_proxy_trusted,
            grace=grace,
        )
        for name, listen, routes in doors
        if listen is not None
    }
