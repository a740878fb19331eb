"""A gateway that serves: starts everything, keeps time, stops in order. No logic."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine

from gateway.app.access_live import LiveAccess
from gateway.app.access_watch import AccessWatch
from gateway.app.delivering import (
    make_announcer,
    make_checkpoint_post,
    make_echoes,
    make_endings,
    make_outbox,
    make_worker,
    process_name,
)
from gateway.app.gauges import show_depths, show_surroundings
from gateway.app.listening import make_http, make_replies, make_smtp
from gateway.app.parts import Parts, StartError, check_checkpoints, open_parts
from gateway.aside import Aside
from gateway.delivery.echo import Refusal
from gateway.evidence.upkeep import Upkeep
from gateway.evidence.versions import keep_policies
from gateway.intake import Intake, Receipt
from gateway.intake.events import Events
from gateway.message.envelope import Message
from gateway.ops.health import Check
from gateway.policy.live import BROKEN
from gateway.policy.outcome import Outcome
from gateway.reading.lexicon import BadLexicon
from gateway.reading.load import load_lexicons
from gateway.reading.read import Reader
from gateway.review import Pausing, Tasks
from gateway.review.counting import count_left
from gateway.settings import Listen, Settings
from gateway.settings.listening import listening
from gateway.store.outage import Outage
from gateway.store.protocol import StoreError
from gateway.watch import digest_folder, watch_folder

log = logging.getLogger("gateway")

ACCESS_SECONDS = 1.0
SWEEP_SECONDS = 1.0
LOOK_SECONDS = 0.7
"""Between two looks at what is paused: everybody knows it within a second."""
MEASURE_SECONDS = 5.0
FORGET_SECONDS = 60.0
RESUME_SECONDS = 5.0
TELL_SECONDS = 10.0
GONE = (
    "The database file, or its log beside it (-wal), was deleted or replaced, so nothing more is taken on;"
    " what was taken on before is still delivered. Let the outbox empty, stop the gateway and put a backup in"
    " place: docs/runbooks/database-down.md."
)


class App:
    """Everything that runs while a gateway serves. `known` is the digest of the policy folder from before
    the policies were read, `access` the access file as it was before it was read."""

    def __init__(self, parts: Parts, known: bytes, access: AccessWatch) -> None:
        self.parts = parts
        self._known = known
        settings, metrics = parts.settings, parts.metrics
        self.aside = Aside(parts.reader, wanted=settings.read_aside)
        self.intake = Intake(
            parts.store,
            parts.reader,
            parts.policies,
            parts.access,
            parts.keys,
            metrics,
            hold_seconds=settings.hold_expiry.total_seconds(),
            told=self._tell_refused,
            letterhead=parts.letterhead,
            aside=self.aside,
        )
        self.events = Events(
            parts.store,
            parts.reader,
            parts.keys,
            metrics,
            parts.access,
            backdate_limit=settings.backdate_limit.total_seconds(),
        )
        self.outbox = make_outbox(parts)
        self.worker = make_worker(parts, self.outbox)
        parts.store.on_cancel(self.worker.forget, metrics.holds_cancelled)
        self.announcer = make_announcer(parts)
        self.echoes = make_echoes(parts)
        self.endings = make_endings(parts)
        self._access = LiveAccess(
            access, parts, self.outbox, self.worker, self.announcer, self.echoes, self.endings
        )
        self.smtp = make_smtp(parts, self.intake)
        self.replies = make_replies(parts)
        checks: dict[str, Check] = {"policies": self._policies_loaded}
        if settings.sqlite_file is not None:
            checks["file"] = self._file_in_place
        self.pausing = Pausing(parts.store, parts.review, metrics.paused)
        self.tasks = Tasks(parts.store, parts.review, parts.store.now)
        self.http = make_http(parts, self.intake, self.events, checks, self._tell_refused, self.tasks)
        self.upkeep = Upkeep(
            parts.store,
            parts.keys,
            settings.policies_folder,
            settings.checkpoints,
            checkpoint_seconds=settings.checkpoint_interval.total_seconds(),
            post=make_checkpoint_post(settings),
            owner=process_name() if settings.postgres else "gateway",
        )
        self._outage = Outage("reads")
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Listen and deliver. Raises OSError where an address cannot be had, with its setting."""
        self._show_policies()
        self.pausing.begin()
        await keep_policies(self.parts.store, self.parts.policies.current)
        self._access.show()
        # Else the first text of a language would keep everybody waiting for half a second.
        await asyncio.to_thread(self.parts.reader.prepare)
        await self.smtp.start()
        if self.replies is not None:
            await self.replies.start()
        for name, listener in self.http.items():
            with listening(f"{name.upper()}_LISTEN", listener.listen):
                await listener.start()
        self._tasks = [
            asyncio.create_task(task, name=name)
            for name, task in (
                ("deliver", self.worker.run()),
                ("announce", self.announcer.run()),
                ("echo", self.echoes.run()),
                ("pauses", self._every(LOOK_SECONDS, self._look_at_pauses)),
                ("wake", self._every(SWEEP_SECONDS, self.pausing.wake)),
                ("sweep", self._every(SWEEP_SECONDS, self._sweep)),
                ("measure", self._every(MEASURE_SECONDS, self._measure, at_once=True)),
                ("access", self._every(ACCESS_SECONDS, self._access.look)),
                ("resume", self._every(RESUME_SECONDS, self.tasks.resume)),
                ("tell", self._every(TELL_SECONDS, self._tell_endings)),
                ("forget", self._every(FORGET_SECONDS, self._forget)),
                ("upkeep", self.upkeep.run()),
                ("watch", self._watch()),
            )
        ]

    async def stop(self) -> None:
        """Stop accepting, finish sessions, commit, deliver what is under way, let go of the database."""
        grace = self.parts.settings.grace.total_seconds()
        mail = [listener for listener in (self.smtp, self.replies) if listener is not None]
        for listener in mail:
            await listener.stop_accepting()
        await asyncio.gather(
            *(door.stop() for door in self.http.values()), *(listener.drain(grace) for listener in mail)
        )
        for listener in mail:
            listener.close()
        self._access.stop()
        await self.tasks.stop()
        await self.aside.stop()
        await self.worker.stop(grace)
        await self.outbox.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.parts.store.close()

    @property
    def addresses(self) -> dict[str, str]:
        """Where it listens, by name, as the settings write it: host:port, brackets around an IPv6 address."""
        found = {name: str(Listen(*address)) for name, address in self.smtp.named.items()}
        if self.replies is not None:
            found["reply"] = str(Listen(*self.replies.addresses[0]))
        return found | {name: str(listener.address) for name, listener in self.http.items()}

    async def reload_all(self) -> None:
        """Take what the access file and the policy folder say now, whether they changed or not."""
        await asyncio.gather(self._access.reload(), self.reload())

    def _watch(self) -> Coroutine[None, None, None]:
        return watch_folder(self.parts.settings.policies_folder, self.reload, self._known)

    async def reload(self) -> None:
        """Take what the policy folder says now, or keep the last good set and say so.

        Lexicons and cases take seconds: they are read in a thread, by a reader of its own.
        """
        policies, settings = self.parts.policies, self.parts.settings
        folder, spare = settings.policies_folder, settings.spare_lexicons
        try:
            fresh = await asyncio.to_thread(lambda: Reader(load_lexicons(folder / "lexicons", spare)))
            await asyncio.to_thread(fresh.prepare)
            fine = await asyncio.to_thread(policies.reload, folder, fresh, spare)
            if fine:
                self.parts.reader.adopt(fresh)
                self.aside.forget()
            else:
                log.error("policies.refused", extra={"problem": policies.problem})
        except BadLexicon as error:
            log.error("lexicons.refused", extra={"problem": f"lexicons/{error}"})
            fine = policies.refuse_lexicon(str(error))
        except Exception:
            log.exception("policies.broken")
            fine = policies.refuse(BROKEN)
        self.parts.metrics.policy_reload("loaded" if fine else "failed")
        self.parts.metrics.policies_refused(refused=not fine)
        if fine:
            self._show_policies()
            with contextlib.suppress(StoreError):
                await keep_policies(self.parts.store, policies.current)
            log.info("policies.loaded", extra={"version": policies.current.version})

    def _show_policies(self) -> None:
        current = self.parts.policies.current
        observing = current.observing
        self.parts.metrics.policies(
            (p.name, p.version, "observe" if observing else p.mode) for p in current.policies
        )

    async def _policies_loaded(self) -> bool:
        return bool(self.parts.policies.current.version)

    async def _file_in_place(self) -> bool:
        return self.parts.store.in_place()

    def _tell_refused(self, message: Message, receipt: Receipt) -> None:
        """Refused recipients of a mixed transaction go into the source's next notice, in a DSN to its sender
        and to the tool itself, where it asked for that."""
        if self.echoes.hears(message.source):
            self._echo(message, receipt)
        named = {recipient.address: recipient for recipient in message.recipients}
        for result in receipt.recipients:
            if result.outcome is Outcome.REJECT:
                first, language = result.decision.enforced[0], self.worker.reports.language(message.source)
                reason = f"{first.reason.in_(language)} {first.remedy.in_(language)}".strip()
                told = self.worker.reports.refused(message, named[result.address], reason, time.time())
                for report in told:
                    self.outbox.report(report)

    def _echo(self, message: Message, receipt: Receipt) -> None:
        for n, result in enumerate(receipt.recipients):
            if result.outcome is Outcome.REJECT:
                first = result.decision.enforced[0]
                refusal = Refusal(
                    source=message.source,
                    message_id=message.id,
                    n=n,
                    address=result.address,
                    external_id=message.external_id,
                    campaign=message.campaign,
                    rule=first.rule,
                    reason=f"{first.reason.en} {first.remedy.en}".strip(),
                    at=time.time(),
                )
                self.echoes.add(refusal)

    async def _every(
        self, seconds: float, action: Callable[[], Awaitable[None]], *, at_once: bool = False
    ) -> None:
        wait = 0.0 if at_once else seconds
        while True:
            await asyncio.sleep(wait)
            wait = seconds
            try:
                await action()
            except StoreError:
                continue
            except Exception:  # what ends here today would never be done again
                log.exception("round.broken", extra={"task": action.__name__.strip("_")})

    async def _sweep(self) -> None:
        for result in await self.parts.review.sweep(self.parts.store.now()):
            log.info("hold.decided", extra={"hold": result.hold_id, "status": result.status})

    async def _look_at_pauses(self) -> None:
        if await self.pausing.look():
            self.worker.give_back(self.outbox.paused, "it is paused")

    async def _tell_endings(self) -> None:
        if told := await self.endings.tell():
            log.info("hold.told", extra={"letters": told})

    async def _forget(self) -> None:
        if dropped := await self.parts.optins.sweep(self.parts.store.now()):
            log.info("consent.unconfirmed", extra={"deleted": dropped})

    async def _measure(self) -> None:
        metrics = self.parts.metrics
        metrics.process()
        show_surroundings(metrics, self.parts.settings, self.worker.up)
        self._renew_certificate()
        try:
            await show_depths(metrics, self.parts.store, self.parts.store.now())
            await count_left(self.parts.store, metrics)
            self._outage.end()
        except StoreError as error:
            self._outage.fail(error)
            raise
        finally:
            if not self.parts.store.in_place():
                metrics.database(up=False)
                log.error("database.gone", extra={"problem": GONE})

    def _renew_certificate(self) -> None:
        """Take up a renewed certificate, wherever it is used, and show how long it lasts."""
        for listener in filter(None, (self.smtp, self.replies)):
            certificate = listener.certificate
            if certificate is None:
                continue
            try:
                if certificate.renew():
                    log.info("certificate.renewed", extra={"listener": listener.setting})
            except OSError as error:
                log.error("certificate.refused", extra={"problem": str(error)})
            if certificate.expires_at:
                self.parts.metrics.certificate(certificate.expires_at)


async def build(settings: Settings) -> App:
    """A gateway that is ready to start. Raises StartError and the errors of what it reads."""
    if settings.relay is None and settings.webhook_relay is None:
        raise StartError(
            "There is no relay to deliver to. Set GALATEO_RELAY, for example smtp://relay.example.com:587,"
            " or try `galateo demo`, which needs none."
        )
    check_checkpoints(settings)
    known, access = digest_folder(settings.policies_folder), AccessWatch(settings.access)
    parts = await open_parts(settings, serving=True)
    try:
        return App(parts, known, access)
    except BaseException:
        await parts.store.close()
        raise
