"""Idempotency-Key: a repeated creating request is answered like the first, and done once.

The answer is stored in the transaction of the work itself: a crash keeps both or neither. A second
request with the same key waits at the row of the first.
"""

import hashlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import msgspec
from starlette.responses import Response

from majlis.kit import clock
from majlis.kit.db import Database, Hold, Query, Tx
from majlis.kit.errors import Invalid
from majlis.kit.http.request import Request
from majlis.kit.http.routes import Answer

KEPT = timedelta(hours=24)
MAX_KEY = 64


class Stored(msgspec.Struct):
    """An answer given before."""

    route: str
    body_hash: bytes
    status: int | None
    headers: msgspec.Raw | None
    body: bytes | None


FIND = Query(
    Stored,
    "SELECT route, body_hash, status, headers, body FROM idempotency_keys"
    " WHERE user_id = $1 AND key = $2 AND created_at > $3",
)
FORGET = "DELETE FROM idempotency_keys WHERE user_id = $1 AND key = $2 AND created_at <= $3"
CLAIM = Query(
    int,
    "INSERT INTO idempotency_keys (user_id, key, route, body_hash, created_at) VALUES ($1, $2, $3, $4, $5)"
    " ON CONFLICT DO NOTHING RETURNING 1",
)
STORE = "UPDATE idempotency_keys SET status = $3, headers = $4, body = $5 WHERE user_id = $1 AND key = $2"
SWEEP = "DELETE FROM idempotency_keys WHERE created_at <= $1"


class Idempotency:
    """Runs requests that carry a key."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def run(
        self, request: Request, work: Callable[[], Awaitable[Answer | Response]]
    ) -> Answer | Response:
        """The stored answer of this key, or the work's, which is then stored. Raises Invalid for another body."""
        key = request.header(b"idempotency-key")
        if not 0 < len(key) <= MAX_KEY or not key.isprintable():
            raise Invalid.field("Idempotency-Key", f"A key has 1 to {MAX_KEY} printable characters.")
        user = request.me.user()
        body_hash = await _hash(request)
        route = f"{request.method} {request.path}"
        now = clock.now()

        async def claim(tx: Tx) -> None:
            await tx.run(FORGET, user, key, now - KEPT)
            if await tx.one(CLAIM, user, key, route, body_hash, now) is None:
                raise _Known

        async def kept() -> Stored | None:
            async with self._db.tx() as tx:
                return await tx.last(FIND, user, key, now - KEPT)

        stored = await kept()
        if stored is not None:
            return _replay(stored, route, body_hash)
        try:
            async with Hold(self._db, claim) as tx:
                answer = await work()
                if isinstance(answer, Response):
                    raise TypeError(f"{request.route} streams its answer and cannot be kept")
                await tx.run(STORE, user, key, answer.status, answer.headers, answer.body)
                return answer
        except _Known:  # another request with this key was on its way, and is done now
            return _replay(await kept(), route, body_hash)


class _Known(Exception):
    """The key has its row already."""


def _replay(stored: Stored | None, route: str, body_hash: bytes) -> Answer:
    if stored is None or stored.status is None:
        raise Invalid.field(
            "Idempotency-Key", "The first request with this key did not finish; use a new key."
        )
    if stored.route != route or stored.body_hash != body_hash:
        raise Invalid.field("Idempotency-Key", "This key was used for another request.", code="key_reused")
    headers = msgspec.json.decode(stored.headers, type=dict[str, str]) if stored.headers else {}
    return Answer(stored.body, stored.status, {**headers, "Idempotency-Replayed": "true"})


async def _hash(request: Request) -> bytes:
    """Of the body's meaning: a form's boundary may differ from try to try."""
    digest = hashlib.sha256()
    route: Any = request.route
    limit = route.max_body or request.scope["majlis.max_body"]
    if request.header(b"content-type").startswith("multipart/form-data") and route.max_files:
        fields, files = await request.form(limit, route.max_files)
        for name, value in fields:
            digest.update(f"{len(name)}:{name}={len(value)}:{value};".encode())
        for file in files:
            digest.update(f"{file.field}:{file.name}:{len(file.data)}:".encode() + file.data)
    else:
        digest.update(await request.body(limit))
    return digest.digest()
