"""What was closed stays closed when the last that showed it goes, and what nobody knows is shown to nobody."""

from datetime import timedelta

import pytest

from majlis.features.media import service
from majlis.kit import clock
from majlis.kit.me import Me
from tests.features.comments.talking import say
from tests.features.media.private import Json, addresses, check_private, is_open, pictured
from tests.features.media.test_private import PLACES, REMOVED, close_account
from tests.features.media.test_private_migration import perform, scripts
from tests.features.media.uploads import jpeg, names, objects, stored
from tests.features.posts.writing import POSTS, write
from tests.features.queries import counted
from tests.surfaces.compat.x18.people import Caller, ask, entered
from tests.world import Person, World

COUNTS = "SELECT attached, public_refs, private_refs FROM uploads"


def keep(world: World, who: Caller) -> tuple[Json, str]:
    """Something new in somebody's library: as x18 shows it, and its object."""
    before = objects(world)
    answer = ask(world, "POST", "/api/media/upload", who, files={"file": ("a.jpg", jpeg())})
    assert answer.status_code == 201, answer.text
    (path,) = set(objects(world)) - set(before)
    return answer.json(), path


def show(world: World, who: Caller, item: Json) -> str:
    answer = ask(world, "POST", "/api/posts", who, json={"content": "x", "media_ids": [item["id"]]})
    assert answer.status_code == 201, answer.text
    world.drain()
    return f"/api/posts/{answer.json()['id']}"


def take_away(world: World, who: Caller, where: str) -> None:
    assert ask(world, "DELETE", where, who).status_code in (200, 204)


def days_later(world: World) -> None:
    world.drain()
    with clock.shifted(timedelta(days=5)):
        world.go(service.sweep(world.app, Me.system))


# ---- until its files are gone


@pytest.mark.parametrize("place", REMOVED)
def test_it_stays_closed_until_it_is_removed(world: World, place: str) -> None:
    amina = world.person()
    path, photo = pictured(world, amina)
    where = PLACES[place](world, amina, photo)
    assert not is_open(world, path)
    assert world.delete(REMOVED[place](world, amina, where), amina).status_code == 204
    assert not is_open(world, path) and path in names(world), "no worker has run yet"
    world.drain()
    assert objects(world) == names(world) == []


def test_what_an_edit_takes_out_stays_closed(world: World) -> None:
    amina = world.person()
    path, photo = pictured(world, amina)
    where = f"{POSTS}/{write(world, amina, attachments=[photo], visibility='PRIVATE')['id']}"
    (shown,) = world.get(where, amina).json()["attachments"]
    assert world.put(where, amina, {"remove_attachment_ids": [shown["id"]]}).status_code == 200
    assert not is_open(world, path) and path in names(world)


def test_what_nothing_shows_any_more_closes_with_its_post(world: World) -> None:
    amina = world.person()
    path, photo = pictured(world, amina)
    post = write(world, amina, attachments=[photo])
    assert is_open(world, path)
    assert world.delete(f"{POSTS}/{post['id']}", amina).status_code == 204
    assert not is_open(world, path) and path in names(world)


def test_a_public_use_opens_it_again(world: World) -> None:
    amina = world.person()
    path, photo = pictured(world, amina)
    first = write(world, amina, attachments=[photo], visibility="PRIVATE")
    assert world.delete(f"{POSTS}/{first['id']}", amina).status_code == 204
    shown = write(world, amina, attachments=[photo])
    assert is_open(world, path) and addresses(shown, path) == [photo["url"]]
    hidden = write(world, amina, attachments=[photo], visibility="FRIENDS")
    assert is_open(world, path)
    assert world.delete(f"{POSTS}/{shown['id']}", amina).status_code == 204
    assert not is_open(world, path)
    check_private(world, world.get(f"{POSTS}/{hidden['id']}", amina).json(), path)


def test_what_is_left_of_somebody_who_is_erased_is_closed(world: World) -> None:
    native = world.person()
    close_account(world, native)
    amina = entered(world, native)
    _, path = keep(world, amina)
    (loose,) = stored(world, native)
    world.sql("DELETE FROM users WHERE id = $1 RETURNING id", native.id)
    assert not is_open(world, path) and not is_open(world, loose.path)


