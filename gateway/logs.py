"""Logs as JSON lines: time, level, event and the fields given with it; never addresses or text.

An event is written as `log.info("message.accepted", extra={"message_id": id, "policy": name})`: the record's
message is the event's name, and everything in `extra` becomes a field; a value with an @ in it is withheld.
Where a line costs more than a call, ask `log.isEnabledFor(logging.INFO)` first.
"""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, TextIO

import orjson

# What the standard library itself puts on a record; all else came in by `extra`.
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_LEVELS = {
    logging.DEBUG: "debug",
    logging.INFO: "info",
    logging.WARNING: "warning",
    logging.ERROR: "error",
    logging.CRITICAL: "critical",
}
# Libraries that write addresses, commands or a line per connection at INFO.
_QUIET = ("mail.log", "mail.debug", "aiosmtpd", "aiohttp.access", "asyncio", "watchfiles")


class JsonFormatter(logging.Formatter):
    """One JSON object per record, on one line, in UTF-8; time is RFC 3339 in UTC with microseconds."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as JSON. A value that JSON does not know is written as its type's name."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds"),
            "level": _LEVELS.get(record.levelno, record.levelname.lower()),
            "logger": record.name,
            "event": _withhold(record.getMessage()),
        }
        line |= {name: _withhold(value) for name, value in vars(record).items() if name not in _OWN}
        if record.exc_info and record.exc_info[0] is not None:
            line |= describe_exception(record.exc_info[1])
        try:
            return orjson.dumps(line, default=_name_type, option=orjson.OPT_NON_STR_KEYS).decode()
        except orjson.JSONEncodeError:  # a lone surrogate, a number beyond 64 bits, a loop
            return json.dumps({name: _flatten(value) for name, value in line.items()})


def describe_exception(error: BaseException | None) -> dict[str, Any]:
    """Return where and what an exception was, without its text: that may quote a message or an address."""
    places = []
    trace = error.__traceback__ if error is not None else None
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{code.co_filename.rpartition('/gateway/')[2]}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return {"error": type(error).__name__, "at": places[-8:]}


def configure(level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send every record of `level` and above, as JSON lines, to `stream` (stderr), and to it alone."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    # Nothing here prints them, so nothing need look them up for every record.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


def _withhold(value: Any) -> Any:
    # A net under the rule that nobody logs addresses: libraries, and relay URLs with a user in them.
    return "<withheld>" if isinstance(value, str) and "@" in value else value


def _name_type(value: object) -> str:
    return f"<{type(value).__name__}>"


def _flatten(value: object) -> object:
    return value if isinstance(value, (str, int)) else _name_type(value)
