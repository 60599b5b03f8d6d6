"""Structured logs: one JSON object a line, without secrets."""

import asyncio
import atexit
import logging
import sys
from collections.abc import Callable, Mapping, MutableMapping
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

import msgspec
import structlog

_encode = msgspec.json.Encoder(enc_hook=repr).encode
_SECRET_WORDS = ("password", "secret", "token", "authorization", "cookie", "code", "refresh")
_KEPT = frozenset({"status_code", "code"})
_NESTED = (Mapping, list, tuple, msgspec.Struct)


def _is_secret(key: Any) -> bool:
    return isinstance(key, str) and key not in _KEPT and any(word in key.lower() for word in _SECRET_WORDS)


def _redact(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in event.items():
        if _is_secret(key):
            event[key] = "•••"
        elif isinstance(value, _NESTED):
            event[key] = _without_secrets(value)
    return event


def _without_secrets(value: Any) -> Any:
    """A copy whose nested objects hide their secrets too."""
    if isinstance(value, msgspec.Struct):
        value = msgspec.structs.asdict(value)
    if isinstance(value, Mapping):
        return {key: "•••" if _is_secret(key) else _without_secrets(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_secrets(item) for item in value]
    return value


def _render(_: Any, __: str, event: MutableMapping[str, Any]) -> bytes:
    _lines.flush()  # what happened before stands before
    return _encode(event)


TOGETHER = 4096  # bytes that go into a pipe as one piece, whoever else writes to it (PIPE_BUF)
SOON_S = 0.05


class _Lines:
    """Lines that wait for a moment and are then written together: a system call for each cost more than the line."""

    def __init__(self) -> None:
        self._lines: list[bytes] = []
        self._size = 0

    def add(self, line: bytes) -> None:
        """Write this line soon; at once outside of an event loop."""
        if self._size + len(line) > TOGETHER:
            self.flush()
        self._lines.append(line)
        self._size += len(line)
        if len(self._lines) == 1:
            try:
                asyncio.get_running_loop().call_later(SOON_S, self.flush)
            except RuntimeError:  # no loop
                self.flush()

    def flush(self) -> None:
        """Write what waits."""
        lines, self._lines, self._size = self._lines, [], 0
        if lines:
            sys.stdout.buffer.write(b"".join(lines))
            sys.stdout.buffer.flush()


_lines = _Lines()
atexit.register(_lines.flush)


class _Access:
    """How lines of answered requests are written: by structlog, until `configure` knows a shorter way."""

    write: "Callable[[_Request], None] | None" = None


def access(method: str, path: str, status: int, ms: float, request_id: str, user: UUID | None) -> None:
    """Log an answered request: the line of `info("request", …)` within 50 ms, for a tenth of its price.

    Every request pays it, and its fields are known: none is to be formatted or hidden.
    """
    if _Access.write is not None:
        _Access.write(_Request(method, path, status, ms, request_id, user, datetime.now(UTC)))
    else:
        get("majlis.http").info(
            "request", method=method, path=path, status=status, ms=ms, request_id=request_id, user=user
        )


class _Request(msgspec.Struct):
    """A line of an answered request."""

    method: str
    path: str
    status: int
    ms: float
    request_id: str
    user: UUID | None
    timestamp: datetime
    event: str = "request"
    level: str = "info"


def _write_access(line: _Request) -> None:
    _lines.add(_encode(line) + b"\n")


def _no_access(line: _Request) -> None:
    """Such lines are below the least level."""


def configure(level: str = "info", format: str = "json") -> None:
    """Set up logging for this process; text is for people at a terminal."""
    least = getattr(logging, level.upper())
    shared: list[Any] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _redact,
    ]
    if format == "json":
        processors, factory = [*shared, _render], structlog.BytesLoggerFactory(sys.stdout.buffer)
        _Access.write = _write_access if least <= logging.INFO else _no_access
    else:
        processors = [*shared, structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty())]
        factory = cast(Any, structlog.PrintLoggerFactory(sys.stdout))
        _Access.write = None
    structlog.configure(
        processors=processors,
        logger_factory=factory,
        wrapper_class=structlog.make_filtering_bound_logger(least),
        cache_logger_on_first_use=True,
    )
    # Libraries log through the standard module; only what is worth a look comes through.
    logging.basicConfig(level=max(least, logging.WARNING), handlers=[_Bridge()], force=True)


class _Bridge(logging.Handler):
    """Hands the standard library's log records to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith("majlis"):
            return
        get(record.name).log(
            record.levelno, record.getMessage(), logger=record.name, exc_info=record.exc_info
        )


def get(name: str) -> Any:
    """A logger. Call it with an event name and key-value pairs, never with f-strings of input."""
    return structlog.get_logger(name)
