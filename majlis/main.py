"""The composition root: finds features and surfaces, and builds a running server of them."""

import contextlib
import dataclasses
import functools
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from types import ModuleType

import asyncpg
from starlette.middleware.cors import CORSMiddleware

from majlis import extensions, features
from majlis import settings as configuration
from majlis.app import App, sealer
from majlis.extensions import Feature
from majlis.features.articles import service as articles
from majlis.features.exports import service as exports
from majlis.features.media import service as pictures
from majlis.kit import crypto, facts, hints, jobs, limits, log, page, passwords, telemetry
from majlis.kit.bus import Bus, PostgresBus
from majlis.kit.cache import open_cache
from majlis.kit.db import Database, open_pool
from majlis.kit.errors import BadExtension
from majlis.kit.http import Api, Request, Server, Surface
from majlis.kit.http.hosts import Hosts
from majlis.kit.http.idempotency import Idempotency
from majlis.kit.limits import Limiter
from majlis.kit.me import Me
from majlis.kit.migrations import KIT
from majlis.kit.tokens import Gate
from majlis.settings import BadSettings, Settings
from majlis.surfaces import documents, landing, media, operations, unbuilt
from majlis.surfaces.compat.door import Door
from majlis.surfaces.compat.sioree.door import Sioree
from majlis.surfaces.compat.starter.door import Starter
from majlis.surfaces.compat.x18.door import X18
from majlis.surfaces.console import page as console
from majlis.surfaces.native import Native
from majlis.surfaces.realtime import hamsaya, hub, socketio, websocket
from majlis.vendors import connections, files, geocode, images, mail, oauth, plaid, push, stripe

logger = log.get("majlis")
ISSUER = "hamsaya"  # of access tokens, contract rule 26
WORKER_CONNECTIONS = 4  # for the jobs of a process; what is left of the machine is for requests
# What pages of other origins may send.
ALLOWED = ("Authorization", "Content-Type", "Idempotency-Key", "If-None-Match", "Origin", "X-Request-ID")
# What they may read.
EXPOSED = (
    "ETag",
    "Retry-After",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "X-Request-ID",
)


def feature_names() -> list[str]:
    """Every feature folder of Majlis itself."""
    root = Path(features.__path__[0])
    return sorted(path.parent.name for path in root.glob("*/__init__.py"))


@functools.cache
def all_features() -> tuple[Feature, ...]:
    """Every feature, those that installed packages bring last. Raises BadExtension."""
    root = Path(features.__path__[0])
    own = [Feature(name, f"majlis.features.{name}", root / name) for name in feature_names()]
    return (*own, *extensions.features(own))


def _modules(part: str) -> list[ModuleType]:
    return [feature.part(part) for feature in all_features() if feature.has(part)]


def feature_apis() -> list[Api]:
    """The native routes of every feature of Majlis itself."""
    own = [feature for feature in all_features() if not feature.origin and feature.has("routes")]
    found = [value for feature in own for value in vars(feature.part("routes")).values()]
    return [value for value in found if isinstance(value, Api)]


def load_handlers() -> None:
    """Import every feature's handlers, which registers them, and what of it goes into copies of people's data."""
    _modules("handlers")
    for feature in all_features():
        try:
            exports.include(extensions.copied(feature))
        except ValueError as error:
            raise BadExtension(f"{feature.label}: {error}") from error


def migration_folders() -> list[Path]:
    """The folders of all migrations."""
    folders = [feature.folder / "migrations" for feature in all_features()]
    return [KIT, *(folder for folder in folders if folder.is_dir())]


def _bus(settings: Settings, database_url: str) -> Bus:
    if not settings.redis_url:
        return PostgresBus(database_url)
    from majlis.kit.bus_redis import RedisBus  # a server without Redis need not load its client

    return RedisBus(settings.redis_url)


async def open_app(settings: Settings, database_url: str) -> App:
    """Connect everything. The caller closes it with `close_app`."""
    page.configure(settings.secret_keys()[0])
    passwords.configure(settings.bcrypt_cost)
    pool = await open_pool(database_url, settings.database_pool)
    replica = None
    if settings.database_read_url:
        replica = await open_pool(settings.database_read_url, settings.database_pool, primary=pool)
    bus = _bus(settings, database_url)
    await bus.start()
    hints.connect(bus)
    app = App(
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
        plaid=plaid.from_settings(settings),
        social=connections.from_settings(settings),
    )
    await pictures.open_addresses(app, Me.system)
    return app


