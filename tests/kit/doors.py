"""A surface and a server for tests of the kit, without any feature."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from majlis.kit.errors import Refused, Unauthenticated
from majlis.kit.http import Api, Dialect, Request, Server
from majlis.kit.http.idempotency import Idempotency
from majlis.kit.me import Me

USERS = {"good": UUID(int=7), "other": UUID(int=8)}
MAX_BODY = 2000


class Door(Dialect):
    """A surface whose tokens are the keys of USERS."""

    name, title, mount = "toy", "Toy", ""

    def __init__(self, apis: Sequence[Api]) -> None:
        self.apis = apis

    async def authenticate(self, app: Any, request: Request) -> Me:
        if request.bearer not in USERS:
            raise Unauthenticated()
        return Me(id=USERS[request.bearer])

    async def throttle(self, app: Any, request: Request) -> dict[str, str]:
        return {"X-Limit": "9"}

    def render(self, refused: Refused, request: Request) -> Any:
        return {"code": refused.code, "fields": {f.field: f.code for f in refused.fields}, "id": request.id}


def serve(*apis: Api, app: Any = None, timeout_s: float = 5.0, max_body: int = MAX_BODY) -> Server:
    """A server over these routes; with an app that has a database it keeps answers of repeated requests."""

    async def nothing() -> None:
        return None

    server = Server(
        [Door(apis)],
        client_ip=lambda request: request.peer,
        timeout_s=timeout_s,
        max_body=max_body,
        on_start=nothing,
        on_stop=nothing,
    )
    server.app = app
    if app is not None:
        server.idempotency = Idempotency(app.db)
    return server
