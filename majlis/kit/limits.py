"""Rate limits as moving windows, in memory or Redis, and whose address a request comes from.

Keys are the caller's business: a user's id, `ip_key(address)`, or `auth_key(email, address)`.
"""

import hashlib
import math
import time
from array import array
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

import msgspec
from limits import RateLimitItem, RateLimitItemPerSecond
from limits.aio.storage import RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter

from majlis.kit import telemetry
from majlis.kit.cache import Breaker, outages, redis_client
from majlis.kit.errors import RateLimited

Network = IPv4Network | IPv6Network


class Limit(msgspec.Struct, frozen=True):
    """At most `amount` hits within any `seconds`; the name keeps limits of equal numbers apart."""

    name: str
    amount: int
    seconds: int


AUTH = Limit("auth", 5, 900)
API = Limit("api", 1000, 3600)
UPLOAD = Limit("upload", 10, 60)
POST = Limit("post", 10, 3600)
IP = Limit("ip", 100, 3600)
"""Unauthenticated requests of one address."""
BURST = Limit("burst", 20, 60)
"""Unauthenticated requests of one address, over a short time."""
DEFAULTS = {limit.name: limit for limit in (AUTH, API, UPLOAD, POST, IP, BURST)}
MOST_HITS, LONGEST_S = 100_000, 7 * 24 * 3600


def overrides(setting: str) -> dict[str, Limit]:
    """Limits that replace those of their names, from `auth=5/900,x18-auth=10/60`: hits per seconds.

    Names with a hyphen are of doors, which are not known here: `main.build` looks at them. Raises ValueError saying
    what is wrong.
    """
    found: dict[str, Limit] = {}
    for part in filter(None, (part.strip() for part in setting.split(","))):
        name, _, numbers = (piece.strip() for piece in part.partition("="))
        amount, _, seconds = (piece.strip() for piece in numbers.partition("/"))
        if name not in DEFAULTS and "-" not in name:
            raise ValueError(
                f"{part}: there is no limit {name!r}, only {', '.join(DEFAULTS)} and those of doors"
            )
        if name in found:
            raise ValueError(f"{part}: {name} stands there twice")
        if not _number(amount, MOST_HITS) or not _number(seconds, LONGEST_S):
            form = f"{name}=hits/seconds, up to {MOST_HITS} hits and {LONGEST_S} seconds"
            raise ValueError(f"{part}: a limit is written as {form}")
        found[name] = Limit(name, int(amount), int(seconds))
    return found


