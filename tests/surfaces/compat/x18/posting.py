"""Posts at the x18 door, and people who write them."""

from typing import Any
from uuid import UUID

from majlis.features.sessions import service as sessions
from majlis.kit.me import Me, Origin
from majlis.surfaces.compat.x18.audience import AUDIENCE
from tests.surfaces.compat.x18.people import ask
from tests.world import Person, World


class Writer:
    """Somebody who is signed in here and at the native door."""

    def __init__(self, person: Person, access: str) -> None:
        self.person = person
        self.id = str(person.id)
        self.auth = {"Authorization": f"Bearer {access}"}


def writer(world: World, name: str | None = None, username: str | None = None) -> Writer:
    """A new account; without the time that passwords take."""
    person = world.person(name)

    async def sign_in() -> str:
        async with world.app.db.tx() as tx:
            pair = await sessions.open_session(
                world.app, tx, Me.system, person.id, Origin("127.0.0.1"), None, audience=AUDIENCE
            )
        return pair.access_token

    if username is not None:
        world.sql("UPDATE profiles SET username = $2 WHERE id = $1 RETURNING 1", person.id, username)
    return Writer(person, world.go(sign_in()))


def post(world: World, who: Writer, content: str = "Bread at six", **fields: Any) -> dict[str, Any]:
    """A post; its body as answered."""
    answer = ask(world, "POST", "/api/posts", who, json={"content": content, **fields})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def do(world: World, who: Writer, action: str, post_id: str, method: str = "POST") -> Any:
    """Like, retweet or bookmark a post, or take that back."""
    answer = ask(world, method, f"/api/posts/{post_id}/{action}", who)
    assert answer.status_code == 200, answer.text
    return answer.json()


def listed(world: World, path: str, who: Writer | None = None) -> list[str]:
    """The ids of a list of posts."""
    answer = ask(world, "GET", path, who)
    assert answer.status_code == 200, answer.text
    return [one["id"] for one in answer.json()["posts"]]


def follow(world: World, who: Writer, whom: Writer) -> None:
    """Let one follow the other."""
    assert ask(world, "POST", f"/api/users/{whom.id}/follow", who).status_code == 200


def block(world: World, who: Writer, whom: Writer) -> None:
    """Let one block the other."""
    assert world.post(f"/api/v1/users/{whom.id}/block", who.person).status_code == 200


def mute(world: World, who: Writer, whom: Writer) -> None:
    """Let one mute the other."""
    assert world.post(f"/api/v1/users/{whom.id}/mute", who.person).status_code == 200


def private(world: World, who: Writer) -> None:
    """Make an account private."""
    world.sql("UPDATE profiles SET is_private = true WHERE id = $1 RETURNING 1", who.person.id)


def age(world: World, post_id: str, interval: str) -> None:
    """Let a post have been written that much earlier."""
    for table, key in (("posts", "id"), ("post_labels", "post_id"), ("post_heats", "post_id")):
        world.sql(
            f"UPDATE {table} SET created_at = created_at - $2::text::interval WHERE {key} = $1 RETURNING 1",
            UUID(post_id),
            interval,
        )
