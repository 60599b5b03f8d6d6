"""Real server processes for tests: started on a free port, ended by their process id."""

import contextlib
import itertools
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

READY_S = 120.0
# Below those that systems give to connections by themselves, so that none of these is taken before it is listened on.
# Each process begins elsewhere, and none is given twice.
LOWEST, PORTS = 10_000, 20_000
_tries = itertools.count(os.getpid() * 7919)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on, and that nobody else is given."""
    for number in itertools.islice(_tries, PORTS):
        port = LOWEST + number % PORTS
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("every port is taken")


# One that takes no peer for gone, however late it answers a ping or says who it is.
PATIENT = (
    "from majlis.surfaces.realtime import frames; frames.PING_S = frames.AUTH_S = 3600\n"
    "from majlis.kit.http import protocol; protocol.LAST_S = 600.0\n"
    "from majlis import cli, serving; serving.PING_S = 3600.0\n"
    "cli.main()"
)


class Serving:
    """`majlis serve` in a process of its own, or another command that goes on until it is ended."""

    def __init__(
        self, folder: Path, *arguments: str, command: str = "serve", program: str = "", **environment: str
    ) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        clean = {name: value for name, value in os.environ.items() if not name.startswith("MAJLIS_")}
        settings = {
            "MAJLIS_DATA_DIR": str(folder),
            "MAJLIS_PORT": str(self.port),
            "MAJLIS_RATE_LIMITS": "off",
        }
        self.log = folder.with_suffix(".log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, *(("-c", program) if program else ("-m", "majlis")), command, *arguments],
            env={**clean, **settings, **environment},
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
        )

    def wait(self) -> None:
        """Until it answers. Raises RuntimeError with the log when it does not."""
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(self.url + "/health/ready", timeout=20, trust_env=False).status_code == 200:
                    return
            time.sleep(0.05)
        raise RuntimeError(Path(self.log.name).read_text()[-4000:])

    def kill(self) -> None:
        """End it without a word, as a crash would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(READY_S)
        self.log.close()

    def stop(self) -> int:
        """Ask it to end; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(READY_S)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait(READY_S)
            self.log.close()


@contextlib.contextmanager
def serving(folder: Path, *arguments: str, **environment: str) -> Iterator[Serving]:
    """A server that answers, for the length of a block."""
    server = Serving(folder, *arguments, **environment)
    try:
        server.wait()
        yield server
    finally:
        server.stop()