def _number(text: str, most: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 9 and 1 <= int(text) <= most


class Verdict(msgspec.Struct):
    """What a limit says: its size, hits left, seconds until the oldest hit leaves the window (0 when it is
    empty), and whether this hit was let through."""

    limit: int
    remaining: int
    reset_s: int
    allowed: bool


def headers(verdict: Verdict) -> dict[str, str]:
    """The answer's headers. X-RateLimit-Reset counts seconds, as Retry-After does, and is no point in time:
    so it needs no agreement of clocks."""
    result = {
        "X-RateLimit-Limit": str(verdict.limit),
        "X-RateLimit-Remaining": str(verdict.remaining),
        "X-RateLimit-Reset": str(verdict.reset_s),
    }
    if not verdict.allowed:
        result["Retry-After"] = str(max(1, verdict.reset_s))
    return result


class MemoryWindow:
    """The moving window of one limit in this process's memory.

    The library's memory storage costs a lock, a clean-up task and about 200 bytes a hit; this one keeps the
    time of each hit in 8 bytes and cleans up as it goes.
    """

    MAX_KEYS = 100_000
    """Beyond these the key that was let through longest ago is forgotten, so that a flood of addresses
    cannot fill the memory."""

    def __init__(self, limit: Limit) -> None:
        self._limit = limit
        # Ordered by the last hit let through: the keys whose window is empty again stand in front.
        self._hits: OrderedDict[str, array[float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._hits)

    def hit(self, key: str, cost: int, now: float) -> Verdict:
        """Count `cost` hits if all of them fit."""
        limit = self._limit
        hits = self._pruned(key, now)
        used = len(hits) if hits else 0
        if used + cost > limit.amount:
            return self._verdict(hits, now, allowed=False)
        if hits is None:
            self._make_room(now)
            self._hits[key] = hits = array("d")
        else:
            self._hits.move_to_end(key)
        if cost == 1:
            hits.append(now)
        else:
            hits.extend([now] * cost)
        return self._verdict(hits, now, allowed=True)

    def check(self, key: str, now: float) -> Verdict:
        """What a hit would be told, without counting it."""
        hits = self._pruned(key, now)
        return self._verdict(hits, now, allowed=not hits or len(hits) < self._limit.amount)

    def clear(self, key: str) -> None:
        """Forget the hits of a key."""
        self._hits.pop(key, None)

    def _pruned(self, key: str, now: float) -> "array[float] | None":
        hits = self._hits.get(key)
        if hits:
            old = now - self._limit.seconds
            if hits[0] <= old:
                del hits[: bisect_right(hits, old)]
        return hits

    def _verdict(self, hits: "array[float] | None", now: float, *, allowed: bool) -> Verdict:
        limit = self._limit
        if hits:
            reset_s = math.ceil(limit.seconds - (now - hits[0]))
            return Verdict(limit.amount, limit.amount - len(hits), reset_s, allowed)
        # Refused with an empty window: the cost is more than the whole limit.
        return Verdict(limit.amount, limit.amount, 0 if allowed else limit.seconds, allowed)

    def _make_room(self, now: float) -> None:
        """Called for each new key; two may go for one that comes, so what has expired always shrinks."""
        old = now - self._limit.seconds
        for _ in range(2):
            oldest = next(iter(self._hits.values()), None)
            if oldest is None or (oldest and oldest[-1] > old and len(self._hits) < self.MAX_KEYS):
                return
            self._hits.popitem(last=False)


class Limiter:
    """Counts hits in Redis when there is one, else in memory.

    While Redis is away every limit goes on in this process's memory, from an empty window, and `degraded` is
    true. In Redis the hits carry the time of the process that counted them, so clocks must agree roughly.
    """

    def __init__(
        self,
        storage_url: str | None,
        *,
        enabled: bool,
        overrides: Mapping[str, Limit] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`overrides` are limits to use instead of those of the same name that callers give."""
        self.enabled = enabled
        self._clock = clock
        self._overrides = dict(overrides or {})
        self._windows: dict[Limit, MemoryWindow] = {}
        self._breaker = Breaker("redis limits")
        self._redis = redis_client(storage_url) if storage_url and enabled else None
        if self._redis is not None:
            storage = RedisStorage(
                f"async+{storage_url}",
                implementation="redispy",
                key_prefix="majlis:limits",
                connection_pool=self._redis.connection_pool,  # type: ignore[arg-type]  # passed on as it is
            )
            self._shared = MovingWindowRateLimiter(storage)

    @property
    def degraded(self) -> bool:
        """Whether limits are counted per process because Redis is away."""
        return self._breaker.down

    async def hit(self, limit: Limit, key: str, cost: int = 1) -> Verdict:
        """Count `cost` hits if all of them fit, and say so; what is refused does not count."""
        limit = self._overrides.get(limit.name, limit)
        if not self.enabled:
            return Verdict(limit.amount, limit.amount, 0, True)
        key = _bounded(key)
        if self._redis is not None and self._breaker.allows():
            try:
                allowed = await self._shared.hit(_item(limit), key, cost=cost)
                verdict = await self._stats(limit, key, allowed)
            except outages() as error:
                self._breaker.failed(error)
            else:
                self._breaker.worked()
                return verdict
        return self._window(limit).hit(key, cost, self._clock())

    async def attempt(self, what: str, key: str) -> None:
        """Count an attempt at guessing something. Raises RateLimited after 5 in 15 minutes (rule 60)."""
        verdict = await self.hit(AUTH, f"{what}:{key}")
        if not verdict.allowed:
            telemetry.limited.labels(AUTH.name).inc()
            raise self.refuse(verdict)

    async def check(self, limit: Limit, key: str) -> Verdict:
        """What a hit would be told now, without counting it."""
        limit = self._overrides.get(limit.name, limit)
        if not self.enabled:
            return Verdict(limit.amount, limit.amount, 0, True)
        key = _bounded(key)
        if self._redis is not None and self._breaker.allows():
            try:
                verdict = await self._stats(limit, key, None)
            except outages() as error:
                self._breaker.failed(error)
            else:
                self._breaker.worked()
                return verdict
        return self._window(limit).check(key, self._clock())

    async def clear(self, limit: Limit, key: str) -> None:
        """Forget the hits of a key, as after a sign-in that worked; best effort while Redis is away."""
        limit = self._overrides.get(limit.name, limit)
        key = _bounded(key)
        self._window(limit).clear(key)
        if self._redis is not None and self._breaker.allows():
            try:
                await self._shared.clear(_item(limit), key)
            except outages() as error:
                self._breaker.failed(error)
            else:
                self._breaker.worked()

    @staticmethod
    def refuse(verdict: Verdict) -> RateLimited:
        """The refusal to raise, with its headers."""
        return RateLimited(headers=headers(verdict))

    async def close(self) -> None:
        """Close the connections to Redis."""
        if self._redis is not None:
            await self._redis.aclose()

    def _window(self, limit: Limit) -> MemoryWindow:
        window = self._windows.get(limit)
        if window is None:
            window = self._windows[limit] = MemoryWindow(limit)
        return window

    async def _stats(self, limit: Limit, key: str, allowed: bool | None) -> Verdict:
        reset_at, remaining = await self._shared.get_window_stats(_item(limit), key)
        if allowed is None:
            allowed = remaining > 0
        reset_s = min(max(math.ceil(reset_at - time.time()), 0), limit.seconds)
        if allowed and remaining >= limit.amount:
            reset_s = 0  # an empty window; the library then names the end of one that began now
        return Verdict(limit.amount, max(remaining, 0), reset_s, allowed)


@lru_cache(maxsize=256)
def _item(limit: Limit) -> RateLimitItem:
    return RateLimitItemPerSecond(limit.amount, limit.seconds, namespace=limit.name)


def _bounded(key: str) -> str:
    """Long keys by their digest: some hold what a client sent."""
    return key if len(key) <= 160 else hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()


@lru_cache(maxsize=64)
def networks(setting: str) -> tuple[Network, ...]:
    """The networks of a comma-separated setting; a bare address is a network of one. Raises ValueError."""
    return tuple(ip_network(part.strip(), strict=False) for part in setting.split(",") if part.strip())


def within(ip: str, among: Sequence[Network]) -> bool:
    """Whether an address lies in one of the networks; what is no address lies in none."""
    address = _address(ip)
    return address is not None and any(address in network for network in among)


MAX_HOPS = 16


def client_ip(peer: str, forwarded_for: str | None, trusted: Sequence[Network]) -> str:
    """The right-most address that is no trusted proxy: what stands left of it, anybody can have written.

    `peer` is the socket's other end, `forwarded_for` the X-Forwarded-For header (several joined by commas).
    A header from a peer that is not trusted is ignored. IPv4 in IPv6 comes back as IPv4.
    """
    address = _address(peer)
    if address is None:
        return peer
    if forwarded_for and trusted:
        for hop in reversed(forwarded_for.rsplit(",", MAX_HOPS)):
            if not any(address in network for network in trusted):
                break
            before = _address(hop)
            if before is None:
                break  # nothing further left can be believed
            address = before
    return str(address)


@lru_cache(maxsize=4096)
def ip_key(ip: str) -> str:
    """What limits per address count: the address, for IPv6 its /64, since one subscriber holds all of it."""
    address = _address(ip)
    if isinstance(address, IPv6Address):
        return str(IPv6Network((int(address), 64), strict=False))
    return ip if address is None else str(address)


def auth_key(email: str, ip: str) -> str:
    """What AUTH counts: an account as tried from one address, so that nobody locks others out."""
    return f"{email.strip().casefold()}|{ip_key(ip)}"


def _address(text: str) -> IPv4Address | IPv6Address | None:
    # What is longer than any address stays out of the parser's memory.
    return _parsed(text.strip()) if len(text) <= 64 else None


@lru_cache(maxsize=4096)
def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    """The address in a header or socket name, which some proxies write with a port; None when it is none."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
