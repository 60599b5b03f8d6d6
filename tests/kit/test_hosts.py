"""A door at the root of a host name of its own."""

import asyncio
from typing import Any

import pytest

from majlis import main
from majlis.kit.http.hosts import Hosts
from majlis.settings import BadSettings, Settings


@pytest.mark.parametrize(
    "host, path, reached",
    [
        (b"api.example.com", "/api/posts", "/x18/api/posts"),
        (b"API.example.com:8443", "/api/posts", "/x18/api/posts"),
        (b"api.example.com", "/x18/storage/media/a.webp", "/x18/storage/media/a.webp"),
        (b"api.example.com", "/x18", "/x18"),
        (b"api.example.com", "/x180", "/x18/x180"),
        (b"example.com", "/api/posts", "/api/posts"),
        (b"[::1]:80", "/api/posts", "/api/posts"),
        (None, "/api/posts", "/api/posts"),
    ],
)
def test_a_host_leads_to_its_door(host: bytes | None, path: str, reached: str) -> None:
    seen: list[str] = []

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["path"])

    headers = [] if host is None else [(b"host", host)]
    served = Hosts(inner, {"Api.example.com": "/x18"})
    for kind in ("http", "websocket"):
        scope = {"type": kind, "path": path, "headers": headers}
        asyncio.run(served(scope, None, None))
        assert scope["path"] == path, "whoever handed it over keeps what it is"
    assert seen == [reached, reached]


def test_the_setting_names_doors() -> None:
    doors = main.surfaces()
    named = Settings(hosts="api.example.com=x18, m.example.com=majlis")
    assert main.mounts(named, doors) == {"api.example.com": "/x18", "m.example.com": ""}
    for wrong in ("api.example.com=x19", "api.example.com", "=x18"):
        with pytest.raises(BadSettings, match=r"MAJLIS_HOSTS: .* is not a host and one of majlis, x18"):
            main.mounts(Settings(hosts=wrong), doors)