async def close_app(app: App) -> None:
    """Disconnect everything."""
    hints.disconnect(app.bus)
    await app.images.aclose()
    await app.geocoder.aclose()
    await app.mailer.aclose()
    await app.oauth.aclose()
    await app.stripe.aclose()
    await app.plaid.aclose()
    await app.social.aclose()
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


async def open_worker(app: App, database_url: str) -> tuple[jobs.Worker, jobs.Close]:
    """A worker, and what closes the connections it owns: it takes none of those that answer requests."""
    load_handlers()
    # What it notes in the table of jobs may be lost in a crash: then a job that was done is done again.
    settings = {"application_name": "majlis worker", "synchronous_commit": "off", "jit": "off"}
    connection = await asyncpg.connect(database_url, server_settings=settings)
    try:
        pool = await open_pool(database_url, WORKER_CONNECTIONS, application="majlis jobs")
    except BaseException:
        connection.terminate()
        raise
    replica = None if app.db.replica is app.db.pool else app.db.replica
    own = dataclasses.replace(app, db=Database(pool, replica))
    worker = jobs.Worker(own, own.db, connection, facts.registry, attempts=app.settings.job_attempts)

    async def close() -> None:
        connection.terminate()
        await pool.close()

    return worker, close


def surfaces() -> list[Surface]:
    """Every door, the native one first, those of installed packages last. Raises BadExtension."""
    own = own_surfaces()
    native, *rest = [*own, *(door for _, door in extensions.surfaces(own))]
    if isinstance(native, Native):
        native.beside = rest
    return [native, *rest]


def own_surfaces() -> list[Surface]:
    """The doors of Majlis itself, with the routes of features from outside at the native one. Raises BadExtension."""
    sockets = [websocket.api, hamsaya.api, socketio.api]
    built = [operations.api, documents.api, landing.api, console.api, media.api, *sockets, *feature_apis()]
    for feature in all_features():
        if feature.origin and feature.has("routes"):
            built += extensions.apis(feature, built)
    return [Native([*built, unbuilt.api(built)]), X18(), Sioree(), Starter()]


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
        await articles.close(self._app, Me.system)
        await close_app(self._app)
        telemetry.traces.close()


def mounts(settings: Settings, doors: Sequence[Surface]) -> dict[str, str]:
    """Where the doors stand that have a host name of their own, by that name. Raises BadSettings."""
    known = {door.name: door.mount for door in doors}
    found = {}
    for pair in configuration.listed(settings.hosts):
        host, _, name = pair.partition("=")
        if not host or name not in known:
            raise BadSettings(f"MAJLIS_HOSTS: {pair} is not a host and one of {', '.join(known)}")
        found[host] = known[name]
    return found


def check_limits(settings: Settings, doors: Sequence[Surface]) -> None:
    """Raises BadSettings where a limit is set that no door has."""
    known = {name for door in doors if isinstance(door, Door) for name in door.limits()}
    unknown = sorted(limits.overrides(settings.limits).keys() - limits.DEFAULTS.keys() - known)
    if unknown:
        raise BadSettings(f"MAJLIS_LIMITS: no door has {', '.join(unknown)}, only {', '.join(sorted(known))}")


def build(settings: Settings, database_url: str) -> Server | Hosts | CORSMiddleware:
    """The ASGI application of this process. Raises BadExtension, BadSettings."""
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
    doors = surfaces()
    check_limits(settings, doors)
    server = Server(
        doors,
        client_ip=client_ip,
        timeout_s=settings.request_timeout_s,
        max_body=settings.max_body_mb * 1024 * 1024,
        on_start=runner.start,
        on_stop=runner.stop,
        origins=origins,
        seed=int.from_bytes(crypto.derive(settings.secret_key, "etag")[:8]),
    )
    runner.server = server
    hosts = mounts(settings, doors)
    served = Hosts(server, hosts) if hosts else server
    if not origins:
        return served
    return CORSMiddleware(
        served,
        allow_origins=origins,
        allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=ALLOWED,
        expose_headers=EXPOSED,
        max_age=600,
    )
