"""Passwords as they are kept: hashes of bcrypt, made and compared off the event loop."""

import asyncio
import re
import unicodedata
from concurrent.futures import ThreadPoolExecutor

from pwdlib.hashers.bcrypt import BcryptHasher

MAX_BYTES = 72  # bcrypt reads no more; refused rather than cut
# Hashing takes a core for a quarter of a second; two threads at a time leave the rest of the server alive.
_threads = ThreadPoolExecutor(2, thread_name_prefix="bcrypt")
_COST = re.compile(r"\$2[abxy]?\$(\d\d)\$")


class _Current:
    hasher = BcryptHasher(rounds=12)


def configure(cost: int) -> None:
    """Set the cost of hashes that this process makes: each step more takes twice as long."""
    _Current.hasher = BcryptHasher(rounds=cost)


def canonical(password: str) -> str:
    """The same characters typed on different keyboards are the same password."""
    return unicodedata.normalize("NFC", password)


def absent() -> str:
    """The hash of a text nobody knows, to compare with where there is none: that takes as long."""
    return f"$2b${_Current.hasher.rounds:02}$Ya3bOazJooM660gJw7fB4esFiNKJChePyEsUzwhCcK00Y2PUDwfBO"


def weak(hashed: str) -> bool:
    """Whether a hash was made at a lower cost than is asked for now."""
    cost = _COST.match(hashed)
    return cost is None or int(cost[1]) < _Current.hasher.rounds


async def make(password: str) -> str:
    """The hash of a password, of at most MAX_BYTES; takes about a quarter of a second of a core."""
    running = asyncio.get_running_loop()
    return await running.run_in_executor(_threads, _Current.hasher.hash, canonical(password))


async def matches(password: str, hashed: str) -> bool:
    """Whether this is the password of a hash."""
    password = canonical(password)
    if len(password.encode()) > MAX_BYTES:
        return False
    running = asyncio.get_running_loop()
    return await running.run_in_executor(_threads, _Current.hasher.verify, password, hashed)
