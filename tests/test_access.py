"""Who may do what: every route of every door, by every kind of caller, against tests/access.tsv.

A new route needs a line there, and a body in BODIES if it takes one. What its path names is the owner's:
see `Scene.things`. A `#word` behind a path chooses another of the owner's things (`{post_id}#private`).
"""

import asyncio
import csv
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from majlis import main
from majlis.kit.http import Route
from majlis.surfaces import unbuilt
from majlis.vendors.images import ImagePool
from tests import world as worlds
from tests.features.media.uploads import jpeg
from tests.world import PASSWORD, Person, World

TABLE = Path(__file__).with_name("access.tsv")
CALLERS = ("anonymous", "other", "blocked", "follower", "owner", "moderator")


def rows() -> dict[str, dict[str, int]]:
    """The table: `METHOD /path` to the status for each caller."""
    with TABLE.open(newline="") as file:
        lines = csv.reader((line for line in file if line.strip() and not line.startswith("#")), delimiter="\t")
        header, *body = [[cell for cell in line if cell] for line in lines]
    assert tuple(header[1:]) == CALLERS
    found = {line[0]: dict(zip(CALLERS, map(int, line[1:]), strict=True)) for line in body}
    assert len(found) == len(body), "a line stands there twice"
    return found


ROWS = rows()
FILE = {"file": ("a.jpg", jpeg())}


class Scene:
    """The owner and those who stand around, and one of each of the owner's things."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.owner, self.other, self.blocked, self.follower = (
            world.person(name) for name in ("Owner", "Other", "Blocked", "Follower")
        )
        self.moderator = world.person("Moderator", role="moderator")
        self.post("/api/v1/users/{}/follow", self.follower, self.owner.id)
        self.post("/api/v1/users/{}/block", self.owner, self.blocked.id)
        world.put("/api/v1/users/me", self.owner, {"location": {"lat": 34.5, "lng": 69.2}})
        self.things: dict[str, Any] = {"user_id": self.owner.id, "session_id": self.owner.me.session}
        for name, fields in {
            "": {},
            "#friends": {"visibility": "FRIENDS"},
            "#private": {"visibility": "PRIVATE"},
            "#hidden": {"status": False},
        }.items():
            made = self.post("/api/v1/posts", self.owner, json={"type": "FEED", "description": "bread", **fields})
            self.things["post_id" + name] = made["id"]
            comment = self.comment_on(made["id"])
            self.things["comment_id" + name] = comment
        self._poll()
        gone = self.post("/api/v1/posts", self.owner, json={"type": "FEED", "description": "gone"})["id"]
        self.things["post_id#deleted"] = gone
        self.things["comment_id#deleted"] = self.comment_on(gone)
        assert world.delete(f"/api/v1/posts/{gone}", self.owner).status_code == 204
        world.drain()
        (told, *_) = world.get("/api/v1/notifications", self.owner).json()["data"]
        self.things["notification_id"] = told["id"]

    def _poll(self) -> None:
        made = self.post(
            "/api/v1/posts",
            self.owner,
            json={"type": "PULL", "description": "when?", "poll_options": ["now", "later"]},
        )
        draft = self.post("/api/v1/posts", self.owner, json={"type": "PULL", "description": "?", "status": False})
        self.things |= {"post_id#poll": made["id"], "post_id#draft": draft["id"], "poll_id": made["poll"]["id"]}
        self.option = made["poll"]["options"][0]["id"]

    def post(self, path: str, who: Person, *ids: Any, **options: Any) -> Any:
        answer = self.world.post(path.format(*ids), who, **options)
        assert answer.is_success, (path, answer.text)
        return answer.json()

    def comment_on(self, post_id: str) -> str:
        """The owner's comment. What is written by anybody else is a matter of the feature's own tests."""
        return str(self.post("/api/v1/posts/{}/comments", self.owner, post_id, json={"text": "well said"})["id"])

    def path(self) -> str:
        """The name of an upload of the owner's, made anew: deleting one is for good."""
        return str(self.post("/api/v1/upload", self.owner, files=FILE)["path"])

    def caller(self, name: str) -> Person | None:
        return None if name == "anonymous" else getattr(self, name)

    def ask(self, name: str, caller: str) -> httpx.Response:
        """One request of the table, whose effects are undone."""
        method, _, path = name.partition(" ")
        path, mark, variant = path.partition("#")
        connection = self.world.app.db.pool._connection  # type: ignore[attr-defined]
        self.world.go(connection.execute("SAVEPOINT cell"))
        try:
            if "{path...}" in path:
                path = path.replace("{path...}", self.path())
            path = re.sub(r"\{(\w+)\}", lambda found: str(self.thing(found[1], mark + variant)), path)
            options = BODIES.get(name.partition("#")[0], lambda scene, who: {})(self, caller)
            return self.world.request(method, path, self.caller(caller), **options)
        finally:
            self.world.go(connection.execute("ROLLBACK TO SAVEPOINT cell"))

    def thing(self, parameter: str, variant: str) -> Any:
        return self.things.get(parameter + variant, self.things.get(parameter, OTHERS.get(parameter)))


