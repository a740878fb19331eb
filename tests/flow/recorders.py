"""Where deliveries end in tests: an SMTP sink and a webhook target that remember what came."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

Script = Callable[[str, str], bytes | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One message that the sink took: `data` is unstuffed, empty where only ids are kept;
    `at` is `time.monotonic()` when it was whole."""

    sender: str
    recipients: tuple[str, ...]
    data: bytes
    message_id: str
    at: float


class Sink:
    """An SMTP server that takes everything and records it; `url` is what GALATEO_RELAY wants.

    `script(verb, argument)` may answer instead, as one reply line without its line end: verbs are
    EHLO, MAIL, RCPT, DATA, END (argument: the first recipient). b"" closes the connection without
    a reply. `down()` refuses connections and drops those there are, `up()` listens again on the same
    port. With `keep_data=False` only the Message-ID of each message is kept.
    """

    def __init__(
        self, *, keep_data: bool = True, script: Script | None = None, extensions: tuple[str, ...] = ()
    ) -> None:
        self.keep_data = keep_data
        self.script = script
        self.extensions = extensions or (
            "PIPELINING",
            "SIZE 52428800",
            "8BITMIME",
            "SMTPUTF8",
            "ENHANCEDSTATUSCODES",
        )
        self.deliveries: list[Delivery] = []
        self.sessions: set[asyncio.Transport] = set()
        self.connections = 0
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="sink", daemon=True)
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """Of this sink, as a relay."""
        return f"smtp://127.0.0.1:{self.port}"

    @property
    def message_ids(self) -> list[str]:
        """Of all that came, in order, without angle brackets."""
        return [delivery.message_id for delivery in list(self.deliveries)]

    def wait(self, count: int, timeout: float = 10.0) -> list[Delivery]:
        """The deliveries, once there are at least `count`."""
        deadline = time.monotonic() + timeout
        while len(self.deliveries) < count:
            if time.monotonic() > deadline:
                raise AssertionError(f"{len(self.deliveries)} of {count} deliveries within {timeout:g} s")
            time.sleep(0.01)
        return list(self.deliveries)

    def settle(self, quiet: float = 0.5, timeout: float = 30.0) -> list[Delivery]:
        """The deliveries, once none has come for `quiet` seconds."""
        deadline = time.monotonic() + timeout
        count, since = -1, time.monotonic()
        while time.monotonic() < deadline:
            if len(self.deliveries) != count:
                count, since = len(self.deliveries), time.monotonic()
            elif time.monotonic() - since >= quiet:
                return list(self.deliveries)
            time.sleep(0.01)
        raise AssertionError(f"deliveries still come after {timeout:g} s")

    def up(self) -> None:
        """Listen, on the same port as before if there was one."""
        self._call(self._up())

    def down(self) -> None:
        """Refuse connections and drop the open ones."""
        self._call(self._down())

    async def _up(self) -> None:
        self._server = await self._loop.create_server(
            lambda: _Session(self), "127.0.0.1", self.port, backlog=512
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def _down(self) -> None:
        if self._server is not None:
            self._server.close()
            for transport in list(self.sessions):
                transport.abort()
            await self._server.wait_closed()
            self._server = None
            await asyncio.sleep(0)

    def _call(self, coroutine: "asyncio.Future[None] | object") -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)  # type: ignore[arg-type]

    def __enter__(self) -> Self:
        self._thread.start()
        self.up()
        return self

    def __exit__(self, *_: object) -> None:
        self.down()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class _Session(asyncio.Protocol):
    """One connection to the sink; commands may come pipelined."""

    transport: asyncio.Transport

    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self.buffer = bytearray()
        self.in_data = False
        self.sender = ""
        self.recipients: list[str] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.sink.sessions.add(transport)
        self.sink.connections += 1
        transport.write(b"220 sink.example ESMTP\r\n")

    def connection_lost(self, exc: Exception | None) -> None:
        self.sink.sessions.discard(self.transport)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while not self.transport.is_closing() and (self._end() if self.in_data else self._line()):
            pass

    def _end(self) -> bool:
        if self.buffer.startswith(b".\r\n"):
            size, past = 0, 3
        else:
            size = self.buffer.find(b"\r\n.\r\n") + 2
            past = size + 3
            if size < 2:
                return False
        data = bytes(self.buffer[:size])
        del self.buffer[:past]
        self.in_data = False
        if self._answer("END", self.recipients[0], b"250 2.0.0 taken").startswith(b"2"):
            self._record(data)
        return True

    def _record(self, data: bytes) -> None:
        data = (data[1:] if data.startswith(b"..") else data).replace(b"\r\n..", b"\r\n.")
        head = b"\n" + data.partition(b"\r\n\r\n")[0]
        start = head.lower().find(b"\nmessage-id:")
        found = head[start + 12 :].partition(b"\r\n")[0] if start >= 0 else b""
        delivery = Delivery(
            sender=self.sender,
            recipients=tuple(self.recipients),
            data=data if self.sink.keep_data else b"",
            message_id=found.strip().strip(b"<>").decode(errors="replace"),
            at=time.monotonic(),
        )
        self.sink.deliveries.append(delivery)

    def _line(self) -> bool:
        end = self.buffer.find(b"\n")
        if end < 0:
            return False
        line = bytes(self.buffer[:end]).strip().decode("utf-8", "surrogateescape")
        del self.buffer[: end + 1]
        verb, _, rest = line.partition(" ")
        self._command(verb.upper(), rest)
        return True

    def _command(self, verb: str, rest: str) -> None:
        argument = rest.partition("<")[2].partition(">")[0]
        if verb in {"EHLO", "HELO"}:
            lines = ("sink.example", *self.sink.extensions) if verb == "EHLO" else ("sink.example",)
            text = "\r\n".join(f"250{' ' if line is lines[-1] else '-'}{line}" for line in lines)
            self._answer("EHLO", rest, text.encode())
        elif verb == "MAIL":
            self.recipients = []
            self.sender = argument
            self._answer(verb, argument, b"250 2.1.0 sender fine")
        elif verb == "RCPT":
            if self._answer(verb, argument, b"250 2.1.5 recipient fine").startswith(b"2"):
                self.recipients.append(argument)
        elif verb == "DATA":
            default = b"354 go ahead" if self.recipients else b"554 5.5.1 no valid recipients"
            self.in_data = self._answer(verb, "", default).startswith(b"3")
        elif verb == "QUIT":
            self.transport.write(b"221 2.0.0 bye\r\n")
            self.transport.close()
        else:
            self.transport.write(
                b"250 2.0.0 fine\r\n" if verb in {"RSET", "NOOP"} else b"500 5.5.2 unknown\r\n"
            )

    def _answer(self, verb: str, argument: str, default: bytes) -> bytes:
        scripted = self.sink.script(verb, argument) if self.sink.script else None
        line = default if scripted is None else scripted
        if line:
            self.transport.write(line + b"\r\n")
        else:
            self.transport.abort()
        return line


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One call that the target received; header names are lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    at: float


