"""Running servers and workers: the embedded or given database, migrations, one process or several."""

import asyncio
import contextlib
import errno
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import msgspec
import psycopg
import uvicorn
from uvicorn.supervisors import ChangeReload, Multiprocess

import majlis
from majlis import main
from majlis import settings as configuration
from majlis.kit import embedded, facts, jobs, log
from majlis.kit.http.protocol import Protocol, SocketProtocol
from majlis.kit.migrations import Migrator
from majlis.settings import Settings

Ready = Callable[[Settings], None]

# From a serving process to its children.
DATABASE_VARIABLE = "_MAJLIS_DATABASE"
RELOAD_VARIABLE = "_MAJLIS_RELOAD"
PARENT_VARIABLE = "_MAJLIS_PARENT"
SPARE_CONNECTIONS = 6 + main.WORKER_CONNECTIONS  # of a process beside its pool: hints, jobs and what migrates
LEAST_CONNECTIONS = 100
MAX_FRAME = 64 * 1024  # bytes of what comes over a socket at once
PING_S = 30.0  # between pings to sockets, and for the answer

logger = log.get("majlis.serving")


class CannotStart(Exception):
    """The message tells an operator why."""


@contextlib.contextmanager
def database(settings: Settings, *, processes: int = 1) -> Iterator[str]:
    """The URL of the database of serving processes; their embedded one runs as long as the block."""
    if settings.database_url:
        yield settings.database_url
        return
    needed = processes * (settings.database_pool + SPARE_CONNECTIONS) + SPARE_CONNECTIONS
    options = {"max_connections": str(max(LEAST_CONNECTIONS, needed))}
    server = embedded.start(settings.data_path() / "postgres", settings=options)
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
    """Bring the database up to date; the ids of what was applied. Raises CannotStart, MigrationFailed."""
    try:
        return Migrator(url, main.migration_folders()).up()
    except (OSError, asyncpg.PostgresError, psycopg.OperationalError) as error:
        # Never the URL itself: it may hold a password.
        where = urlsplit(url).hostname or "its socket"
        raise CannotStart(f"The database at {where} cannot be used: {error}") from error


def serve(
    settings: Settings, *, workers: int = 1, reload: bool = False, ready: Ready = lambda _: None
) -> None:
    """Serve until a signal ends it; `ready` is called once requests are answered.

    Raises CannotStart, EmbeddedError, MigrationFailed, BadSettings.
    """
    log.configure(settings.log_level, settings.log_format)
    with _ended_by_signals(), _listener(settings) as listener:
        settings = msgspec.structs.replace(settings, port=listener.getsockname()[1])
        with database(settings, processes=workers) as url:
            applied = migrate(url)
            if applied:
                logger.info("migrated", applied=applied)
            if workers > 1 or reload:
                _serve_children(settings, url, listener, workers, reload, ready)
            else:
                _serve_here(settings, url, listener, ready)
    logger.info("stopped")


def _serve_here(settings: Settings, url: str, listener: socket.socket, ready: Ready) -> None:
    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            ready(settings)

    server = Server(uvicorn.Config(main.build(settings, url), **_options(settings)))
    try:
        server.run([listener])
    except SystemExit as end:
        raise CannotStart("The server could not start; the log says why.") from end


def _serve_children(
    settings: Settings, url: str, listener: socket.socket, workers: int, reload: bool, ready: Ready
) -> None:
    os.environ[DATABASE_VARIABLE] = url
    os.environ[PARENT_VARIABLE] = str(os.getpid())
    os.environ[RELOAD_VARIABLE] = "yes" if reload else ""
    for name in ("host", "port", "data_dir", "worker", "log_format"):
        os.environ[configuration.PREFIX + name.upper()] = str(getattr(settings, name))
    if workers > 1 and not settings.redis_url and settings.rate_limits == "on":
        logger.warning("each process counts limits by itself; set MAJLIS_REDIS_URL", processes=workers)
    if workers > 1 and settings.socketio == "on":
        logger.warning("long polls of Socket.IO find another process; set MAJLIS_SOCKETIO", processes=workers)
    options = _options(settings) | {"factory": True, "workers": workers, "timeout_worker_healthcheck": 20}
    if reload:
        options |= {"reload": True, "reload_dirs": [str(Path(majlis.__file__).parent)]}
    config = uvicorn.Config("majlis.serving:child", **options)
    threading.Thread(target=_announce, args=(listener, settings, ready), daemon=True).start()
    listener.set_inheritable(True)
    if reload:
        ChangeReload(config, uvicorn.Server(config).run, [listener]).run()
        return
    supervisor = Multiprocess(config, [listener])
    supervisor.run()
    if any(process.exitcode == uvicorn.config.STARTUP_FAILURE for process in supervisor.processes):
        raise CannotStart("A serving process could not start; the log says why.")


