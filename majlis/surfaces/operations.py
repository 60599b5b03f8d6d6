"""For operators and newcomers: health, metrics, documents, the front page."""

from datetime import datetime
from typing import Any, Literal

import msgspec
from starlette.responses import Response

from majlis.app import App
from majlis.kit import clock, http, limits, log, telemetry
from majlis.kit.db import Query
from majlis.kit.errors import Forbidden
from majlis.kit.http import Request, access

logger = log.get("majlis.health")
api = http.Api("health")
FORWARDED = (b"x-forwarded-for", b"forwarded", b"x-real-ip")
ALIVE = Query(int, "SELECT 1")


class Health(msgspec.Struct):
    """The state of the server and of what it needs."""

    status: Literal["ok", "degraded", "down"]
    time: datetime
    components: dict[str, Literal["ok", "down"]]


class Live(msgspec.Struct):
    """The process runs."""

    status: str


async def components(app: App) -> dict[str, Literal["ok", "down"]]:
    """The state of what the server needs: database, hints between processes, files."""

    async def database() -> None:
        async with app.db.tx() as tx:
            await tx.last(ALIVE)

    async def bus() -> None:
        if not app.bus.healthy:
            raise ConnectionError("the bus is not connected")

    found: dict[str, Literal["ok", "down"]] = {}
    for name, check in (("database", database), ("bus", bus), ("files", app.files.check)):
        try:
            await check()
            found[name] = "ok"
        except Exception as error:  # noqa: BLE001 - each means that the component is down
            logger.warning("component down", component=name, error=repr(error))
            found[name] = "down"
    return found


async def _report(app: App) -> http.Answer:
    found = await components(app)
    down = [name for name, state in found.items() if state == "down"]
    report = Health("ok" if not down else "down", clock.now(), found)
    return http.Answer(report, 503 if down else 200, {"Cache-Control": "no-store"})


@api.get("/health", policy=access.none, errors=(503,))
async def health(app: App) -> Health:
    """The state of every component. 503 while a needed one is down."""
    return await _report(app)  # type: ignore[return-value]


@api.get("/health/ready", policy=access.none, errors=(503,))
async def ready(app: App) -> Health:
    """Whether requests can be served: database, hints between processes and file storage answer."""
    return await _report(app)  # type: ignore[return-value]


@api.get("/health/live", policy=access.none)
async def live(app: App) -> Live:
    """The process runs; nothing else is asked."""
    return Live("ok")


def _forwarded(app: App, request: Request) -> bool:
    """Whether this came through a proxy whose word nobody trusts: then everybody has the address of that one."""
    return not app.settings.trusted_proxies and any(name in request.headers for name in FORWARDED)


@api.get("/metrics", policy=access.internal, content_type="text/plain")
async def metrics(app: App, request: Request) -> Any:
    """Prometheus metrics, for the operator's networks only."""
    if _forwarded(app, request) or not limits.within(
        request.ip, limits.networks(app.settings.metrics_networks)
    ):
        raise Forbidden("Metrics are for the internal network.")
    for name, pool in (("primary", app.db.pool), ("replica", app.db.replica)):
        size, idle = pool.sizes()
        telemetry.pool_size.labels(name, "open").set(size)
        telemetry.pool_size.labels(name, "idle").set(idle)
    return Response(telemetry.render(), headers={"Content-Type": telemetry.CONTENT_TYPE})
