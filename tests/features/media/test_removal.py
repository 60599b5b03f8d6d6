"""Deleting uploads, sweeping them, and the races between that and attaching them."""

import asyncio
from datetime import timedelta

import pytest

from majlis.features.media import handlers, service, store
from majlis.features.media.model import Photo, StillAttached
from majlis.kit import clock
from majlis.kit.db import Query
from majlis.kit.errors import Invalid, NotFound, Unavailable
from majlis.kit.me import Me
from majlis.vendors.files import ObjectStore, local
from tests.features.media.uploads import (
    UPLOAD,
    attached,
    both,
    claim,
    folder,
    is_empty,
    names,
    objects,
    raw,
    stored,
)
from tests.waiting import until_waiting
from tests.world import World

DAY = timedelta(hours=24)


# ---- deleting


@pytest.mark.rule("hamsaya:78", "hamsaya:79")
def test_the_uploader_deletes_object_and_thumbnail(world: World) -> None:
    amina = world.person()
    first, second = stored(world, amina, 2)
    answer = world.delete(f"{UPLOAD}/{first.path}", amina)
    assert (answer.status_code, answer.content) == (204, b"")
    assert names(world) == both(second.path)
    assert objects(world) == [second.path]
    assert world.delete(f"{UPLOAD}/{first.path}", amina).status_code == 404


@pytest.mark.rule("hamsaya:79")
def test_only_the_uploader_deletes_and_only_what_nothing_refers_to(world: World) -> None:
    amina, bahar, moderator = world.person(), world.person(), world.person(role="moderator")
    (one,) = stored(world, amina)
    path = f"{UPLOAD}/{one.path}"
    for who in (bahar, moderator):
        answer = world.delete(path, who)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "not_uploader")
    assert world.delete(path).status_code == 401
    claim(world, amina, [one.photo])
    answer = world.delete(path, amina)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "still_attached")
    assert names(world) == both(one.path)
    assert objects(world) == [one.path]


def test_paths_have_slashes_and_no_dot_segments(world: World) -> None:
    amina = world.person()
    (one,) = stored(world, amina)
    below, name = one.path.split("/")
    secret = folder(world).parent / "secret.webp"
    secret.write_text("secret")
    for path in (
        below,
        f"{below}/../{one.path}",
        f"{below}/./{name}",
        f"./{one.path}",
        "../secret.webp",
        "..",
        f"{below}/../../secret.webp",
        "%2e%2e/secret.webp",  # decoded once already, so these are its letters
        f"{below}//{name}",
        f"/{one.path}",
        f"{below}\\{name}",
        f"{one.path}/more",
        f"{one.path}\x00",
        f"{one.path}\n",
        f"{below.upper()}/{name}",
        service.thumbnail_of(one.path),
        "00000000-0000-4000-8000-000000000000/photo.webp",
        "avatar",
    ):
        assert raw(world, "DELETE", f"{UPLOAD}/{path}", amina) == 404, path
    assert world.delete(f"{UPLOAD}/%2e%2e/secret.webp", amina).status_code == 404
    assert names(world) == both(one.path)
    assert secret.exists()
    assert world.delete(f"{UPLOAD}/{one.path.replace('/', '%2F')}", amina).status_code == 204
    assert is_empty(world)


class Stubborn(ObjectStore):
    """A folder out of which nothing can be deleted."""

    async def delete(self, key: str) -> None:
        raise Unavailable("The store of files does not answer.")


def test_a_deletion_that_was_cut_short_can_be_finished(clone: World) -> None:
    amina = clone.person()
    first, second = stored(clone, amina, 2)
    whole = local(folder(clone))
    clone.app.files = Stubborn(whole._store, whole._folder)
    for one in (first, second):
        assert clone.delete(f"{UPLOAD}/{one.path}", amina).status_code == 503
    with pytest.raises(Invalid):
        claim(clone, amina, [first.photo])  # its files may be gone already
    clone.app.files = whole
    assert clone.delete(f"{UPLOAD}/{first.path}", amina).status_code == 204
    assert names(clone) == both(second.path)
    with clock.shifted(DAY + timedelta(minutes=1)):
        clone.go(handlers.sweep(clone.app))
    assert is_empty(clone)


# ---- sweeping


def test_what_nothing_refers_to_for_a_day_is_swept(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "BATCH", 2)
    amina = world.person()
    kept, *old = stored(world, amina, 6)
    claim(world, amina, [kept.photo])
    with clock.shifted(timedelta(hours=23, minutes=59)):
        world.go(handlers.sweep(world.app))
        assert names(world) == both(kept.path, *(one.path for one in old))
        (young,) = stored(world, amina)
    with clock.shifted(DAY + timedelta(minutes=1)):
        assert world.go(service.sweep(world.app, Me.system)) == 5
        assert names(world) == both(kept.path, young.path)
        assert objects(world) == sorted([kept.path, young.path])
        assert world.go(service.sweep(world.app, Me.system)) == 0