def child() -> Any:
    """The application of a child process, which has the database of its parent."""
    settings, _ = configuration.read()
    url = os.environ[DATABASE_VARIABLE]
    threading.Thread(target=_outlive_nobody, args=(int(os.environ[PARENT_VARIABLE]),), daemon=True).start()
    if os.environ[RELOAD_VARIABLE]:
        # What was just written may be a migration. An event loop runs in this thread already.
        with ThreadPoolExecutor(1) as other:
            other.submit(migrate, url).result()
    return main.build(settings, url)


def _outlive_nobody(parent: int) -> None:
    """End with the parent, however that ends: else the port and the data folder stay taken."""
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)


def _announce(listener: socket.socket, settings: Settings, ready: Ready) -> None:
    """Say that it is ready once a child takes connections: before, the address refuses them."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  compared, not listened on
    while listener.fileno() != -1:
        try:
            socket.create_connection((host, port), timeout=1).close()
            return ready(settings)
        except OSError:
            time.sleep(0.1)
    return None


def _options(settings: Settings) -> dict[str, Any]:
    return {
        "loop": "uvloop",
        "http": Protocol,
        "ws": SocketProtocol,
        "ws_max_size": MAX_FRAME,
        "ws_per_message_deflate": False,  # it costs each socket three times the memory
        "ws_ping_interval": PING_S,
        "ws_ping_timeout": PING_S,
        "lifespan": "on",
        "access_log": False,
        "log_config": None,
        "server_header": False,
        "proxy_headers": False,
        "timeout_graceful_shutdown": int(settings.drain_s),
        "timeout_keep_alive": 30,
        "backlog": 2048,
    }


@contextlib.contextmanager
def _listener(settings: Settings) -> Iterator[socket.socket]:
    """The bound socket, taken before anything is started. It refuses connections until it is listened on."""
    host, port = settings.host, settings.port
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except (OSError, OverflowError) as error:
            taken = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
            advice = (
                "; stop what listens there, or choose another with --port or MAJLIS_PORT" if taken else ""
            )
            reason = getattr(error, "strerror", None) or error
            raise CannotStart(f"Cannot listen on {host}:{port}: {reason}{advice}.") from error
        yield listener
    finally:
        listener.close()


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let SIGTERM and SIGINT end the block in order, so that everything started in it is stopped."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    for number in before:
        signal.signal(number, signal.default_int_handler)
    try:
        with contextlib.suppress(KeyboardInterrupt):
            yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def work(settings: Settings, *, ready: Ready = lambda _: None) -> None:
    """Run background jobs only, until a signal ends it. Raises like `serve`."""
    log.configure(settings.log_level, settings.log_format)
    with _ended_by_signals(), beside(settings) as url:
        migrate(url)
        asyncio.run(_work(settings, url, ready))
    logger.info("stopped")


async def _work(settings: Settings, url: str, ready: Ready) -> None:
    async with main.opened(settings, url) as app:
        keeper = jobs.Keeper(lambda: main.open_worker(app, url))
        nudge = jobs.Nudge(app.db)
        nudge.start()
        facts.wake.hooks.append(nudge)
        loop = asyncio.get_running_loop()
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        keeper.start()
        ready(settings)
        await stop.wait()
        facts.wake.hooks.remove(nudge)
        await keeper.stop()
        await nudge.close()
