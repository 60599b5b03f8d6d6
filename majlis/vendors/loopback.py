"""What stand-ins for outside companies have in common: servers for this machine alone, and how they begin and end."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

import click


class Loopback(ThreadingHTTPServer):
    """A stand-in on a port of this machine, or a free one. `fault` is how it misbehaves."""

    daemon_threads = True

    def __init__(self, port: int, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", port), handler)
        self.fault: str | None = None
        self.release = threading.Event()  # ends what "slow" waits for

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def settings(self) -> dict[str, str]:
        """Settings of Majlis that lead here, by name."""
        raise NotImplementedError


class Answering(BaseHTTPRequestHandler):
    """Answers in silence, also those who give up waiting."""

    protocol_version = "HTTP/1.1"

    def handle(self) -> None:
        """Serve a connection; the other side may give up waiting."""
        with suppress(BrokenPipeError, ConnectionResetError):
            super().handle()

    def log_message(self, *_: Any) -> None:
        """Nothing is printed."""


F = TypeVar("F", bound=Loopback)


@contextmanager
def serving(fake: F) -> Iterator[F]:
    """A stand-in at work for the length of a block."""
    thread = threading.Thread(target=fake.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        fake.release.set()
        fake.shutdown()
        fake.server_close()
        thread.join(5)


def run(fake: Loopback) -> None:
    """Print the settings that lead to a stand-in, and serve until interrupted."""
    for name, value in fake.settings().items():
        click.echo(f"MAJLIS_{name.upper()}='{value}'")
    with suppress(KeyboardInterrupt):
        fake.serve_forever()
    fake.server_close()
