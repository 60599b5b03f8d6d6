"""Who may do what: every route of every door, by every kind of caller, against tests/access.txt.

A new route needs a line there, and a body in BODIES if it takes one. What its path names is the owner's, see
`Scene.things`; a `#word` behind the path chooses another of the owner's things (`{post_id}#private`).
`python -m pytest tests/test_access.py` prints the line of a route that has none.
"""

import asyncio
import importlib
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx
import pytest

from majlis import main
from majlis.features.digests import service as digests
from majlis.features.identity import service as identity
from majlis.features.sessions import service as sessions
from majlis.kit import clock
from majlis.kit.http import Route
from majlis.kit.me import RANK, Me
from majlis.surfaces import unbuilt
from majlis.surfaces.realtime import hub
from majlis.vendors import stripe_fake
from majlis.vendors.images import ImagePool
from majlis.vendors.oauth import fake
from majlis.vendors.oauth.fake import Fake
from tests import (
    access_documents,
    access_factors,
    access_linking,
    access_payments,
    access_paywall,
    access_starter,
    access_tickets,
    access_workspaces,
    access_x18,
)
from tests import world as worlds
from tests.features.media.uploads import jpeg
from tests.features.oauth.signing import owned, proof
from tests.surfaces.realtime.wires import Denied, Wire
from tests.world import PASSWORD, Person, World

TABLE = Path(__file__).with_name("access.txt")
# Features may bring what their own lines need: BODIES, and `things(scene)`.
OF_FEATURES = [
    importlib.import_module(f"tests.features.{path.parent.name}.access")
    for path in sorted(Path(__file__).parent.glob("features/*/access.py"))
]
CALLERS = ("anonymous", "other", "blocked", "blocker", "follower", "friend", "owner", "moderator")
FILE = {"file": ("a.jpg", jpeg())}
# What nobody does to oneself.
NOT_TO_ONESELF = re.compile(
    r"/(follow|block|mute|report|accept|decline)$|/messages/\{message_id\}/read$|/members(/me)?$"
)
# A block hides people and what is theirs from one another; whom one blocks oneself, one may still look up.
OF_PEOPLE = re.compile(r"\{(post_id|comment_id|user_id|poll_id|business_id)\}")
PEOPLE = "{user_id}"


def rows() -> dict[str, dict[str, int]]:
    """The table: `METHOD /path` to the status for each caller."""
    lines = [line.split() for line in TABLE.read_text().splitlines() if line.strip() and line[0] != "#"]
    assert tuple(lines[0]) == ("METHOD", "PATH", *CALLERS)
    found = {" ".join(line[:2]): dict(zip(CALLERS, map(int, line[2:]), strict=True)) for line in lines[1:]}
    assert len(found) == len(lines) - 1, "a line stands there twice"
    return found


ROWS = rows()