OTHERS = {"name": "majlis.css"}  # what paths name that is nobody's
Body = Callable[[Scene, str], dict[str, Any]]


def json(**values: Any) -> Body:
    """A body that is the same for everybody."""
    return lambda scene, who: {"json": values}


def query(**values: Any) -> Body:
    return lambda scene, who: {"params": values}


def file(scene: Scene, who: str) -> dict[str, Any]:
    return {"files": FILE}


COMMENT, REPORT = json(text="well said"), json(reason="SPAM")
BODIES: dict[str, Body] = {
    "POST /api/v1/auth/register": json(email="new@example.org", password=PASSWORD),
    "POST /api/v1/auth/login": lambda scene, who: {"json": {"email": scene.owner.email, "password": PASSWORD}},
    "POST /api/v1/auth/refresh": lambda scene, who: {"json": {"refresh_token": scene.owner.refresh_token}},
    "POST /api/v1/auth/forgot-password": lambda scene, who: {"json": {"email": scene.owner.email}},
    "POST /api/v1/auth/resend-verification": lambda scene, who: {"json": {"email": scene.owner.email}},
    "POST /api/v1/auth/reset-password": json(token="unknown", new_password=PASSWORD),
    "POST /api/v1/auth/verify-email": json(token="unknown"),
    "POST /api/v1/auth/change-password": json(current_password=PASSWORD, new_password="Another-2026!"),
    "DELETE /api/v1/users/me/account": json(reason="other"),
    "PUT /api/v1/users/me": json(about="bread"),
    "GET /api/v1/users/search": query(q="owner"),
    "GET /api/v1/search/users": query(q="owner"),
    "GET /api/v1/search/posts": query(q="bread"),
    "GET /api/v1/posts/search": query(q="bread"),
    "GET /api/v1/posts/nearby": query(lat=34.5, lng=69.2),
    "POST /api/v1/posts": json(type="FEED", description="bread"),
    "PUT /api/v1/posts/{post_id}": json(description="more bread"),
    "POST /api/v1/posts/{post_id}/comments": COMMENT,
    "PUT /api/v1/comments/{comment_id}": COMMENT,
    "POST /api/v1/comments/{comment_id}/replies": COMMENT,
    "POST /api/v1/posts/{post_id}/report": REPORT,
    "POST /api/v1/comments/{comment_id}/report": REPORT,
    "POST /api/v1/users/{user_id}/report": REPORT,
    "POST /api/v1/posts/{post_id}/polls": json(options=["now", "later"]),
    "POST /api/v1/polls/{poll_id}/vote": lambda scene, who: {"json": {"poll_option_id": scene.option}},
    **{f"POST /api/v1/upload{kind}": file for kind in ("", "/avatar", "/cover", "/post", "/comment", "/business")},
    "POST /api/v1/users/me/avatar": file,
    "POST /api/v1/users/me/cover": file,
}


@pytest.fixture(scope="module")
def scene(
    runner: asyncio.Runner, shared: str, pictures: ImagePool, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Scene]:
    stack = worlds.rolled_back(shared)
    db = runner.run(stack.__aenter__())
    settings = worlds.settings_for(tmp_path_factory.mktemp("access"), shared)
    world = World(runner, worlds.app_over(db, settings, pictures), shared)
    yield Scene(world)
    world.close()
    runner.run(stack.__aexit__(None, None, None))


def served() -> dict[str, Route]:
    """Every route that is built, by its method and whole path."""
    return {
        f"{route.method} {surface.mount}{route.path}": route
        for surface in main.surfaces()
        for api in surface.apis
        for route in api.routes
        if route.module != unbuilt.__name__
    }


def test_every_route_stands_in_the_table() -> None:
    listed = {name.partition("#")[0] for name in ROWS}
    missing = sorted(served().keys() - listed)
    assert not missing, "\nadd to tests/access.tsv:\n" + "\n".join(missing)
    gone = sorted(listed - served().keys())
    assert not gone, "\nremove from tests/access.tsv:\n" + "\n".join(gone)


@pytest.mark.parametrize("name", ROWS)
def test_each_caller_gets_what_the_table_says(scene: Scene, name: str) -> None:
    got = {caller: scene.ask(name, caller) for caller in CALLERS}
    assert {caller: answer.status_code for caller, answer in got.items()} == ROWS[name], {
        caller: answer.text[:300] for caller, answer in got.items() if answer.status_code != ROWS[name][caller]
    }
