"""Access tokens: signed JWTs, and a memory of those seen lately."""

import asyncio
import functools
import itertools
from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Generic, TypeVar
from uuid import UUID

import jwt

from majlis.kit import clock, crypto, ids
from majlis.kit.bus import Bus
from majlis.kit.me import Me

T = TypeVar("T")
ALGORITHM = "HS256"
MAX_LENGTH = 4096  # characters; ours have about 500, and a longer one need not be looked into


class BadToken(Exception):
    """Malformed, wrongly signed, or expired."""


class Expired(BadToken):
    """One of ours, but its time is over."""


class Signer:
    """Signs with the first key, accepts all. Each key is named by its digest. Every purpose has keys of its own."""

    def __init__(
        self, secrets: list[str], issuer: str, purpose: str = "access-token", remembered: int = 0
    ) -> None:
        """Claims of so many tokens need not be decoded again; each takes about 1.5 KiB."""
        keys = [crypto.derive(secret, purpose) for secret in secrets]
        self._keys = {crypto.b64(crypto.derive(key.hex(), "kid")[:6]): key for key in keys}
        self._kid = next(iter(self._keys))
        self._issuer = issuer
        self._decoded = functools.lru_cache(remembered)(self._decode)  # a signature that was good stays good

    def sign(self, claims: dict[str, Any], issued: datetime, expires: datetime, audience: str = "") -> str:
        """A token with these claims and iss, iat, exp, jti; and aud, for one that counts at that door only."""
        if audience:
            claims = {**claims, "aud": audience}
        body = {**claims, "iss": self._issuer, "iat": issued, "exp": expires, "jti": ids.new().hex}
        return jwt.encode(body, self._keys[self._kid], ALGORITHM, headers={"kid": self._kid})

    def verify(self, token: str, audience: str = "") -> Mapping[str, Any]:
        """The claims. Raises BadToken, for a token of another door too, or Expired.

        Only our algorithm counts, whatever the header says.
        """
        if len(token) > MAX_LENGTH:
            raise BadToken("too long")
        claims, expires = self._decoded(token, audience)
        if expires <= clock.now().timestamp():
            raise Expired("expired")
        return claims

    def _decode(self, token: str, audience: str) -> tuple[Mapping[str, Any], float]:
        try:
            key = self._keys[jwt.get_unverified_header(token)["kid"]]
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                [ALGORITHM],
                issuer=self._issuer,
                audience=audience or None,  # a token that names a door where none is asked for is refused
                options={"require": ["exp", "iat", "iss", "jti"], "verify_exp": False, "verify_iat": False},
            )
            return MappingProxyType(claims), float(claims["exp"])
        except (jwt.InvalidTokenError, KeyError, ValueError, TypeError) as error:
            raise BadToken(str(error)) from error


class Seen(Generic[T]):
    """Who tokens stand for, remembered for a minute, while the bus that tells of changes is well."""

    LIFE_S = 60.0
    SIZE = 50_000

    def __init__(self, trusted: Callable[[], bool]) -> None:
        self._trusted = trusted
        self._entries: dict[str, tuple[T, float, float, UUID]] = {}  # in the order of their arrival
        self._by_owner: dict[UUID, set[str]] = {}
        self.epoch = 0  # grows whenever something is forgotten on purpose

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, token: str, now: float) -> T | None:
        """The remembered value, unless the token expired, it is a minute old, or nothing may be trusted."""
        entry = self._entries.get(token)
        if entry is None or now >= entry[1] or now >= entry[2] or not self._trusted():
            return None
        return entry[0]

    def put(self, token: str, value: T, owner: UUID, now: float, expires: float, epoch: int) -> None:
        """Remember a value that was looked up after `epoch` was read.

        What was forgotten in between may be what was looked up: then it is not kept.
        """
        if epoch != self.epoch:
            return
        self._drop(token)
        self._make_room(now)
        self._entries[token] = (value, now + self.LIFE_S, expires, owner)
        self._by_owner.setdefault(owner, set()).add(token)

    def forget(self, owner: UUID) -> None:
        """Forget all tokens of this owner."""
        self.epoch += 1
        for token in self._by_owner.pop(owner, ()):
            del self._entries[token]

    def clear(self) -> None:
        """Forget all."""
        self.epoch += 1
        self._entries.clear()
        self._by_owner.clear()

    def _drop(self, token: str) -> None:
        entry = self._entries.pop(token, None)
        if entry is not None:
            tokens = self._by_owner[entry[3]]
            tokens.discard(token)
            if not tokens:
                del self._by_owner[entry[3]]

    def _make_room(self, now: float) -> None:
        """Two may go for one that comes, so what is over always shrinks."""
        for token, entry in list(itertools.islice(self._entries.items(), 2)):
            if now < entry[1] and len(self._entries) < self.SIZE:
                return
            self._drop(token)


class Gate:
    """The keys of this server's tokens, and whom those seen lately stand for."""

    CHANNEL = "callers"  # on the bus: the user whose tokens are to be looked up anew

    def __init__(self, secrets: list[str], issuer: str, bus: Bus) -> None:
        self.signer = Signer(secrets, issuer, remembered=20_000)
        self.refresher = Signer(secrets, issuer, "refresh-token")  # of doors whose refresh tokens are signed
        # A process that may have missed a hint must not trust its memory.
        self.seen: Seen[Me] = Seen(lambda: bus.healthy)
        self._bus = bus
        self._telling: set[asyncio.Future[None]] = set()
        bus.subscribe(self.CHANNEL, lambda payload: self.seen.forget(UUID(payload.decode())))
        bus.on_gap(self.seen.clear)

    def changed(self, user_id: UUID) -> None:
        """Make every process look this user's tokens up anew. Call it after the commit."""
        self.seen.forget(user_id)
        telling = asyncio.ensure_future(self._bus.publish(self.CHANNEL, str(user_id).encode()))
        self._telling.add(telling)
        telling.add_done_callback(self._telling.discard)
