"""Running servers: the embedded or given database, migrations, one process or several."""

import contextlib
import os
import sys
from collections.abc import Iterator

import uvicorn

from majlis import main
from majlis.kit import embedded
from majlis.kit.migrations import Migrator
from majlis.settings import Settings


@contextlib.contextmanager
def database(settings: Settings) -> Iterator[str]:
    """The URL of the database of a serving process; its embedded one runs as long as the block."""
    if settings.database_url:
        yield settings.database_url
        return
    server = embedded.start(settings.data_path() / "postgres")
    try:
        yield server.url
    finally:
        server.stop()


@contextlib.contextmanager
def beside(settings: Settings) -> Iterator[str]:
    """The URL of the database for a command, which may run beside a serving process."""
    if settings.database_url:
        yield settings.database_url
        return
    with embedded.connect_or_start(settings.data_path() / "postgres") as url:
        yield url


def migrate(url: str) -> list[str]:
    """Bring the database up to date; the ids of what was applied."""
    return Migrator(url, main.migration_folders()).up()


def serve(settings: Settings, *, workers: int = 1, reload: bool = False) -> None:
    """Serve until a signal ends it."""
    with database(settings) as url:
        migrate(url)
        options = {
            "host": settings.host,
            "port": settings.port,
            "loop": "uvloop",
            "http": "httptools",
            "ws": "websockets-sansio",
            "lifespan": "on",
            "access_log": False,
            "log_config": None,
            "server_header": False,
            "proxy_headers": False,
            "timeout_graceful_shutdown": int(settings.drain_s),
            "timeout_keep_alive": 30,
            "backlog": 2048,
        }
        if workers > 1 or reload:
            os.environ[main.DATABASE_VARIABLE] = url
            uvicorn.run("majlis.main:asgi", factory=True, workers=workers, reload=reload, **options)  # type: ignore[arg-type]
        else:
            uvicorn.run(main.build(settings, url), **options)  # type: ignore[arg-type]
    sys.stdout.flush()
