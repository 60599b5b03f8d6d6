"""The state of the server, and what this API is."""

from typing import Literal

import msgspec

from majlis import __version__
from majlis.app import App
from majlis.kit import http
from majlis.kit.http import access
from majlis.surfaces import operations

api = http.Api("system")
Answers = Literal["up", "down"]


class Health(msgspec.Struct):
    """Whether the server and what it needs answer. `redis` stands for what passes hints between processes."""

    status: Literal["ok", "degraded"]
    database: Answers
    redis: Answers


class Info(msgspec.Struct):
    """What this API is; `endpoints` counts the operations that the contract counts."""

    name: str
    version: str
    endpoints: int


@api.get("/health", policy=access.none, errors=(503,))
async def health(app: App) -> Health:
    """The state of the server. 503 while the database does not answer."""
    found = await operations.components(app)
    database: Answers = "up" if found["database"] == "ok" else "down"
    bus: Answers = "up" if found["bus"] == "ok" else "down"
    status: Literal["ok", "degraded"] = "ok" if set(found.values()) == {"ok"} else "degraded"
    report, code = Health(status, database, bus), 503 if database == "down" else 200
    return http.Answer(report, code, {"Cache-Control": "no-store"})  # type: ignore[return-value]


@api.get("/api", policy=access.none)
async def info() -> Info:
    """What this API is."""
    return Info("x18", __version__, 42)