class Scene:
    """The owner and those who stand around, and one of each of the owner's things."""

    def __init__(
        self, world: World, companies: Fake, stripe: stripe_fake.Fake, linking: access_linking.StandIns
    ) -> None:
        self.world = world
        self.linking = linking
        self.companies = companies
        names = [name for name in CALLERS if name != "anonymous"]
        self.people = {
            name: world.person(name.title(), role=name if name in RANK else "user") for name in names
        }
        self.owner = self.people["owner"]
        self.doors = {
            mount: {name: access_x18.through(world, one, audience) for name, one in self.people.items()}
            for mount, audience in access_x18.MOUNTS.items()
        }
        self.post("/api/v1/users/{}/follow", self.people["follower"], self.owner.id)
        self.post("/api/v1/users/{}/follow", self.people["friend"], self.owner.id)
        self.post("/api/v1/users/{}/follow", self.owner, self.people["friend"].id)
        self.post("/api/v1/users/{}/block", self.owner, self.people["blocked"].id)
        self.post("/api/v1/users/{}/block", self.people["blocker"], self.owner.id)
        world.put("/api/v1/users/me", self.owner, {"location": {"lat": 34.5, "lng": 69.2}})
        self.things: dict[str, Any] = {"user_id": self.owner.id, "session_id": self.owner.me.session}
        kinds: dict[str, dict[str, Any]] = {
            "": {},
            "#friends": {"visibility": "FRIENDS"},
            "#private": {"visibility": "PRIVATE"},
            "#hidden": {"status": False},
        }
        for name, fields in kinds.items():
            made = self.post(
                "/api/v1/posts", self.owner, json={"type": "FEED", "description": "bread", **fields}
            )
            self.things["post_id" + name] = made["id"]
            comment = self.comment_on(made["id"])
            self.things["comment_id" + name] = comment
        with clock.shifted(timedelta(days=-2)):  # one may ask once a day, and does so again below
            self.things["export_id"] = self.post("/api/v1/users/me/export", self.owner)["id"]
        draft = {"type": "FEED", "description": "bread, soon"}
        self.things["draft_id"] = self.post("/api/v1/drafts", self.owner, json=draft)["id"]
        self._poll()
        self._chat()
        self._sales_and_events()
        self._businesses()
        self.things |= access_workspaces.things(self)
        gone = self.post("/api/v1/posts", self.owner, json={"type": "FEED", "description": "gone"})["id"]
        self.things["post_id#deleted"] = gone
        self.things["comment_id#deleted"] = self.comment_on(gone)
        assert world.delete(f"/api/v1/posts/{gone}", self.owner).status_code == 204
        world.drain()
        (told, *_) = world.get("/api/v1/notifications", self.owner).json()["data"]
        self.things["notification_id"] = told["id"]
        self._moderation()
        device = world.put("/api/v1/devices", self.owner, {"token": "the-owners"})
        self.things["device_id"] = device.json()["id"]
        self.things["passkey_id"] = access_factors.passkey(world, self.owner)
        linked = self.post(
            "/api/v1/auth/oauth/google/link", self.owner, json=owned({"id_token": companies.google("1")})
        )
        self.things["identity_id"] = linked["id"]
        self.things |= access_payments.things(world, stripe, self.owner, self.people["friend"])
        self.things |= access_paywall.things(world, stripe, self.owner, self.people["friend"])
        event = str(self.things["post_id#event"])
        self.things |= access_tickets.things(world, event, self.owner, self.people["friend"])
        self.things |= access_x18.things(world, self.owner, self.doors)
        self.things |= access_linking.things(world, linking, self.doors["/sioree"]["owner"])
        self.things |= access_starter.things(world, self.doors)
        self.things |= access_documents.things(world, self.owner, self.people["friend"], self.doors)
        for feature in OF_FEATURES:
            self.things |= feature.things(self)

    def _chat(self) -> None:
        """The owner and a friend write to each other."""
        friend = self.people["friend"]
        chat = self.post("/api/v1/chat/conversations", self.owner, json={"user_id": str(friend.id)})["id"]
        self.things["conversation_id"] = chat
        for name, who in (("", self.owner), ("#received", friend)):
            said = {"conversation_id": chat, "content": "salaam"}
            self.things[f"message_id{name}"] = self.post("/api/v1/chat/messages", who, json=said)["id"]

        members = [str(friend.id), str(self.people["other"].id)]
        group = self.post("/api/v1/conversations", self.owner, json={"user_ids": members})["id"]
        self.things["conversation_id#group"] = group
        draft = self.world.put(f"/api/v1/conversations/{chat}/draft", self.owner, {"text": "sal"})
        assert draft.is_success, draft.text
        later = {"conversation_id": chat, "message": {"text": "salaam"}, "send_at": self.soon()}
        self.things["scheduled_id"] = self.post("/api/v1/scheduled-messages", self.owner, json=later)["id"]

    def soon(self) -> str:
        """A moment that is to come."""
        return (clock.now() + timedelta(hours=1)).isoformat()

    def _poll(self) -> None:
        made = self.post(
            "/api/v1/posts",
            self.owner,
            json={"type": "PULL", "description": "when?", "poll_options": ["now", "later"]},
        )
        draft = self.post(
            "/api/v1/posts", self.owner, json={"type": "PULL", "description": "?", "status": False}
        )
        self.things |= {
            "post_id#poll": made["id"],
            "post_id#draft": draft["id"],
            "poll_id": made["poll"]["id"],
        }
        self.option = made["poll"]["options"][0]["id"]

    def _sales_and_events(self) -> None:
        (kind, *_) = self.world.get("/api/v1/sales/categories").json()["data"]
        self.things["category_id"] = kind["id"]
        sale = {"type": "SELL", "title": "carpet", "category_id": kind["id"], "free": True}
        event = {"type": "EVENT", "title": "kites", "start_date": "2031-03-21"}
        for name, body in (("#sell", sale), ("#event", event)):
            for variant, fields in (
                ("", {}),
                ("-private", {"visibility": "PRIVATE"}),
                ("-hidden", {"status": False}),
            ):
                made = self.post("/api/v1/posts", self.owner, json={**body, **fields})
                self.things[f"post_id{name}{variant}"] = made["id"]

    def _businesses(self) -> None:
        path = "/api/v1/businesses"
        for name in ("", "#hidden", "#deleted"):
            made = self.post(path, self.owner, json={"name": "bakery", "status": name != "#hidden"})["id"]
            (picture,) = self.post(f"{path}/{made}/attachments", self.owner, files=FILE)["data"]
            self.things |= {f"business_id{name}": made, f"attachment_id{name}": picture["id"]}
        assert self.world.delete(f"{path}/{made}", self.owner).status_code == 204

    def _moderation(self) -> None:
        moderator = self.people["moderator"]
        opened = {"kind": "post", "target_id": self.things["post_id"]}
        self.things["case_id"] = self.post("/api/v1/moderation/cases", moderator, json=opened)["id"]
        rule = {"kind": "word", "pattern": "scam", "action": "hold"}
        self.things["rule_id"] = self.post("/api/v1/moderation/filters", moderator, json=rule)["id"]
        muted = self.post("/api/v1/users/me/muted-words", self.owner, json={"word": "football"})
        self.things["word_id"] = muted["id"]

    def post(self, path: str, who: Person, *ids: Any, **options: Any) -> Any:
        answer = self.world.post(path.format(*ids), who, **options)
        assert answer.is_success, (path, answer.text)
        return answer.json()

    def comment_on(self, post_id: str) -> str:
        """The owner's comment. What is written by anybody else is a matter of the feature's own tests."""
        return str(
            self.post("/api/v1/posts/{}/comments", self.owner, post_id, json={"text": "well said"})["id"]
        )

    def path(self) -> str:
        """The name of an upload of the owner's, made anew: deleting one is for good."""
        return str(self.post("/api/v1/upload", self.owner, files=FILE)["path"])

    def export_link(self) -> dict[str, list[str]]:
        """What the link to the copy of the owner's data holds."""
        url = self.world.get("/api/v1/users/me/export", self.owner).json()["url"]
        return parse_qs(urlsplit(url).query)

    async def reset_token(self) -> str:
        """What the mail that resets the owner's password would hold."""
        async with self.world.app.db.tx() as tx:
            return await identity.start_reset(tx, Me.system, self.owner.id)

    async def unsubscribe_token(self) -> str:
        """What the links of a digest to the owner would hold."""
        async with self.world.app.db.tx() as tx:
            return await digests.unsubscribe_token(tx, Me.system, self.owner.id)

    async def verification_token(self) -> str:
        """What the mail that confirms the owner's address would hold."""
        async with self.world.app.db.tx() as tx:
            account = await identity.get(tx, Me.system, self.owner.id)
            return await identity.start_verification(tx, Me.system, account)

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
            mount = next((mount for mount in self.doors if path.startswith(mount + "/")), None)
            people = self.people if mount is None else self.doors[mount]
            if method == "WEBSOCKET":
                return self.world.go(self._open(path, people.get(caller)))
            options = BODIES.get(name.partition("#")[0], nothing)(self, caller)
            return self.world.request(method, path, people.get(caller), **options)
        finally:
            self.world.go(connection.execute("ROLLBACK TO SAVEPOINT cell"))
            self.world.app.gate.seen.clear()

    async def _open(self, path: str, who: Person | None) -> httpx.Response:
        """Ask for a socket; 101 where it opens."""
        wire = Wire(self.world, path, headers=who.auth if who else {})
        try:
            await wire.opened()
            return httpx.Response(101)
        except Denied as denied:
            return httpx.Response(denied.status, content=denied.body)
        finally:
            await wire.close()
            await hub.close(self.world.app)

    def thing(self, parameter: str, variant: str) -> Any:
        return self.things.get(parameter + variant, self.things.get(parameter, OTHERS.get(parameter)))


