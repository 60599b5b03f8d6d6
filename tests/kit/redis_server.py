"""A Redis server for tests."""

import socket
import subprocess
import time
from pathlib import Path

from tests.servers import free_port


class RedisServer:
    """A redis-server of our own on a free port, which can be killed, stopped and started again."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.folder = folder
        self.start()

    def start(self) -> None:
        options = f"--port {self.port} --bind 127.0.0.1 --save --appendonly no --dir {self.folder}"
        self.process = subprocess.Popen(["redis-server", *options.split()], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                assert time.monotonic() < deadline, "redis-server did not start"
                time.sleep(0.02)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
