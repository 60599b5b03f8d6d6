"""What tests stand on: a migrated PostgreSQL, an app whose work is rolled back, people, a client."""

import asyncio
import contextlib
import functools
import itertools
import json as jsonlib
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
import httpx
import msgspec

from majlis import main
from majlis.app import App, sealer
from majlis.features.articles import service as articles
from majlis.features.identity import service as identity
from majlis.features.media import service as media
from majlis.features.profiles import service as profiles
from majlis.features.sessions import service as sessions
from majlis.kit import facts, hints, jobs, limits, page, passwords
from majlis.kit.bus import MemoryBus
from majlis.kit.cache import MemoryCache
from majlis.kit.db import Database, Pool, open_pool, prepare_connection
from majlis.kit.http import Request, Server
from majlis.kit.http.idempotency import Idempotency
from majlis.kit.http.server import Surface
from majlis.kit.limits import Limiter
from majlis.kit.me import Me, Origin
from majlis.kit.tokens import Gate
from majlis.settings import Settings
from majlis.surfaces.realtime import hub
from majlis.vendors import connections, files, geocode, images, mail, oauth, plaid, push, stripe

T = TypeVar("T")
SECRET = "a-secret-key-for-tests-only-0123456789"
PASSWORD = "Kabul-2026!"
# bcrypt of PASSWORD at cost 4: people of most tests need not wait for the real cost.
QUICK_HASH = "$2b$04$zlCLxVsPXGQYwxkInmhKjO..j1ow2x0fl/Wqc6mj0Cn2juiakL3ua"


class Whole:
    """A connection whose statements come to their end: broken off, one would break the test's transaction."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        act = getattr(self._connection, name)
        if name not in ("execute", "executemany", "fetch", "fetchrow"):
            return act

        async def whole(*args: Any) -> Any:
            running = asyncio.ensure_future(act(*args))
            try:
                return await asyncio.shield(running)
            except asyncio.CancelledError:
                await asyncio.wait({running})
                raise

        return whole


class NestedPool(Pool):
    """One connection inside an outer transaction; transactions of the app are savepoints in it."""

    begin, commit, rollback = "SAVEPOINT work", "RELEASE SAVEPOINT work", "ROLLBACK TO SAVEPOINT work"
    may_autocommit = False
    nested = True

    def __init__(self, connection: Any) -> None:
        self._connection = Whole(connection)
        self._lock = asyncio.Lock()
        self._owner: Any = None
        self._depth = 0

    async def acquire(self) -> Any:
        task = asyncio.current_task()
        if self._owner is not task:
            await self._lock.acquire()
            self._owner = task
        self._depth += 1
        return self._connection

    async def release(self, connection: Any) -> None:
        self._depth -= 1
        if self._depth == 0:
            self._owner = None
            self._lock.release()

    async def close(self) -> None:
        return None

    def sizes(self) -> tuple[int, int]:
        return 1, 0


class Person(msgspec.Struct):
    """Somebody with an account."""

    id: UUID
    email: str
    token: str
    refresh_token: str
    me: Me

    @property
    def auth(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


class World:
    """An app and the verbs that tests use on it. Everything is synchronous for the test."""

    def __init__(self, runner: asyncio.Runner, app: App, url: str) -> None:
        self.runner = runner
        self.app = app
        self.url = url
        self._names = itertools.count(1)
        self.server = server_of(app)
        self.go(media.open_addresses(app, Me.system))
        transport = httpx.ASGITransport(app=self.server, client=("127.0.0.1", 4711))
        self.http = httpx.AsyncClient(transport=transport, base_url="http://majlis.test")

    def go(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end."""
        return self.runner.run(work)

    def request(self, method: str, path: str, who: Person | None = None, **options: Any) -> httpx.Response:
        """One request, as somebody or nobody."""
        headers = {**(who.auth if who else {}), **options.pop("headers", {})}
        return self.go(self.http.request(method, path, headers=headers, **options))

    def get(self, path: str, who: Person | None = None, **options: Any) -> httpx.Response:
        return self.request("GET", path, who, **options)

    def post(self, path: str, who: Person | None = None, json: Any = None, **options: Any) -> httpx.Response:
        if json is not None:
            options["json"] = json
        return self.request("POST", path, who, **options)

    def put(self, path: str, who: Person | None = None, json: Any = None, **options: Any) -> httpx.Response:
        return self.request("PUT", path, who, json={} if json is None else json, **options)

    def delete(self, path: str, who: Person | None = None, **options: Any) -> httpx.Response:
        return self.request("DELETE", path, who, **options)

    def drain(self) -> int:
        """Run all due background jobs."""
        return self.go(jobs.drain(self.app, self.app.db, facts.registry))

    def person(self, first_name: str | None = None, *, role: str = "user", verified: bool = True) -> Person:
        """A new account with a profile, signed in."""
        return self.go(self._person(first_name, role, verified))

    async def _person(self, first_name: str | None, role: str, verified: bool) -> Person:
        number = next(self._names)
        email = f"{(first_name or 'person').lower()}{number}@example.org"
        async with self.app.db.tx() as tx:
            account = await identity.create(tx, Me.system, email, QUICK_HASH, verified=verified, role=role)
            await profiles.create(tx, Me.system, account.id, first_name or f"Person {number}", "Test")
            pair = await sessions.open_session(self.app, tx, Me.system, account.id, Origin("127.0.0.1"), None)
        me = await sessions.authenticate(self.app, pair.access_token)
        return Person(account.id, email, pair.access_token, pair.refresh_token, me)

    def sql(self, query: str, *args: Any) -> list[dict[str, Any]]:
        """Rows of a query, for looking behind the scenes. jsonb comes as parsed values."""

        async def run() -> list[dict[str, Any]]:
            async with self.app.db.tx() as tx:
                return [
                    {
                        k: jsonlib.loads(bytes(v)) if isinstance(v, msgspec.Raw) else v
                        for k, v in dict(row).items()
                    }
                    for row in await tx.records(query, *args)
                ]

        return self.go(run())

    def mails(self) -> list[mail.Letter]:
        """What was mailed, newest first or as the folder lists it."""
        return mail.listing(mail.mail_folder(self.app.settings))

    def close(self) -> None:
        self.go(hub.close(self.app))
        self.go(articles.close(self.app, Me.system))
        hints.disconnect(self.app.bus)
        self.go(self.http.aclose())
        self.go(self.app.oauth.aclose())
        self.go(self.app.stripe.aclose())
        self.go(self.app.plaid.aclose())
        self.go(self.app.social.aclose())