NEWCOMER = "newcomer@example.org"
OTHERS = {
    "emoji": "x",
    "name": "majlis.css",
    "platform": "tiktok",
    "provider": "google",
}  # what paths name that is nobody's
Body = Callable[[Scene, str], dict[str, Any]]


def nothing(scene: Scene, who: str) -> dict[str, Any]:
    """No body."""
    return {}


def json(**values: Any) -> Body:
    """A body that is the same for everybody."""
    return lambda scene, who: {"json": values}


def query(**values: Any) -> Body:
    return lambda scene, who: {"params": values}


def file(scene: Scene, who: str) -> dict[str, Any]:
    return {"files": FILE}


def partner(scene: Scene, who: str) -> UUID:
    """With whom this caller may converse: the owner, who does with a friend."""
    return scene.people["friend"].id if who == "owner" else scene.owner.id


COMMENT, REPORT = json(text="well said"), json(reason="SPAM")
BODIES: dict[str, Body] = {
    **access_factors.BODIES,
    **access_linking.BODIES,
    **access_payments.BODIES,
    **access_paywall.BODIES,
    **access_tickets.BODIES,
    **access_workspaces.BODIES,
    **access_x18.BODIES,
    **{name: body for feature in OF_FEATURES for name, body in feature.BODIES.items()},
    **access_starter.BODIES,
    **access_documents.BODIES,
    "POST /api/v1/conversations": lambda scene, who: {"json": {"user_ids": [str(partner(scene, who))]}},
    "POST /api/v1/conversations/{conversation_id}/messages": json(text="salaam"),
    "POST /api/v1/conversations/{conversation_id}/members": lambda scene, who: {
        "json": {"user_ids": [str(scene.people["moderator"].id)]}
    },
    "PUT /api/v1/conversations/{conversation_id}/read": json(seq=1),
    "PUT /api/v1/conversations/{conversation_id}/unread": json(seq=1),
    "PUT /api/v1/conversations/{conversation_id}/draft": json(text="salaa"),
    "POST /api/v1/scheduled-messages": lambda scene, who: {
        "json": {
            "conversation_id": scene.things["conversation_id"],
            "message": {"text": "salaam"},
            "send_at": scene.soon(),
        }
    },
    "PUT /api/v1/scheduled-messages/{scheduled_id}": json(text="salaam again"),
    "PUT /api/v1/conversation-messages/{message_id}": json(text="salaam again"),
    "POST /api/v1/chat/conversations": lambda scene, who: {"json": {"user_id": str(partner(scene, who))}},
    "POST /api/v1/chat/messages": lambda scene, who: {
        "json": {"recipient_id": str(partner(scene, who)), "content": "salaam"}
    },
    "POST /api/v1/auth/register": json(email="new@example.org", password=PASSWORD),
    "POST /api/v1/auth/login": lambda scene, who: {
        "json": {"email": scene.owner.email, "password": PASSWORD}
    },
    "POST /api/v1/auth/oauth/google": lambda scene, who: {
        "json": proof(scene.companies, "google", "9", NEWCOMER)
    },
    "POST /api/v1/auth/oauth/apple": lambda scene, who: {
        "json": proof(scene.companies, "apple", "9", NEWCOMER)
    },
    "POST /api/v1/auth/oauth/facebook": lambda scene, who: {
        "json": proof(scene.companies, "facebook", "9", NEWCOMER)
    },
    "POST /api/v1/auth/oauth/{provider}/link": lambda scene, who: {
        "json": owned(proof(scene.companies, "google", "9"))
    },
    "POST /api/v1/auth/refresh": lambda scene, who: {"json": {"refresh_token": scene.owner.refresh_token}},
    "POST /api/v1/auth/forgot-password": lambda scene, who: {"json": {"email": scene.owner.email}},
    "POST /api/v1/auth/resend-verification": lambda scene, who: {"json": {"email": scene.owner.email}},
    "POST /api/v1/auth/reset-password": lambda scene, who: {
        "json": {"token": scene.world.go(scene.reset_token()), "new_password": "Another-2026!"}
    },
    "POST /api/v1/auth/verify-email": lambda scene, who: {
        "json": {"token": scene.world.go(scene.verification_token())}
    },
    "POST /api/v1/auth/change-password": json(current_password=PASSWORD, new_password="Another-2026!"),
    "DELETE /api/v1/users/me/account": json(reason="other"),
    "PUT /api/v1/users/me": json(about="bread"),
    "PUT /api/v1/settings/privacy": json(is_private=True),
    "PUT /api/v1/settings/notifications": json(category="POSTS", push_pref=False),
    "PUT /api/v1/devices": json(token="a-phone"),
    "DELETE /api/v1/devices": json(token="the-owners"),
    **{
        f"{method} /api/v1/notifications/unsubscribe": lambda scene, who: {
            "params": {"token": scene.world.go(scene.unsubscribe_token())}
        }
        for method in ("GET", "POST")
    },
    "GET /api/v1/users/search": query(q="owner"),
    "GET /api/v1/search/users": query(q="owner"),
    "GET /api/v1/search/posts": query(q="bread"),
    "GET /api/v1/posts/search": query(q="bread"),
    "GET /api/v1/posts/nearby": query(lat=34.5, lng=69.2),
    "GET /api/v1/discover": query(lat=34.5, lng=69.2),
    "GET /api/v1/discover/markers": query(lat=34.5, lng=69.2),
    "GET /api/v1/search": query(q="bread"),
    "GET /api/v1/search/businesses": query(q="bread"),
    "POST /api/v1/posts": json(type="FEED", description="bread"),
    "GET /api/v1/users/me/export/{export_id}": lambda scene, who: {"params": scene.export_link()},
    "PUT /api/v1/posts/{post_id}": json(description="more bread"),
    "POST /api/v1/drafts": json(type="FEED", description="bread"),
    "PUT /api/v1/drafts/{draft_id}": json(description="more bread"),
    "POST /api/v1/posts/{post_id}/comments": COMMENT,
    "PUT /api/v1/comments/{comment_id}": COMMENT,
    "POST /api/v1/comments/{comment_id}/replies": COMMENT,
    "POST /api/v1/posts/{post_id}/report": REPORT,
    "POST /api/v1/comments/{comment_id}/report": REPORT,
    "POST /api/v1/users/{user_id}/report": REPORT,
    "POST /api/v1/users/me/muted-words": json(word="kites"),
    "POST /api/v1/moderation/cases": lambda scene, who: {
        "json": {"kind": "post", "target_id": scene.things["post_id#poll"]}
    },
    "POST /api/v1/moderation/filters": json(kind="link", pattern="bad.example", action="refuse"),
    **{
        f"POST /api/v1/moderation/cases/{{case_id}}/{action}": REPORT
        for action in ("hide", "restore", "suspend", "unsuspend", "dismiss", "escalate")
    },
    "POST /api/v1/businesses/{business_id}/report": REPORT,
    "POST /api/v1/businesses": json(name="bakery"),
    "POST /api/v1/businesses/categories": json(name="kiosk"),
    "PUT /api/v1/businesses/categories/{category_id}": json(name="kiosk"),
    "PUT /api/v1/businesses/{business_id}": json(name="bread"),
    "PUT /api/v1/businesses/{business_id}/location": json(address_location={"lat": 34.5, "lng": 69.2}),
    "PUT /api/v1/businesses/{business_id}/hours": json(hours=[]),
    "PUT /api/v1/businesses/{business_id}/categories": json(category_ids=[]),
    **{
        f"POST /api/v1/businesses/{{business_id}}/{kind}": file for kind in ("avatar", "cover", "attachments")
    },
    "POST /api/v1/events/{post_id}/interest": json(event_state="going"),
    "POST /api/v1/sales/categories": json(name="kites", icon={"name": "a", "library": "b"}, color="red"),
    "PUT /api/v1/sales/categories/{category_id}": json(color="red"),
    "POST /api/v1/posts/{post_id}/polls": json(options=["now", "later"]),
    "POST /api/v1/polls/{poll_id}/vote": lambda scene, who: {"json": {"poll_option_id": scene.option}},
    **{
        f"POST /api/v1/upload{kind}": file
        for kind in ("", "/avatar", "/cover", "/post", "/comment", "/business")
    },
    "POST /api/v1/users/me/avatar": file,
    "POST /api/v1/users/me/cover": file,
}


