"""The state of the server, and its documents."""

import time
from pathlib import Path
from typing import Any, Literal

import msgspec

from majlis import features
from majlis.app import App
from majlis.kit import http, migrations
from majlis.kit.http import Request, access
from majlis.surfaces import documents, operations
from majlis.surfaces.compat.starter.shapes import Bare
from majlis.surfaces.realtime import hub

api = http.Api("system")
VERSION = "1.0.0"  # of this contract: which version of the server runs here, a probe tells nobody
STARTED = time.monotonic()
Answers = Literal["up", "down"]
UNKEPT = {"Cache-Control": "no-store"}


class DatabaseHealth(msgspec.Struct, rename="camel"):
    """The database, and the connections of this process to it."""

    status: Answers
    open_connections: int
    in_use: int
    idle: int


class RedisHealth(msgspec.Struct, rename="camel"):
    """What passes hints between processes: Redis, or PostgreSQL where there is none."""

    status: Answers


class SocketHealth(msgspec.Struct, rename="camel"):
    """The sockets of this process; rooms are what they follow together."""

    status: Literal["running", "stopped"]
    connections: int
    users: int
    rooms: int


class Health(Bare):
    """The state of the server."""

    status: Literal["healthy", "degraded", "unhealthy"]
    version: str
    uptime_seconds: int
    database: DatabaseHealth
    redis: RedisHealth
    websocket: SocketHealth


class Checks(msgspec.Struct):
    """What is needed to serve requests."""

    database: bool
    redis: bool
    migrations: bool
    websocket: bool


class Ready(Bare):
    """Whether requests can be served."""

    status: Literal["ready", "not_ready"]
    checks: Checks


@api.get("/health", policy=access.none, errors=(503,))
async def health(app: App) -> Health:
    """The state of the server, its database and sockets. 503 with the same body while one of these is down."""
    found = await operations.components(app)
    size, idle = app.db.pool.sizes()
    sockets = hub.of(app)
    database: Answers = "up" if found["database"] == "ok" else "down"
    bus: Answers = "up" if found["bus"] == "ok" else "down"
    down = [name for name, state in found.items() if state != "ok"]
    status: Literal["healthy", "degraded", "unhealthy"] = "degraded" if down else "healthy"
    report = Health(
        status="unhealthy" if database == "down" else status,
        version=VERSION,
        uptime_seconds=int(time.monotonic() - STARTED),
        database=DatabaseHealth(database, size, max(0, size - idle), idle),
        redis=RedisHealth(bus),
        websocket=SocketHealth(
            "running" if bus == "up" else "stopped",
            len(sockets),
            len(sockets.people),
            len(sockets.rooms.names()),
        ),
    )
    return http.Answer(report, 503 if down else 200, UNKEPT)  # type: ignore[return-value]


def _folders() -> list[Path]:
    """Where migrations stand."""
    return [migrations.KIT, *Path(features.__path__[0]).glob("*/migrations")]


async def _migrated(app: App) -> bool:
    """Whether the database has every table that this version knows."""
    folders = _folders()
    connection = await app.db.pool.acquire()
    try:
        return not await migrations.pending(connection, folders)
    finally:
        await app.db.pool.release(connection)


@api.get("/ready", policy=access.none, errors=(503,))
async def ready(app: App) -> Ready:
    """Whether requests can be served: everything answers, and the tables are those of this version."""
    found = await operations.components(app)
    database, bus = found["database"] == "ok", found["bus"] == "ok"
    checks = Checks(database, bus, database and await _migrated(app), bus)
    good = all(msgspec.structs.astuple(checks))
    report = Ready("ready" if good else "not_ready", checks)
    return http.Answer(report, 200 if good else 503, UNKEPT)  # type: ignore[return-value]


@api.get("/docs/index.html", policy=access.none, content_type="text/html")
async def docs(app: App, request: Request) -> Any:
    """The document of this door as a page, on which requests can be tried."""
    return await documents.docs(app, request)