@functools.cache
def doors() -> list[Surface]:
    """Every door, made once: they keep nothing of an app."""
    main.load_handlers()
    return main.surfaces()


def server_of(app: App) -> Server:
    """The ASGI server over this app, without its start-up."""

    async def nothing() -> None:
        return None

    trusted = limits.networks(app.settings.trusted_proxies)

    def client_ip(request: Request) -> str:
        forwarded = request.header(b"x-forwarded-for") or None
        return limits.client_ip(request.peer, forwarded, trusted)

    server = Server(
        doors(),
        client_ip=client_ip,
        timeout_s=app.settings.request_timeout_s,
        max_body=app.settings.max_body_mb * 1024 * 1024,
        on_start=nothing,
        on_stop=nothing,
    )
    server.app = app
    server.idempotency = Idempotency(app.db)
    return server


def settings_for(folder: Path, url: str, **changes: Any) -> Settings:
    """Settings of a test: limits and the naming of places off, passwords hashed quickly, unless asked for."""
    values: dict[str, Any] = {
        "rate_limits": "off",
        "bcrypt_cost": 4,
        "geocoder": "off",
        "secret_key": SECRET,
        "data_dir": str(folder),
        "database_url": url,
        "request_timeout_s": 300.0,  # a busy machine may be slow
    }
    return Settings(**{**values, **changes})


def app_over(db: Database, settings: Settings, pictures: images.ImagePool) -> App:
    """An app over this database, with everything else in memory or a temporary folder."""
    page.configure(settings.secret_keys()[0])
    passwords.configure(settings.bcrypt_cost)
    bus = MemoryBus()
    hints.connect(bus)
    return App(
        settings=settings,
        db=db,
        bus=bus,
        cache=MemoryCache(),
        limiter=Limiter(
            None, enabled=settings.rate_limits == "on", overrides=limits.overrides(settings.limits)
        ),
        mailer=mail.from_settings(settings),
        pusher=push.from_settings(settings),
        files=files.from_settings(settings),
        images=pictures,
        geocoder=geocode.from_settings(settings),
        gate=Gate(settings.secret_keys(), main.ISSUER, bus),
        sealer=sealer(settings),
        oauth=oauth.from_settings(settings),
        stripe=stripe.from_settings(settings),
        plaid=plaid.from_settings(settings),
        social=connections.from_settings(settings),
    )


# Connections between two tests, by their database: a new one would have to learn all tables and statements anew.
_idle: dict[str, list[asyncpg.Connection]] = {}


@contextlib.asynccontextmanager
async def rolled_back(url: str) -> AsyncIterator[Database]:
    """A database whose every change is undone at the end."""
    idle = _idle.setdefault(url, [])
    connection = idle.pop() if idle else await _connected(url)
    fit = False
    try:
        await connection.execute("BEGIN")
        yield Database(NestedPool(connection))
        await connection.execute("ROLLBACK")
        await connection.reset()  # of what outlives a transaction: settings, listening, locks
        fit = True
    finally:
        if fit:
            idle.append(connection)
        else:
            await connection.close()


async def _connected(url: str) -> asyncpg.Connection:
    connection = await asyncpg.connect(url, server_settings={"timezone": "UTC"}, statement_cache_size=1000)
    await prepare_connection(connection)
    return connection


async def close_idle(url: str) -> None:
    """Close the connections that are kept between two tests."""
    for connection in _idle.pop(url, []):
        await connection.close()


async def real_database(url: str, size: int = 10) -> Database:
    """A database with real connections, for tests in which commits and races matter."""
    return Database(await open_pool(url, size))