def test_a_deleted_post_is_not_turned_with_its_account(world: World) -> None:
    amina = world.person()
    path, photo = pictured(world, amina)
    deleted, _ = write(world, amina, attachments=[photo]), write(world, amina, attachments=[photo])
    say(world, amina, write(world, world.person()), attachments=[photo])
    assert world.delete(f"{POSTS}/{deleted['id']}", amina).status_code == 204
    close_account(world, amina)
    assert is_open(world, path), "the comment is for everybody"
    assert world.sql(COUNTS) == [{"attached": 2, "public_refs": 1, "private_refs": 1}]
    close_account(world, amina, False)
    assert world.sql(COUNTS) == [{"attached": 2, "public_refs": 2, "private_refs": 0}]


# ---- kept in a library


def private(world: World) -> tuple[Person, Caller]:
    native = world.person()
    close_account(world, native)
    return native, entered(world, native)


def test_what_a_private_account_keeps_stays_closed_without_its_post(world: World) -> None:
    _, amina = private(world)
    item, path = keep(world, amina)
    assert not is_open(world, path), "as open as the account"
    where = show(world, amina, item)
    assert not is_open(world, path)
    take_away(world, amina, where)
    assert not is_open(world, path)
    days_later(world)
    assert not is_open(world, path)
    assert world.sql(COUNTS) == [{"attached": 1, "public_refs": 0, "private_refs": 0}]
    check_private(world, ask(world, "GET", f"/api/media/{item['id']}", amina).json(), path)
    assert world.get(f"/x18/storage/media/{item['id']}.webp").status_code == 404
    take_away(world, amina, f"/api/media/{item['id']}")
    assert not is_open(world, path) and path in names(world)


def test_what_is_kept_opens_with_the_account_unless_it_was_shown_to_some(world: World) -> None:
    native, amina = private(world)
    (_, bare), (item, used) = keep(world, amina), keep(world, amina)
    take_away(world, amina, show(world, amina, item))
    close_account(world, native, False)
    assert is_open(world, bare) and not is_open(world, used)
    karim = entered(world, world.person())
    listed = ask(world, "GET", f"/api/media/user/{amina.id}", karim).json()["media"]
    assert [addresses(one, used) for one in listed] == [[]]
    assert ask(world, "GET", f"/api/media/{item['id']}", karim).status_code == 404
    check_private(world, ask(world, "GET", f"/api/media/{item['id']}", amina).json(), used)
    where = show(world, amina, item)
    assert is_open(world, used)
    take_away(world, amina, where)
    assert is_open(world, used), "everybody has seen it, and everybody may see the account"


def test_what_is_kept_closes_with_the_account(world: World) -> None:
    native = world.person()
    amina = entered(world, native)
    _, path = keep(world, amina)
    assert is_open(world, path)
    close_account(world, native)
    assert not is_open(world, path)
    close_account(world, native, False)
    assert is_open(world, path)


# ---- rows


def test_a_file_that_no_row_names_is_shown_to_nobody(world: World) -> None:
    (one,) = stored(world, world.person())
    assert is_open(world, one.path)
    world.sql("DELETE FROM uploads WHERE object = $1 RETURNING 1", one.path)
    assert not is_open(world, one.path) and one.path in names(world)


def test_a_fetch_takes_one_query(world: World) -> None:
    native, amina = private(world)
    _, kept = keep(world, amina)
    (one,) = stored(world, native)
    for path in (kept, one.path, service.thumbnail_of(one.path)):
        with counted(world) as seen:
            world.get(f"/media/{path}")
        assert len(seen) == 1, seen


def test_rows_from_before_are_closed(clone: World) -> None:
    native, amina = private(clone)
    hidden, photo = pictured(clone, native)
    write(clone, native, attachments=[photo])
    item, used = keep(clone, amina)
    take_away(clone, amina, show(clone, amina, item))
    karim = clone.person()
    (_, kept), (loose, _) = keep(clone, entered(clone, karim)), pictured(clone, karim)
    shown, other = pictured(clone, karim)
    write(clone, karim, attachments=[other])
    # As counted when its account was closed and opened after the post was deleted.
    _, turned = keep(clone, entered(clone, karim))
    clone.sql("UPDATE uploads SET public_refs = 1 WHERE object = $1 RETURNING 1", turned)
    (script,) = [path for path in scripts(back=False) if path.name.endswith("closed_media.sql")]
    perform(clone, [script.with_suffix(".rollback.sql"), script])
    rows = clone.sql("SELECT object FROM uploads WHERE closed ORDER BY object")
    assert [row["object"] for row in rows] == sorted([hidden, used])
    assert not is_open(clone, hidden) and not is_open(clone, used)
    assert is_open(clone, kept) and is_open(clone, loose) and is_open(clone, shown)
    (row,) = clone.sql("SELECT public_refs FROM uploads WHERE object = $1", turned)
    assert row["public_refs"] == 0
