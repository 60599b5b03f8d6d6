"""What refers to uploads, and what goes with the last reference."""

import msgspec
import pytest

from majlis.features.media import service
from majlis.features.media.model import Photo
from majlis.kit.db import Hold
from majlis.kit.errors import Invalid
from majlis.kit.http import Upload
from majlis.kit.me import Me
from majlis.vendors.images import Kind
from tests.features.media.uploads import (
    attached,
    both,
    claim,
    is_empty,
    jpeg,
    names,
    objects,
    release,
    stored,
)
from tests.world import World

FILE = Upload("images", "a.jpg", "image/jpeg", jpeg())


@pytest.mark.rule("hamsaya:77")
def test_what_is_stored_counts_and_not_what_the_client_says(world: World) -> None:
    amina = world.person()
    first, second = stored(world, amina, 2)
    false = Photo(first.url, "evil.exe", "text/html", 1, 9999, 9999, "javascript:alert(1)")
    assert claim(world, amina, [second.photo, false]) == [second.photo, first.photo]
    assert (attached(world, first.path), attached(world, second.path)) == (1, 1)


def test_only_uploads_of_ones_own_can_be_referred_to(world: World) -> None:
    amina, bahar = world.person(), world.person()
    (mine,), (theirs,) = stored(world, amina), stored(world, bahar)
    wrong = [
        theirs.url,
        str(mine.photo.thumbnail_url),
        "https://evil.example/" + mine.path,
        mine.url + "?x",
        mine.path,
        mine.url.replace("/media/", "/media/../media/"),
        mine.url.replace(mine.path, "00000000-0000-4000-8000-000000000000/photo.webp"),
        "",
        "data:image/png;base64,AAAA",
    ]
    photos = [mine.photo, *(msgspec.structs.replace(mine.photo, url=url) for url in wrong)]
    with pytest.raises(Invalid) as refused:
        claim(world, amina, photos, "attachments")
    expected = [f"attachments[{index}].url" for index in range(1, len(photos))]
    assert [fault.field for fault in refused.value.fields] == expected
    assert (attached(world, mine.path), attached(world, theirs.path)) == (0, 0)


def test_many_pictures_take_two_queries(world: World) -> None:
    amina = world.person()
    photos = [one.photo for one in stored(world, amina, 10)]

    async def counted(photos: list[Photo]) -> tuple[int, int]:
        async with world.app.db.tx() as tx:
            await service.claim(tx, amina.me, photos, "photos")
            claimed = tx.queries
            await service.release(tx, amina.me, [photo.url for photo in photos])
            return claimed, tx.queries - claimed

    assert world.go(counted([])) == (0, 0)
    assert world.go(counted(photos[:1])) == (2, 3)
    assert world.go(counted(photos)) == (2, 3)  # the third stores the job


@pytest.mark.rule("hamsaya:78")
def test_with_the_last_reference_the_object_goes(world: World) -> None:
    amina = world.person()
    first, second = stored(world, amina, 2)
    claim(world, amina, [first.photo, first.photo, second.photo])
    claim(world, amina, [first.photo])
    assert attached(world, first.path) == 3
    release(world, amina.me, first.url, first.url)
    world.drain()
    assert attached(world, first.path) == 1
    assert names(world) == both(first.path, second.path)
    release(world, amina.me, first.url)
    assert names(world) == both(first.path, second.path)  # not before the commit, and not by the request
    assert world.drain() == 1
    assert names(world) == both(second.path)
    assert objects(world) == [second.path]
    with pytest.raises(Invalid):
        claim(world, amina, [first.photo])


@pytest.mark.rule("hamsaya:78")
def test_the_object_is_found_by_its_url_whatever_the_base_was(world: World) -> None:
    amina = world.person()
    (one,) = stored(world, amina)
    claim(world, amina, [one.photo])
    release(world, amina.me, "https://former-cdn.example/bucket/" + one.path)
    world.drain()
    assert is_empty(world)


def test_what_is_referred_to_again_stays(world: World) -> None:
    amina = world.person()
    (one,) = stored(world, amina)
    claim(world, amina, [one.photo])
    release(world, amina.me, one.url)
    claim(world, amina, [one.photo])
    world.drain()
    assert attached(world, one.path) == 1
    assert names(world) == both(one.path)


def test_others_and_unknown_urls_are_passed_over(world: World) -> None:
    amina, bahar = world.person(), world.person()
    (one,) = stored(world, amina)
    claim(world, amina, [one.photo])
    world.drain()
    release(world, bahar.me, one.url, "https://example.org/a.png", "", str(one.photo.thumbnail_url))
    assert attached(world, one.path) == 1
    assert world.drain() == 0
    release(world, amina.me, "https://lh3.google.example/a/photo.jpg")
    assert world.drain() == 0
    release(world, Me.system, one.url)
    assert world.drain() == 1
    assert is_empty(world)


def test_a_reference_that_was_never_taken_is_not_given_up_below_zero(world: World) -> None:
    amina = world.person()
    (one,) = stored(world, amina)
    claim(world, amina, [one.photo])
    release(world, amina.me, *[one.url] * 5)
    assert attached(world, one.path) == 0


def test_what_a_block_that_fails_had_stored_goes_at_once(world: World) -> None:
    amina = world.person()
    (kept,) = stored(world, amina)

    async def failing() -> None:
        async with service.storing(world.app, amina.me, [FILE, FILE], Kind.POST) as found:
            assert len(found) == 2
            async with world.app.db.tx() as tx:
                await service.claim(tx, amina.me, [one.photo for one in found], "photos")
                raise Invalid.field("title", "A title is needed.")

    with pytest.raises(Invalid) as refused:
        world.go(failing())
    assert refused.value.fields[0].field == "title"
    assert names(world) == both(kept.path)
    assert objects(world) == [kept.path]


def test_so_it_does_when_one_transaction_spans_the_request(clone: World) -> None:
    amina = clone.person()

    async def failing() -> None:
        async with Hold(clone.app.db), service.storing(clone.app, amina.me, [FILE], Kind.POST) as (one,):
            async with clone.app.db.tx() as tx:
                await service.claim(tx, amina.me, [one.photo], "photos")
            assert len(names(clone)) == 2
            raise Invalid.field("title", "A title is needed.")

    with pytest.raises(Invalid):
        clone.go(failing())
    assert is_empty(clone)


def test_what_a_block_that_succeeds_had_stored_stays(world: World) -> None:
    amina = world.person()

    async def succeeding() -> str:
        async with service.storing(world.app, amina.me, [FILE], Kind.POST) as (one,), world.app.db.tx() as tx:
            await service.claim(tx, amina.me, [one.photo], "photos")
        return one.path

    path = world.go(succeeding())
    assert names(world) == both(path)
    assert attached(world, path) == 1
