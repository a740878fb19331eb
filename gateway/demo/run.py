"""The demo: a gateway with the shipped policies, a sink, and a dozen messages over real sockets."""

import asyncio
import base64
import os
import signal
import smtplib
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from rich.console import Console
from rich.table import Table

from gateway import logs, settings
from gateway.app.serving import App, build
from gateway.demo import messages, people
from gateway.demo.messages import Sample
from gateway.demo.month import fill_month
from gateway.demo.sink import Sink

WATCHED = ("galateo_messages_total", "galateo_violations_total", "galateo_deliveries_total")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One row of the table."""

    sample: Sample
    outcome: str
    rules: str
    reason: str


async def demo(*, once: bool, console: Console, days: int = 0) -> None:
    """Start, send, tell, and serve until Ctrl-C unless `once`. With `days`, so much happened before."""
    with tempfile.TemporaryDirectory(prefix="galateo-demo-") as folder:
        sink = Sink()
        await sink.start()
        own = _settings(Path(folder), sink, once=once)
        if days:
            with console.status("Writing the weeks before today...") as status:
                told = lambda day: status.update(f"Writing the weeks before today: day {day} of {days}")  # noqa: E731
                sent = await fill_month(own, days, time.time(), told)
            console.print(f"{sent} messages in the {days} days before today.\n")
        app = await build(own)
        try:
            await app.start()
            await app.parts.consents.record(list(people.consents(time.time())), "demo")
            rows = await _send_all(app)
            await _delivered(app)
            _tell(console, app, sink, rows)
            if not once:
                await _wait(console)
        finally:
            await app.stop()
            await sink.stop()


def _settings(folder: Path, sink: Sink, *, once: bool) -> settings.Settings:
    """The demo's own: neither RELAY nor DATABASE of the environment counts here."""
    logs.configure("error")
    port = (lambda fixed: 0) if once else (lambda fixed: fixed)
    return settings.load(
        development=True,
        access=folder / "none.yaml",
        database=f"sqlite:///{folder}/galateo.db",
        keys=folder / "keys",
        relay=f"smtp://127.0.0.1:{sink.smtp_port}",
        webhook_relay=f"http://127.0.0.1:{sink.http_port}/deliver",
        webhook_secret="whsec_" + base64.b64encode(os.urandom(32)).decode(),
        smtp_listen=f"127.0.0.1:{port(2525)}",
        http_listen=f"127.0.0.1:{port(8080)}",
        ops_listen=f"127.0.0.1:{port(8081)}",
    )


async def _send_all(app: App) -> list[Shown]:
    base = f"http://{app.addresses['http']}"
    async with aiohttp.ClientSession(base) as http:
        for event in messages.EVENTS:
            await _post_event(http, event)
        rows = []
        for sample in messages.SAMPLES:
            if sample.by == "smtp":
                rows.append(await asyncio.to_thread(_by_smtp, app.addresses["smtp"], sample))
            else:
                rows.append(await _by_http(http, sample))
        return rows


async def _post_event(http: aiohttp.ClientSession, event: dict[str, Any]) -> None:
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - event["seconds"]))
    body = {
        "type": event["type"],
        "source_event_id": f"demo-{event['type']}-{event['to']}",
        "occurred_at": at,
        "channel": "linkedin",
        "sender": {"addresses": [{"type": "linkedin", "value": messages.PROFILE}]},
        "recipient": {"addresses": [{"type": "linkedin", "value": event["to"]}]},
        "thread": {"id": f"demo-{event['to']}"},
    }
    async with http.post("/v1/events", json=body) as response:
        response.raise_for_status()


def _by_smtp(address: str, sample: Sample) -> Shown:
    host, _, port = address.rpartition(":")
    with smtplib.SMTP(host, int(port), timeout=10) as client:
        try:
            client.ehlo("demo.example")
            client.mail(messages.MAILBOX)
            client.rcpt(sample.to)
            code, text = client.data(messages.mail(sample))
        except smtplib.SMTPResponseException as error:
            code, text = error.smtp_code, error.smtp_error if isinstance(error.smtp_error, bytes) else b""
    return _read_reply(sample, code, text.decode("ascii", "replace"))


def _read_reply(sample: Sample, code: int, text: str) -> Shown:
    """`2.0.0 <id> held <policy>/<code>: ...` or `5.7.1 <id> rejected <policy>/<code>: <reason>`."""
    _, _, said = text.partition(" ")
    words = said.split(" ", 3)
    outcome = words[1] if len(words) > 1 else str(code)
    rules = words[2].rstrip(":") if len(words) > 2 else ""
    return Shown(sample=sample, outcome=outcome, rules=rules, reason=words[3] if len(words) > 3 else "")


async def _by_http(http: aiohttp.ClientSession, sample: Sample) -> Shown:
    body = messages.request(sample)
    body["thread"] = {"id": f"demo-{sample.to}"}
    async with http.post("/v1/messages", json=body) as response:
        answer = await response.json(content_type=None)
    violations = answer.get("violations", [])
    return Shown(
        sample=sample,
        outcome=answer.get("status", str(response.status)) if response.status != 422 else "rejected",
        rules=" ".join(f"{v['policy']}/{v['code']}" for v in violations),
        reason=violations[0]["reason"] if violations else "",
    )


async def _delivered(app: App) -> None:
    """Wait until the sink has what was accepted."""
    for _ in range(100):
        if (await app.parts.store.depths()).outbox == 0:
            return
        await asyncio.sleep(0.05)


_COLORS = {"accepted": "green", "held": "yellow", "rejected": "red"}


def _tell(console: Console, app: App, sink: Sink, rows: list[Shown]) -> None:
    table = Table(title="What the gateway made of them", title_justify="left", show_lines=True)
    for name, ratio in (("message", 3), ("to", 3), ("outcome", 1), ("rules", 3), ("reason", 5)):
        table.add_column(name, ratio=ratio, overflow="fold")
    for row in rows:
        color = _COLORS.get(row.outcome, "magenta")
        sample = row.sample
        table.add_row(
            f"{sample.title} ({sample.by})", sample.name, f"[{color}]{row.outcome}[/]", row.rules, row.reason
        )
    console.print(table)
    console.print(f"\nDelivered: {sink.mails} by SMTP, {sink.calls} by webhook. Metrics that moved:")
    for line in app.parts.metrics.render()[0].decode().splitlines():
        if line.startswith(WATCHED):
            console.print(f"  {line}", highlight=False)
    console.print("\nIt listens on:")
    for name, address in app.addresses.items():
        console.print(f"  {name:5} {address}", highlight=False)


async def _wait(console: Console) -> None:
    console.print("\nSend it your own messages; Ctrl-C ends the demo and forgets everything.")
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
