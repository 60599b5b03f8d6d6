"""What of a post is the same for everybody stays in memory, and is shown only as the viewer may see it now."""

from collections.abc import Iterator
from typing import Any

import pytest

from majlis.features.posts import store
from tests.features.posts.writing import write
from tests.features.queries import heard
from tests.world import Person, World

FEED = "/api/v1/posts?limit=20"
HERE, HOME = {"lat": 34.53, "lng": 69.17}, {"lat": 34.6, "lng": 69.3}


def feed(world: World, who: Person | None) -> dict[str, Any]:
    return {post["id"]: post for post in world.get(FEED, who).json()["data"]}


@pytest.fixture
def asked(world: World) -> Iterator[list[str]]:
    """The statements that fetch cards."""
    with heard(world, lambda query: query == store.CARDS) as seen:
        yield seen


def test_cards_are_fetched_once_for_everybody(world: World, asked: list[str]) -> None:
    amina, zahir = world.person("Amina"), world.person("Zahir")
    for number in range(3):
        write(world, amina, description=f"bread {number}")
    world.app.db.forget()
    assert len(feed(world, amina)) == 3 and len(asked) == 1
    assert len(feed(world, zahir)) == 3 and len(feed(world, None)) == 3 and len(asked) == 1
    write(world, zahir, description="tea")
    assert len(feed(world, amina)) == 4
    before = len(asked)
    assert len(feed(world, zahir)) == 4 and len(asked) == before


def test_every_change_is_seen_at_once(world: World) -> None:
    amina, zahir = world.person("Amina"), world.person("Zahir")
    post = write(world, amina, description="bread")["id"]
    assert feed(world, zahir)[post]["description"] == "bread"
    world.put(f"/api/v1/posts/{post}", amina, {"description": "warm bread"})
    assert feed(world, zahir)[post]["description"] == "warm bread"
    world.post(f"/api/v1/posts/{post}/like", zahir)
    assert feed(world, zahir)[post]["total_likes"] == 1
    world.put("/api/v1/users/me", amina, {"first_name": "Aminah"})
    assert feed(world, zahir)[post]["author"]["first_name"] == "Aminah"
    world.put(f"/api/v1/posts/{post}", amina, {"visibility": "PRIVATE"})
    assert post not in feed(world, zahir) and post in feed(world, amina)
    world.delete(f"/api/v1/posts/{post}", amina)
    assert post not in feed(world, amina)


def test_what_a_viewer_is_shown_stays_theirs(world: World) -> None:
    """Flags, hidden names and exact places come from the viewer's own row, in whatever order people look."""
    amina, zahir, other = (world.person(name) for name in ("Amina", "Zahir", "Laila"))
    post = write(world, amina, description="bread", address_location=HERE, user_location=HOME)["id"]
    world.post(f"/api/v1/posts/{post}/like", zahir)
    world.post(f"/api/v1/posts/{post}/bookmark", other)
    world.post(f"/api/v1/users/{amina.id}/follow", zahir)

    def shown(who: Person | None) -> tuple[Any, ...]:
        found = feed(world, who)[post]
        author = found["author"]
        places = (found["address_location"], found["user_location"])
        return (
            found["liked_by_me"],
            found["bookmarked_by_me"],
            author["is_following"],
            found["is_mine"],
            *places,
        )

    for _ in range(2):
        assert shown(amina) == (False, False, False, True, HERE, HOME)
        assert shown(zahir) == (True, False, True, False, None, None)
        assert shown(other) == (False, True, False, False, None, None)
        assert shown(None) == (False, False, False, False, None, None)
    world.post(f"/api/v1/users/{zahir.id}/follow", amina)
    assert feed(world, zahir)[post]["author"]["follows_me"]
    assert not feed(world, other)[post]["author"]["follows_me"]


def test_a_hidden_name_stays_hidden_from_those_it_is_hidden_from(world: World) -> None:
    amina, zahir = world.person("Amina"), world.person("Zahir")
    post = write(world, amina, description="bread")["id"]
    settings = world.put("/api/v1/settings/privacy", amina, {"full_name_visibility": "Only me"})
    assert settings.status_code == 200, settings.text
    for _ in range(2):
        assert feed(world, amina)[post]["author"]["first_name"] == "Amina"
        assert feed(world, zahir)[post]["author"]["first_name"] == "A"


def test_two_changes_in_a_transaction_are_told_apart(world: World) -> None:
    """A list read between them must not be what others are shown after them."""
    amina = world.person("Amina")
    post = write(world, amina, description="bread")["id"]

    async def change() -> list[str | None]:
        seen = []
        async with world.app.db.tx() as tx:
            for text in ("rye", "oats"):
                await tx.run("UPDATE posts SET description = $2 WHERE id = $1::uuid", post, text)
                rows = await tx.records(store.SOME, amina.id, [post])
                (found,) = await store.posts_of(tx, amina.id, rows)
                seen.append(None if found is None else found.description)
        return seen

    assert world.go(change()) == ["rye", "oats"]
    assert feed(world, amina)[post]["description"] == "oats"


def test_what_goes_between_the_list_and_its_cards_is_left_out(world: World) -> None:
    amina, zahir = world.person("Amina"), world.person("Zahir")
    posts = [write(world, amina, description=text)["id"] for text in ("bread", "tea")]

    async def read() -> list[str | None]:
        async with world.app.db.tx() as tx:
            rows = await tx.records(store.SOME, zahir.id, posts)
            await tx.run("UPDATE posts SET visibility = 'PRIVATE' WHERE id = $1::uuid", posts[0])
            world.app.db.forget()
            found = await store.posts_of(tx, zahir.id, rows)
            return [None if post is None else post.description for post in found]

    assert sorted(world.go(read()), key=str) == [None, "tea"]
