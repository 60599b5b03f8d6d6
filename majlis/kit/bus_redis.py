"""Hints between processes through Redis: see bus."""

import asyncio
import math
import secrets
import time

from redis.asyncio import Connection, ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from majlis.kit import log
from majlis.kit.bus import BEAT_TIMEOUT_S, CLOSED, LOSSES, Hint, LinkedBus
from majlis.kit.cache import redis_client

logger = log.get("majlis.bus")


class RedisBus(LinkedBus):
    """Redis publish/subscribe, one Redis channel per channel.

    All of them are listened to by a pattern: so a subscription holds from the moment it is made.
    """

    losses = (*LOSSES, RedisError)

    def __init__(self, url: str) -> None:
        super().__init__()
        self._redis = redis_client(url)
        # A connection of its own, as the library's PubSub reconnects without saying so.
        self._listening = ConnectionPool.from_url(
            url, protocol=2, retry=Retry(NoBackoff(), 0), socket_connect_timeout=BEAT_TIMEOUT_S
        )
        # Redis has the same channels in all of its databases.
        database = self._listening.connection_kwargs.get("db", 0)
        self._prefix = f"majlis:{database}:".encode()
        self._connection: Connection | None = None
        self._reader: asyncio.Task[None] | None = None
        self._pongs: asyncio.Queue[bytes] = asyncio.Queue()

    async def close(self) -> None:
        await super().close()
        await self._redis.aclose()

    async def _open(self) -> float:
        self._connection = connection = self._listening.make_connection()  # type: ignore[no-untyped-call]
        await connection.connect()
        await connection.send_command("PSUBSCRIBE", self._prefix + b"*")
        await connection.read_response()
        heard_since = time.monotonic()
        self._reader = asyncio.create_task(self._read(connection))
        await self._turn([])
        return heard_since

    async def _turn(self, hints: list[Hint]) -> None:
        connection, reader = self._connection, self._reader
        if connection is None or reader is None or reader.done():
            raise ConnectionError(CLOSED)
        if hints:
            async with self._redis.pipeline(transaction=False) as pipeline:
                for channel, payload in hints:
                    name = channel.encode(errors="surrogatepass")
                    _ = pipeline.publish(self._prefix + name, self._id + payload)
                await pipeline.execute()
        # Redis answers in order: behind this pong there is no hint that was published before the ping.
        token = secrets.token_bytes(8)
        await connection.send_command("PING", token)
        while await self._pongs.get() != token:
            pass

    async def _read(self, connection: Connection) -> None:
        try:
            while True:
                match await connection.read_response(timeout=math.inf):
                    case [b"pmessage", _, bytes(name), bytes(message)]:
                        self._heard(name.removeprefix(self._prefix), message)
                    case [b"pong", bytes(token)]:
                        self._pongs.put_nowait(token)
        except self.losses as error:
            self._lost(error)

    def _heard(self, name: bytes, message: bytes) -> None:
        try:
            channel = name.decode(errors="surrogatepass")
        except ValueError:
            logger.warning("hint_unreadable", name=repr(name))  # somebody else's PUBLISH
            return
        self._receive(message[:8], channel, message[8:])

    async def _drop(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.disconnect(nowait=True)