class Target:
    """An HTTP server that records every request and answers `answer(request)`: status and headers
    (default: 204). `url` is what GALATEO_WEBHOOK_RELAY wants."""

    def __init__(self, answer: Callable[[Request], tuple[int, dict[str, str]]] = lambda _: (204, {})) -> None:
        self.answer = answer
        self.requests: list[Request] = []
        target = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                target._record(self)

            do_GET = do_PUT = do_POST  # noqa: N815 - the parent asks for these names

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parent's name
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self.port: int = self._server.server_address[1]

    @property
    def url(self) -> str:
        """Where to post to."""
        return f"http://127.0.0.1:{self.port}/hook"

    def wait(self, count: int, timeout: float = 10.0) -> list[Request]:
        """The requests, once there are at least `count`."""
        deadline = time.monotonic() + timeout
        while len(self.requests) < count:
            if time.monotonic() > deadline:
                raise AssertionError(f"{len(self.requests)} of {count} requests within {timeout:g} s")
            time.sleep(0.01)
        return list(self.requests)

    def _record(self, handler: BaseHTTPRequestHandler) -> None:
        size = int(handler.headers.get("Content-Length", "0"))
        headers = {name.lower(): value for name, value in handler.headers.items()}
        request = Request(
            method=handler.command,
            path=handler.path,
            headers=headers,
            body=handler.rfile.read(size),
            at=time.monotonic(),
        )
        self.requests.append(request)
        status, extra = self.answer(request)
        with contextlib.suppress(ConnectionError):
            handler.send_response(status)
            for name, value in ({"Content-Length": "0"} | extra).items():
                handler.send_header(name, value)
            handler.end_headers()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