@pytest.fixture(scope="module")
def scene(
    runner: asyncio.Runner, shared: str, pictures: ImagePool, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Scene]:
    stack = worlds.rolled_back(shared)
    db = runner.run(stack.__aenter__())
    stand_in = fake.serving()
    companies = stand_in.__enter__()
    paying = stripe_fake.serving()
    stripe = paying.__enter__()
    linking = access_linking.StandIns()
    told = {**companies.settings(), **stripe.settings(), **linking.settings()}
    settings = worlds.settings_for(tmp_path_factory.mktemp("access"), shared, **told)
    world = World(runner, worlds.app_over(db, settings, pictures), shared)
    yield Scene(world, companies, stripe, linking)
    world.close()
    linking.close()
    stand_in.__exit__(None, None, None)
    paying.__exit__(None, None, None)
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


def test_every_route_stands_in_the_table(scene: Scene) -> None:
    listed = {name.partition("#")[0] for name in ROWS}
    missing = [line(scene, name) for name in sorted(served().keys() - listed)]
    assert not missing, "\nlook whether this is right, then add it to tests/access.txt:\n" + "\n".join(
        missing
    )
    gone = sorted(listed - served().keys())
    assert not gone, "\nremove from tests/access.txt:\n" + "\n".join(gone)


def line(scene: Scene, name: str) -> str:
    """The line of the table as the server answers now."""
    method, path = name.split()
    return f"{method:<7}{path:<52}" + "".join(
        f"{scene.ask(name, caller).status_code:>10}" for caller in CALLERS
    )


