"""The composition root: finds features and surfaces, and builds a running server of them."""

import contextlib
import importlib
from collections.abc import AsyncIterator
from pathlib import Path
from types import ModuleType

import asyncpg
from starlette.middleware.cors import CORSMiddleware

from majlis import features
from majlis import settings as configuration
from majlis.app import App, sealer
from majlis.kit import facts, hints, jobs, limits, log, page, telemetry
from majlis.kit.bus import Bus, PostgresBus
from majlis.kit.cache import open_cache
from majlis.kit.db import Database, open_pool
from majlis.kit.http import Api, Request, Server
from majlis.kit.http.idempotency import Idempotency
from majlis.kit.limits import Limiter
from majlis.kit.migrations import KIT
from majlis.kit.tokens import Gate
from majlis.settings import Settings
from majlis.surfaces import documents, media, operations, unbuilt
from majlis.surfaces.native import Native
from majlis.surfaces.realtime import hamsaya, hub, websocket
from majlis.vendors import files, geocode, images, mail, oauth, push, stripe

logger = log.get("majlis")
ISSUER = "hamsaya"  # of access tokens, contract rule 26


def feature_names() -> list[str]:
    """Every feature folder."""
    root = Path(features.__path__[0])
    return sorted(path.parent.name for path in root.glob("*/__init__.py"))


def _modules(name: str) -> list[ModuleType]:
    root = Path(features.__path__[0])
    with_module = [feature for feature in feature_names() if (root / feature / f"{name}.py").exists()]
    return [importlib.import_module(f"majlis.features.{feature}.{name}") for feature in with_module]


def feature_apis() -> list[Api]:
    """The native routes of every feature."""
    found = [value for module in _modules("routes") for value in vars(module).values()]
    return [value for value in found if isinstance(value, Api)]


def load_handlers() -> None:
    """Import every feature's handlers, which registers them."""
    _modules("handlers")


def migration_folders() -> list[Path]:
    """The folders of all migrations."""
    root = Path(features.__path__[0])
    return [
        KIT,
        *(root / name / "migrations" for name in feature_names() if (root / name / "migrations").is_dir()),
    ]


def _bus(settings: Settings, database_url: str) -> Bus:
    if not settings.redis_url:
        return PostgresBus(database_url)
    from majlis.kit.bus_redis import RedisBus  # a server without Redis need not load its client

    return RedisBus(settings.redis_url)


async def open_app(settings: Settings, database_url: str) -> App:
    """Connect everything. The caller closes it with `close_app`."""
    page.configure(settings.secret_keys()[0])
    pool = await open_pool(database_url, settings.database_pool)
    replica = None
    if settings.database_read_url:
        replica = await open_pool(settings.database_read_url, settings.database_pool)
    bus = _bus(settings, database_url)
    await bus.start()
    hints.connect(bus)
    return App(
        settings=settings,
        db=Database(pool, replica),
        bus=bus,
        cache=open_cache(settings.redis_url or None),
        limiter=Limiter(
            settings.redis_url or None,
            enabled=settings.rate_limits == "on",
            overrides=limits.overrides(settings.limits),
        ),
        mailer=mail.from_settings(settings),
        pusher=push.from_settings(settings),
        files=files.from_settings(settings),
        images=images.ImagePool(),
        geocoder=geocode.from_settings(settings),
        gate=Gate(settings.secret_keys(), ISSUER, bus),
        sealer=sealer(settings),
        oauth=oauth.from_settings(settings),
        stripe=stripe.from_settings(settings),
    )


async def close_app(app: App) -> None:
    """Disconnect everything."""
    hints.disconnect(app.bus)
    await app.images.aclose()
    await app.geocoder.aclose()
    await app.mailer.aclose()
    await app.oauth.aclose()
    await app.stripe.aclose()
    await app.pusher.aclose()
    await app.limiter.close()
    await app.cache.close()
    await app.bus.close()
    await app.db.close()


@contextlib.asynccontextmanager
async def opened(settings: Settings, database_url: str) -> AsyncIterator[App]:
    """An app for the length of a block, for commands."""
    load_handlers()
    app = await open_app(settings, database_url)
    try:
        yield app
    finally:
        await close_app(app)


async def open_worker(app: App, database_url: str) -> tuple[jobs.Worker, asyncpg.Connection]:
    """A worker and the connection it owns."""
    load_handlers()
    connection = await asyncpg.connect(database_url, server_settings={"application_name": "majlis worker"})
    worker = jobs.Worker(app, app.db, connection, facts.registry, attempts=app.settings.job_attempts)
    return worker, connection


def surfaces() -> list[Native]:
    """Every door."""
    sockets = [websocket.api, hamsaya.api]
    built = [operations.api, documents.api, media.api, *sockets, *feature_apis()]
    return [Native([*built, unbuilt.api(built)])]


class Runner:
    """Starts and stops what a serving process consists of."""

    def __init__(self, settings: Settings, database_url: str) -> None:
        self._settings = settings
        self._url = database_url
        self._worker: jobs.Keeper | None = None
        self._nudge: jobs.Nudge | None = None
        self.server: Server | None = None

    async def start(self) -> None:
        """Connect and begin to work."""
        load_handlers()
        app = await open_app(self._settings, self._url)
        self._app = app
        if self.server is not None:
            self.server.app = app
            self.server.idempotency = Idempotency(app.db)
        self._nudge = jobs.Nudge(app.db)
        self._nudge.start()
        facts.wake.hooks.append(self._nudge)
        if self._settings.worker == "on":
            self._worker = jobs.Keeper(lambda: open_worker(app, self._url))
            self._worker.start()

    async def stop(self) -> None:
        """Finish running jobs and disconnect."""
        if self._nudge is not None:
            facts.wake.hooks.remove(self._nudge)
            await self._nudge.close()
        if self._worker is not None:
            await self._worker.stop()
        await hub.close(self._app)
        await close_app(self._app)
        telemetry.traces.close()


def build(settings: Settings, database_url: str) -> Server | CORSMiddleware:
    """The ASGI application of this process."""
    log.configure(settings.log_level, settings.log_format)
    if settings.otlp_endpoint:
        from majlis import __version__

        telemetry.traces.start(settings.otlp_endpoint, "majlis", __version__)
    trusted = limits.networks(settings.trusted_proxies)

    def client_ip(request: Request) -> str:
        forwarded = request.headers.get(b"x-forwarded-for") if trusted else None
        if forwarded is None:
            return request.peer
        return limits.client_ip(request.peer, forwarded.decode("latin-1"), trusted)

    runner = Runner(settings, database_url)
    origins = configuration.listed(settings.cors_origins)
    server = Server(
        surfaces(),
        client_ip=client_ip,
        timeout_s=settings.request_timeout_s,
        max_body=settings.max_body_mb * 1024 * 1024,
        on_start=runner.start,
        on_stop=runner.stop,
        origins=origins,
    )
    runner.server = server
    if not origins:
        return server
    return CORSMiddleware(
        server,
        allow_origins=origins,
        allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "If-None-Match", "X-Request-ID"],
        expose_headers=[
            "ETag",
            "Retry-After",
            "X-RateLimit-Limit",
            "X-RateLimit-Remaining",
            "X-RateLimit-Reset",
            "X-Request-ID",
        ],
        max_age=600,
    )
