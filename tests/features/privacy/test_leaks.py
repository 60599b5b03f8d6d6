"""No answer of any route holds a name, picture or text that its owner hides from whoever asks.

One person does a bit of everything; then each kind of viewer asks for everything that is served.
"""

import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from majlis import main
from majlis.kit.http import Route
from tests.features.graph.test_follows import follow
from tests.features.graph.test_requests import ask, private
from tests.features.media.uploads import upload
from tests.features.posts.writing import write
from tests.features.queries import counted
from tests.world import Person, World

ANYONE, FOLLOWED, NOBODY = "Anyone on Hamsaya", "People I follow", "Only me"
AUDIENCES = (ANYONE, FOLLOWED, NOBODY)
SETTINGS = {
    "name": "full_name_visibility",
    "pictures": "profile_photos_visibility",
    "about": "profile_bio_visibility",
}
FIRST, LAST, ABOUT = "Zarmina", "Qasimyar", "Saffron and nothing else"
PLACE = {"lat": 34.5, "lng": 69.2}


class Scene:
    """A person whose things stand everywhere, somebody around whom they stand, and viewers."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.owner, self.hub = world.person("Owner"), world.person("Hub")
        self.stranger, self.followed, self.follower = (
            world.person("Stranger"), world.person("Followed"), world.person("Follower"),
        )  # fmt: skip
        self.viewers: dict[str, Person | None] = {
            "anonymous": None,
            "stranger": self.stranger,
            "followed": self.followed,
            "follower": self.follower,
            "owner": self.owner,
        }
        self._present()
        self._relate()
        self._publish()
        world.drain()

    def _present(self) -> None:
        me = {"first_name": FIRST, "last_name": LAST, "about": ABOUT, "phone": "+93700123456"}
        assert self.world.put("/api/v1/users/me", self.owner, me).status_code == 200
        self.secrets: dict[str, set[str]] = {"name": {FIRST, LAST}, "about": {ABOUT}, "pictures": set()}
        for kind in ("avatar", "cover"):
            answer = upload(self.world, self.owner, to=f"/api/v1/users/me/{kind}")
            assert answer.status_code == 200, answer.text
            self.secrets["pictures"].add(answer.json()[kind]["url"].rpartition("/")[2])

    def _relate(self) -> None:
        world, owner, hub = self.world, self.owner, self.hub
        for one, other in ((owner, hub), (hub, owner), (owner, self.followed), (self.follower, owner)):
            follow(world, one, other)
        private(world, self.stranger)
        ask(world, owner, self.stranger)
        for viewer in (self.followed, self.follower):
            self.like(owner, write(world, viewer)["id"])

    def like(self, who: Person, post: str) -> None:
        assert self.world.post(f"/api/v1/posts/{post}/like", who).status_code == 200

    def _publish(self) -> None:
        world, owner, hub = self.world, self.owner, self.hub
        where = {"address_location": PLACE, "is_location": True}
        mine = write(world, owner, **where)
        theirs = write(world, hub, **where)
        sale, event, poll = (write(world, owner, kind, **where) for kind in ("SELL", "EVENT", "PULL"))
        party = write(world, hub, "EVENT")
        self.made(hub, f"/api/v1/posts/{mine['id']}/share", {"share_text": "look"})
        said = self.made(hub, f"/api/v1/posts/{theirs['id']}/comments", {"text": "well"})
        reply = self.made(owner, f"/api/v1/comments/{said['id']}/replies", {"text": "yes"})
        top = self.made(owner, f"/api/v1/posts/{theirs['id']}/comments", {"text": "bread"})
        for stance, told in (("interested", party), ("going", party)):
            self.made(owner, f"/api/v1/events/{told['id']}/interest", {"event_state": stance}, 200)
        business = self.made(hub, "/api/v1/businesses", {"name": "Bakery"})
        self.made(owner, f"/api/v1/businesses/{business['id']}/follow", {}, 200)
        own = self.made(owner, "/api/v1/businesses", {"name": "Mill"})
        for viewer in (self.stranger, self.followed, self.follower):
            self.made(viewer, f"/api/v1/posts/{mine['id']}/bookmark", {}, 200)
        self.ids: dict[str, list[Any]] = {
            "user_id": [owner.id, hub.id],
            "post_id": [post["id"] for post in (mine, theirs, sale, event, poll, party)],
            "comment_id": [said["id"], reply["id"], top["id"]],
            "poll_id": [poll["poll"]["id"]],
            "business_id": [business["id"], own["id"]],
        }

    def made(self, who: Person, path: str, body: dict[str, Any], status: int = 201) -> dict[str, Any]:
        answer = self.world.post(path, who, body)
        assert answer.status_code == status, (path, answer.text)
        found: dict[str, Any] = answer.json()
        return found

    def choose(self, **audiences: str) -> None:
        """Let the owner hide things; the rest anyone may see."""
        chosen = {setting: audiences.get(thing, ANYONE) for thing, setting in SETTINGS.items()}
        assert self.world.put("/api/v1/settings/privacy", self.owner, chosen).status_code == 200

    def paths(self) -> Iterator[tuple[str, str]]:
        """Every route that may be read, and each path of it with something in it."""
        for route in readable():
            names = re.findall(r"{(\w+)}", route.path)
            for value in self.ids.get(names[0], [uuid4()]) if names else [None]:
                path = re.sub(r"{\w+}", str(value), route.path)
                yield from ((route.path, path + query) for query in self.queries(route.path))

    def queries(self, path: str) -> tuple[str, ...]:
        """What a route is to be asked for, so that it has something to say."""
        if "search" in path:
            return (f"?q={FIRST}", f"?q={LAST.lower()}", f"?q={self.owner.email}", "?q=bread")
        if "nearby" in path or "discover" in path:
            return ("?lat=34.5&lng=69.2&radius_km=50",)
        if path.endswith("/comments"):
            return ("", "?include_replies=true")
        return ("", "?grouped=true") if path.endswith("/notifications") else ("",)


def readable() -> list[Route]:
    """Every route of the API that answers with JSON to a GET."""
    return [
        route
        for api in main.surfaces()[0].apis
        for route in api.routes
        if route.method == "GET" and route.path.startswith("/api/")
    ]


def may_see(audience: str, viewer: str) -> bool:
    return audience == ANYONE or viewer == "owner" or (audience == FOLLOWED and viewer == "followed")


def sweep(scene: Scene, viewer: str) -> dict[str, set[str]]:
    """What is given away of the owner to a viewer: each thing, and the routes that hold it."""
    given: dict[str, set[str]] = {thing: set() for thing in SETTINGS}
    for route, path in scene.paths():
        answer = scene.world.get(path, scene.viewers[viewer])
        assert answer.status_code < 500 or answer.status_code == 501, (path, answer.text)
        for thing, secrets in scene.secrets.items():
            # What somebody searches for comes back in no answer by itself, or this would find it.
            if any(secret in answer.text for secret in secrets):
                given[thing].add(route)
    return given


# Where everybody meets the owner while nothing is hidden: that the sweep looks at something.
MET = {
    "/api/v1/users/{user_id}",
    "/api/v1/users/{user_id}/followers",
    "/api/v1/users/{user_id}/following",
    "/api/v1/users/{user_id}/posts",
    "/api/v1/posts",
    "/api/v1/posts/nearby",
    "/api/v1/posts/trending",
    "/api/v1/posts/search",
    "/api/v1/search",
    "/api/v1/discover",
    "/api/v1/search/posts",
    "/api/v1/posts/{post_id}",
    "/api/v1/posts/{post_id}/comments",
    "/api/v1/comments/{comment_id}",
    "/api/v1/comments/{comment_id}/replies",
    "/api/v1/events",
    "/api/v1/events/{post_id}",
    "/api/v1/events/{post_id}/going",
    "/api/v1/sales",
    "/api/v1/sales/{post_id}",
    "/api/v1/businesses/{business_id}",
    "/api/v1/businesses/{business_id}/followers",
}
SIGNED_IN = {
    "/api/v1/users/search",
    "/api/v1/search/users",
    "/api/v1/notifications",
    "/api/v1/users/me/bookmarks",
}


@pytest.mark.rule("hamsaya:160")
@pytest.mark.parametrize("audience", AUDIENCES)
def test_no_answer_holds_what_is_hidden_from_whoever_asks(world: World, audience: str) -> None:
    scene = Scene(world)
    scene.choose(**dict.fromkeys(SETTINGS, audience))
    for viewer in scene.viewers:
        given = sweep(scene, viewer)
        if not may_see(audience, viewer):
            assert given == {thing: set() for thing in SETTINGS}, viewer
            continue
        due = MET if viewer in ("anonymous", "owner") else MET | SIGNED_IN
        assert sorted(due - given["name"]) == [], viewer
        pictureless = {"/api/v1/notifications"}
        assert sorted(due - pictureless - given["pictures"]) == [], viewer
        assert "/api/v1/users/{user_id}" in given["about"], viewer


MIXED = [(AUDIENCES[i], AUDIENCES[j], AUDIENCES[(i + j) % 3]) for i in range(3) for j in range(3)]


@pytest.mark.rule("hamsaya:158", "hamsaya:160")
@pytest.mark.parametrize("name, photos, about", MIXED)
def test_each_thing_is_hidden_by_itself(world: World, name: str, photos: str, about: str) -> None:
    scene = Scene(world)
    scene.choose(name=name, pictures=photos, about=about)
    hub, owner = scene.hub.id, str(scene.owner.id)
    for viewer, who in scene.viewers.items():
        page = world.get(f"/api/v1/users/{owner}", who).json()
        cards = [
            *(entry["user"] for entry in world.get(f"/api/v1/users/{hub}/followers", who).json()["data"]),
            *(post["author"] for post in world.get("/api/v1/posts", who).json()["data"]),
        ]
        cards = [card for card in cards if card["id"] == owner]
        assert len(cards) > 3
        for card in (page, *cards):
            shown = (FIRST, LAST) if may_see(name, viewer) else (FIRST[0], None)
            assert (card["first_name"], card["last_name"]) == shown, viewer
            assert (card["avatar"] is not None) == may_see(photos, viewer), viewer
        assert (page["cover"] is not None) == may_see(photos, viewer), viewer
        assert page["about"] == (ABOUT if may_see(about, viewer) else None), viewer


@pytest.mark.rule("hamsaya:160")
def test_those_who_block_or_are_muted_are_hidden_too(world: World) -> None:
    """The lists of whom one blocks and mutes, and of who asks, show no more than others."""
    scene = Scene(world)
    scene.choose(**dict.fromkeys(SETTINGS, FOLLOWED))
    owner, stranger = scene.owner, scene.stranger
    world.post(f"/api/v1/users/{owner.id}/mute", stranger)
    (muted,) = world.get("/api/v1/users/me/muted", stranger).json()["data"]
    (asks,) = world.get("/api/v1/users/me/follow-requests", stranger).json()["data"]
    world.post(f"/api/v1/users/{owner.id}/block", stranger)
    (blocked,) = world.get("/api/v1/users/me/blocked", stranger).json()["data"]
    for card in (muted, asks["user"], blocked):
        assert (card["first_name"], card["last_name"], card["avatar"]) == (FIRST[0], None, None)


@pytest.mark.parametrize(
    "first, shown", [("علی", "ع"), (" Karim", "K"), ("Ж", "Ж"), ("", None), ("  ", None), (None, None)]
)
@pytest.mark.rule("hamsaya:160")
def test_a_hidden_name_is_the_initial_of_the_first(
    world: World, first: str | None, shown: str | None
) -> None:
    amina, karim = world.person(), world.person("Karim")
    world.sql("UPDATE profiles SET first_name = $2 WHERE id = $1 RETURNING 1", amina.id, first)
    world.put("/api/v1/settings/privacy", amina, {"full_name_visibility": NOBODY})
    follow(world, amina, karim)
    page = world.get(f"/api/v1/users/{amina.id}", karim).json()
    assert (page["first_name"], page["last_name"]) == (shown, None)
    world.drain()
    (note,) = world.get("/api/v1/notifications", karim).json()["data"]
    assert note["message"] == f"{shown or 'Somebody'} follows you."


def test_what_was_told_before_is_hidden_with_the_name(world: World) -> None:
    amina, karim = world.person("Amina"), world.person("Karim")
    follow(world, amina, karim)
    world.drain()

    def message() -> str:
        (note,) = world.get("/api/v1/notifications", karim).json()["data"]
        read = world.put(f"/api/v1/notifications/{note['id']}/read", karim).json()
        assert read["message"] == note["message"]
        return str(note["message"])

    assert message() == "Amina Test follows you."
    world.put("/api/v1/settings/privacy", amina, {"full_name_visibility": FOLLOWED})
    # Whom Amina follows may see her name.
    assert message() == "Amina Test follows you."
    world.delete(f"/api/v1/users/{karim.id}/follow", amina)
    assert message() == "A follows you."


def test_hidden_authors_cost_no_further_queries(world: World) -> None:
    scene = Scene(world)

    def costs() -> list[int]:
        found = []
        for path in (
            "/api/v1/posts",
            f"/api/v1/users/{scene.hub.id}/followers",
            f"/api/v1/users/{scene.owner.id}",
        ):
            with counted(world) as seen:
                assert world.get(path, scene.stranger).status_code == 200
            found.append(len(seen))
        return found

    costs()  # what is kept between requests is there now
    before = costs()
    scene.choose(**dict.fromkeys(SETTINGS, FOLLOWED))
    assert costs() == before
