"""Pictures in places that are not for everybody, and what addresses of theirs open."""

from datetime import timedelta
from typing import Any

import httpx

from majlis.features.media import service
from majlis.kit import clock
from tests.features.media.uploads import stored
from tests.world import Person, World

Json = dict[str, Any]
LONGEST = timedelta(hours=48)


def pictured(world: World, who: Person) -> tuple[str, Json]:
    """An upload of somebody's: its object, and how a body names it."""
    (one,) = stored(world, who)
    return one.path, {
        "url": one.url,
        "name": "a.webp",
        "mime_type": "image/webp",
        "size": 1,
        "width": 1,
        "height": 1,
    }


def local(world: World, url: str) -> str:
    """An address without the host."""
    return url.removeprefix(world.app.settings.base_url())


def fetch(world: World, url: str, **options: Any) -> httpx.Response:
    """What an address brings, to nobody in particular."""
    return world.get(local(world, url), **options)


def is_open(world: World, path: str) -> bool:
    """Whether everybody may fetch an object and its thumbnail."""
    found = {world.get(f"/media/{one}").status_code for one in (path, service.thumbnail_of(path))}
    assert found in ({200}, {404})
    return found == {200}


def addresses(answer: Any, path: str) -> list[str]:
    """All addresses of an object in an answer, wherever they stand."""
    if isinstance(answer, dict):
        return [url for one in answer.values() for url in addresses(one, path)]
    if isinstance(answer, list):
        return [url for one in answer for url in addresses(one, path)]
    return [answer] if isinstance(answer, str) and service.object_of(answer) == path else []


def check_signed(world: World, url: str, path: str) -> None:
    """Only this very address opens the object, and only for a time."""
    name, query = local(world, url).split("?")
    assert name == f"/media/p/{path}"
    answer = fetch(world, url)
    assert answer.status_code == 200 and answer.content
    assert answer.headers["cache-control"].startswith("private, max-age=")
    expires, signature = query.split("&")
    assert not is_open(world, path)
    for wrong in (
        name,
        f"{name}?{expires}",
        f"{name}?{expires}&s=",
        f"{name}?{expires}0&{signature}",
        f"{name}?{expires}&{signature[:-1]}{'E' if signature[-1] == 'A' else 'A'}",
        f"/media/{path}?{query}",
        f"/media/p/{service.thumbnail_of(path)}?{query}",
        f"/media/p/p/{path}?{query}",
    ):
        assert world.get(wrong).status_code == 404, wrong
    with clock.shifted(LONGEST):
        assert fetch(world, url).status_code == 404


def check_private(world: World, answer: Any, path: str) -> None:
    """An answer shows signed addresses of an object, and of its thumbnail, and no other."""
    found = addresses(answer, path)
    assert found, answer
    for url in found:
        check_signed(world, url, path)
    for url in addresses(answer, service.thumbnail_of(path)):
        assert "/media/p/" in url and fetch(world, url).status_code == 200
    assert "private-media" not in str(answer)