def test_files_of_erased_people_are_swept(world: World) -> None:
    amina, bahar = world.person(), world.person()
    (hers,), (his,) = stored(world, amina), stored(world, bahar)
    claim(world, amina, [hers.photo])
    claim(world, bahar, [his.photo])
    world.sql("DELETE FROM users WHERE id = $1 RETURNING id", amina.id)
    with clock.shifted(DAY + timedelta(minutes=1)):
        assert world.go(service.sweep(world.app, Me.system)) == 1
    assert names(world) == both(his.path)


# ---- races


@pytest.fixture(params=[True, False], ids=["locked", "control"])
def locked(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether rows are locked before they are judged; the control shows that the race is real."""
    if not request.param:
        bare = store.LOCK.sql.replace("FOR UPDATE", "")
        assert bare != store.LOCK.sql
        monkeypatch.setattr(store, "LOCK", Query(store.Row, bare))
    return bool(request.param)


def test_a_picture_that_is_just_being_attached_is_not_deleted(clone: World, locked: bool) -> None:
    amina = clone.person()
    (one,) = stored(clone, amina)

    async def race() -> BaseException | None:
        async with clone.app.db.tx() as tx:
            await service.claim(tx, amina.me, [one.photo], "photos")
            deleting = asyncio.create_task(service.delete(clone.app, amina.me, one.path))
            await until_waiting(clone, 1, deleting)
        (result,) = await asyncio.gather(deleting, return_exceptions=True)
        return result

    result = clone.go(race())
    if locked:
        assert isinstance(result, StillAttached)
        assert names(clone) == both(one.path)
        assert attached(clone, one.path) == 1
    else:
        assert result is None
        assert names(clone) == []  # although something refers to it


def test_a_picture_that_is_just_being_deleted_is_not_attached(clone: World, locked: bool) -> None:
    amina = clone.person()
    (one,) = stored(clone, amina)

    async def claiming() -> list[Photo]:
        async with clone.app.db.tx() as tx:
            return await service.claim(tx, amina.me, [one.photo], "photos")

    async def race() -> list[Photo] | BaseException:
        async with clone.app.db.tx() as tx:
            await tx.all(store.LOCK, [one.path], False)
            await tx.run(store.MARK, [one.path], clock.now())
            task = asyncio.create_task(claiming())
            await until_waiting(clone, 1, task)
        (result,) = await asyncio.gather(task, return_exceptions=True)
        return result

    result = clone.go(race())
    if locked:
        assert isinstance(result, Invalid)
        assert attached(clone, one.path) == 0
    else:
        assert result == [one.photo]  # of which nothing will be left
        assert attached(clone, one.path) == 1


@pytest.mark.parametrize(
    "order", ["ORDER BY object ", "ORDER BY array_position($1, object) "], ids=["sorted", "control"]
)
def test_rows_are_locked_in_one_order(clone: World, monkeypatch: pytest.MonkeyPatch, order: str) -> None:
    amina = clone.person()
    first, second = sorted(stored(clone, amina, 2), key=lambda one: one.path)
    monkeypatch.setattr(store, "LOCK", Query(store.Row, store.LOCK.sql.replace("ORDER BY object ", order)))
    # The set of names that is handed to the statement has no order; the control needs the wrong one.
    backwards = [second.path, first.path]

    async def both_at_once() -> None:
        async with clone.app.db.tx() as tx:
            await tx.all(store.LOCK, backwards, False)

    async def race() -> list[BaseException | None]:
        async def one_after_the_other() -> None:
            async with clone.app.db.tx() as tx:
                await tx.all(store.LOCK, [first.path], False)
                others.append(asyncio.create_task(both_at_once()))
                await until_waiting(clone, 1, *others)
                await tx.all(store.LOCK, [second.path], False)

        others: list[asyncio.Task[None]] = []
        (result,) = await asyncio.gather(one_after_the_other(), return_exceptions=True)
        return [result, *await asyncio.gather(*others, return_exceptions=True)]

    failed = [result for result in clone.go(race()) if isinstance(result, BaseException)]
    assert [type(error).__name__ for error in failed] == (
        [] if "position" not in order else ["DeadlockDetectedError"]
    )


def test_references_taken_and_given_up_at_once_are_all_counted(clone: World) -> None:
    amina = clone.person()
    (one,) = stored(clone, amina)

    async def taking() -> None:
        async with clone.app.db.tx() as tx:
            await service.claim(tx, amina.me, [one.photo], "photos")

    async def giving() -> None:
        async with clone.app.db.tx() as tx:
            await service.release(tx, amina.me, [one.url])

    async def run() -> None:
        await asyncio.gather(*(taking() for _ in range(20)))
        await asyncio.gather(*(work() for _ in range(10) for work in (taking, giving)))

    clone.go(run())
    assert attached(clone, one.path) == 20


def test_deletions_at_once_end_as_one(clone: World) -> None:
    amina = clone.person()
    (one,) = stored(clone, amina)

    async def run() -> list[BaseException | None]:
        work = [service.delete(clone.app, amina.me, one.path) for _ in range(5)]
        return await asyncio.gather(*work, return_exceptions=True)

    results = clone.go(run())
    assert None in results
    assert all(result is None or isinstance(result, NotFound) for result in results)
    assert is_empty(clone)
