"""The state of the server."""

from typing import Literal

from majlis.app import App
from majlis.kit import http
from majlis.kit.http import access
from majlis.surfaces import operations
from majlis.surfaces.compat.sioree.shapes import Shape

api = http.Api("system")
Answers = Literal["up", "down"]


class Health(Shape):
    """Whether the server and what it needs answer. `redis` stands for what passes hints between processes."""

    status: Literal["ok", "degraded"]
    database: Answers
    redis: Answers


@api.get("/health", policy=access.none, errors=(503,))
async def health(app: App) -> Health:
    """The state of the server. 503 while the database does not answer."""
    found = await operations.components(app)
    database: Answers = "up" if found["database"] == "ok" else "down"
    bus: Answers = "up" if found["bus"] == "ok" else "down"
    status: Literal["ok", "degraded"] = "ok" if set(found.values()) == {"ok"} else "degraded"
    code = 503 if database == "down" else 200
    return http.Answer(Health(status, database, bus), code, {"Cache-Control": "no-store"})  # type: ignore[return-value]
