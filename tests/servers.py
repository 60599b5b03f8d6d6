"""Real server processes for tests: started on a free port, ended by their process id."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

READY_S = 60.0


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Serving:
    """`majlis serve` in a process of its own."""

    def __init__(self, folder: Path, *arguments: str, **environment: str) -> None:
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
            [sys.executable, "-m", "majlis", "serve", *arguments],
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
                if httpx.get(self.url + "/health/ready", timeout=2, trust_env=False).status_code == 200:
                    return
            time.sleep(0.05)
        raise RuntimeError(Path(self.log.name).read_text()[-4000:])

    def kill(self) -> None:
        """End it without a word, as a crash would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)
        self.log.close()

    def stop(self) -> int:
        """Ask it to end; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(30)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait(10)
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
