"""Addresses that are good for a while: signed with the server's secret, so that nobody makes one up or prolongs it.

What is not for everybody stands in rows under a private address, `private-media^<mark>/<path>`, which leads nowhere. It is
signed wherever JSON leaves this server, and only there: in answers and in frames of sockets. The mark tells what this
server wrote from what somebody typed, who would otherwise have any address signed by saying it; it is never shown.
"""

import functools
import hashlib
import hmac
import re
from collections.abc import Sequence
from urllib.parse import parse_qs

from majlis.kit import clock, crypto

SCHEME = "private-media^"
MARKER = SCHEME.encode()
RARE = b"^"  # of the scheme: to look for one byte takes a hundredth of the time, and most texts have none
PRIVATE = "p/"  # where private files lie below the address of public ones
DAY = 86_400
# The path is a folder and a file, both of letters that need no escape.
_PATH = r"[0-9a-f-]{36}/[a-z0-9_.-]{1,90}"
_STORED = re.compile(rf"{re.escape(SCHEME)}([0-9a-f]{{32}})/({_PATH})".encode())
_SHOWN = re.compile(rf"https?://[^/?#\s]+(?:/[^?#\s]*)?/{PRIVATE}({_PATH})(?:\?.*)?")


def signatures(secrets: Sequence[str], purpose: str, what: str) -> list[str]:
    """What signs this under each of the secrets, newest first. Every purpose has keys of its own."""
    keys = (crypto.derive(secret, purpose) for secret in secrets)
    return [crypto.b64(hmac.digest(key, what.encode(), "sha256")) for key in keys]


def good(secrets: Sequence[str], purpose: str, what: str, signature: str, expires: int) -> bool:
    """Whether this is one of them, and its time (in seconds since 1970) not over; compared in constant time."""
    known = [
        hmac.compare_digest(signature.encode(), one.encode()) for one in signatures(secrets, purpose, what)
    ]
    return any(known) and expires > clock.now().timestamp()


class Private:
    """Signs private addresses on their way out, and knows which of them are good."""

    PURPOSE = "private-media"

    def __init__(self, base: str, secrets: Sequence[str], key: bytes) -> None:
        """`base` is the address below which this server hands out files; `key` makes the marks."""
        self._base = f"{base}/{PRIVATE}"
        self._secrets = list(secrets)
        self._key = key
        self._address = functools.lru_cache(maxsize=10_000)(self._signed)

    def mark(self, path: bytes) -> bytes:
        """What tells an address of ours; the SQL function media_mark says the same."""
        inner = hashlib.sha256(self._key + path).digest()
        return hashlib.sha256(self._key + inner).hexdigest()[:32].encode()

    def sign(self, body: bytes) -> bytes:
        """A text with its private addresses signed. They stay the same for a day, and are good for one to two."""
        expires = (int(clock.now().timestamp()) // DAY + 2) * DAY
        return _STORED.sub(lambda found: self._address(found[0], found[1], found[2], expires), body)

    def _signed(self, whole: bytes, mark: bytes, path: bytes, expires: int) -> bytes:
        if not hmac.compare_digest(mark, self.mark(path)):
            return whole
        what = path.decode()
        signature = signatures(self._secrets[:1], self.PURPOSE, f"{what}:{expires}")[0]
        return f"{self._base}{what}?e={expires}&s={signature}".encode()

    def bare(self, body: bytes) -> bytes:
        """A text whose private addresses are not signed: for what is kept, or goes where nobody can be asked."""
        return _STORED.sub(lambda found: self._base.encode() + found[2], body)

    def lifetime(self, path: str, query: bytes) -> int | None:
        """For how many seconds an address with this query is still good; None for one that is not."""
        try:
            given = {name: one for name, (one,) in parse_qs(query.decode("ascii")).items()}
            expires, signature = int(given["e"]), given["s"]
        except (KeyError, ValueError):
            return None
        if not good(self._secrets, self.PURPOSE, f"{path}:{expires}", signature, expires):
            return None
        return int(expires - clock.now().timestamp())


class _Process:
    private: Private | None = None
    # How a JSON string begins that is an address of before, and today's
    moved: Sequence[tuple[bytes, bytes]] = ()


def configure(private: Private, base: str = "", former: Sequence[str] = ()) -> None:
    """Sign with this from now on, in this process, and show what was stored under the `former` addresses under `base`."""
    _Process.private = private
    _Process.moved = [(f'"{one}/'.encode(), f'"{base}/'.encode()) for one in former if one != base]


def signed(body: bytes) -> bytes:
    """What leaves this server: its private addresses signed, its public ones those of today."""
    body = _moved(body)
    if RARE not in body or MARKER not in body or _Process.private is None:
        return body
    return _Process.private.sign(body)


def bare(body: bytes) -> bytes:
    """What leaves this server for where addresses would stay open: its private ones lead nowhere."""
    body = _moved(body)
    if MARKER not in body or _Process.private is None:
        return body
    return _Process.private.bare(body)


def of_today(url: str) -> str:
    """A public address as it is shown."""
    return _moved(f'"{url}"'.encode()).decode()[1:-1]


def _moved(body: bytes) -> bytes:
    for before, today in _Process.moved:
        body = body.replace(before, today)
    return body


def lifetime(path: str, query: bytes) -> int | None:
    """For how many seconds the private address of a path is good with this query; None where it is not."""
    return None if _Process.private is None else _Process.private.lifetime(path, query)


def private_path(url: str) -> str | None:
    """The path in a private address, as it is stored or as it was shown to somebody; None for other addresses."""
    if url.startswith(SCHEME):
        return url.partition("/")[2]
    found = _SHOWN.fullmatch(url)
    return found[1] if found else None