@pytest.mark.parametrize("name", ROWS)
def test_each_caller_gets_what_the_table_says(scene: Scene, name: str) -> None:
    got = {caller: scene.ask(name, caller) for caller in CALLERS}
    wrong = {
        caller: answer.text[:300]
        for caller, answer in got.items()
        if answer.status_code != ROWS[name][caller]
    }
    assert {caller: answer.status_code for caller, answer in got.items()} == ROWS[name], wrong


def test_the_table_keeps_the_policies() -> None:
    """Whoever must sign in gets 401 until then, and nobody else ever does; ranks below the needed one get 403."""
    routes, wrong = served(), []
    for name, statuses in ROWS.items():
        policy = routes[name.partition("#")[0]].policy
        for caller, status in statuses.items():
            if (status == 401) != (caller == "anonymous" and policy.token == "needed"):
                wrong.append(f"{name} {caller} {status}")
            rank = RANK.get(caller, 0)
            if policy.role and caller != "anonymous" and (status == 403) != (rank < RANK[policy.role]):
                wrong.append(f"{name} {caller} {status}")
    assert not wrong, "\n" + "\n".join(wrong)


@pytest.mark.rule("hamsaya:149")
def test_the_table_hides_people_from_whom_they_block_and_who_blocks_them() -> None:
    wrong = [
        f"{name} {caller}"
        for name, statuses in ROWS.items()
        if name.startswith("GET") and OF_PEOPLE.search(name)
        for caller in ("blocked", "blocker")
        if statuses[caller] != 404 and not (caller == "blocker" and PEOPLE in name)
    ]
    assert not wrong, "\n" + "\n".join(wrong)


