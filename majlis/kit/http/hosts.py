"""Doors at the root of a host name of their own, for apps that can be given a host but no path."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

Application = Callable[[Any, Any, Any], Awaitable[None]]


class Hosts:
    """ASGI 3: puts the mount of a door in front of what is asked of its host."""

    def __init__(self, inner: Application, mounts: Mapping[str, str]) -> None:
        self._inner = inner
        self._mounts = {host.lower(): mount for host, mount in mounts.items()}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """ASGI entry."""
        if scope["type"] != "lifespan":
            mount = self._mounts.get(_host(scope), "")
            path: str = scope["path"]
            # Addresses that the door itself hands out hold the mount already.
            if mount and not f"{path}/".startswith(f"{mount}/"):
                scope = {**scope, "path": mount + path}
        await self._inner(scope, receive, send)


def _host(scope: Any) -> str:
    """The host that the client asked, without its port."""
    for name, value in scope["headers"]:
        if name == b"host":
            host, _, port = value.decode("latin-1").lower().rpartition(":")
            return str(host) if port.isdecimal() and host else str(value.decode("latin-1").lower())
    return ""