def test_the_table_asks_for_something_possible() -> None:
    """A line on which the owner fails too may have a wrong body, and would tell nothing about the others."""
    wrong = [
        f"{name} {statuses['owner']}"
        for name, statuses in ROWS.items()
        if "#" not in name and statuses["owner"] >= 400 and not NOT_TO_ONESELF.search(name)
        if not name.endswith("/socket.io")  # without the words of its protocol nobody is let in
    ]
    assert not wrong, "\n" + "\n".join(wrong)
    assert not [name for name, statuses in ROWS.items() if max(statuses.values()) >= 500]


def test_the_suspended_are_let_in_nowhere(scene: Scene) -> None:
    """Their token is no token any more: also where none is needed, a bad one is refused."""
    out = scene.world.person("Suspended")

    async def suspend() -> None:
        app = scene.world.app
        async with app.db.tx() as tx:
            await sessions.suspend(app, tx, Me.system, out.email, True)

    scene.world.go(suspend())
    wrong = []
    for name, route in served().items():
        method, _, path = name.partition(" ")
        path = re.sub(r"\{(\w+)\}", lambda found: str(scene.thing(found[1], "")), path)
        # Who is asking is looked at before what is asked: no body is needed.
        if route.policy.token != "ignored" and method != "WEBSOCKET":
            status = scene.world.request(method, path, out).status_code
            if status != 401:
                wrong.append(f"{name} {status}")
    assert not wrong, "\n" + "\n".join(wrong)


def test_what_is_not_built_says_so(scene: Scene) -> None:
    waiting = [
        f"{route.method} {route.path}"
        for surface in main.surfaces()
        for api in surface.apis
        for route in api.routes
        if route.module == unbuilt.__name__
    ]
    assert not [name for name in waiting if name in ROWS]
    asked = {
        name: scene.ask(name, caller).status_code for name in waiting for caller in ("anonymous", "owner")
    }
    assert set(asked.values()) <= {501}, asked


def test_figures_are_for_the_operators_networks_only(scene: Scene) -> None:
    async def ask(address: str) -> int:
        transport = httpx.ASGITransport(app=scene.world.server, client=(address, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://majlis.test") as client:
            return (await client.get("/metrics")).status_code

    found = {
        address: scene.world.go(ask(address))
        for address in ("127.0.0.1", "10.1.2.3", "203.0.113.5", "2001:db8::1")
    }
    assert found == {"127.0.0.1": 200, "10.1.2.3": 200, "203.0.113.5": 403, "2001:db8::1": 403}
