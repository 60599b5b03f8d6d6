"""A workspace with somebody in every role, as tests of workspaces use it."""

import itertools
from typing import Any

import httpx

from tests.world import Person, World

WORKSPACES = "/api/v1/workspaces"
ROLES = ("owner", "admin", "member", "guest", "outsider")
_slugs = itertools.count(1)


class Team:
    """A workspace, its people by role, and the channels that the guest may and may not see."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.people = {role: world.person(role.title()) for role in ROLES}
        made = world.post(
            WORKSPACES, self["owner"], {"name": "Bakers", "slug": f"bakers-{next(_slugs)}"}
        ).json()
        self.id, self.slug = made["id"], made["slug"]
        self.path = f"{WORKSPACES}/{self.id}"
        (self.general,) = [one["id"] for one in self.channels("owner")]
        self.lobby = self.channel("owner", "lobby")
        for role in ("admin", "member"):
            self.come(self[role])
        self.come(self["guest"], role="guest", channel_ids=[self.lobby])
        self.set_role("admin", "admin")

    def __getitem__(self, role: str) -> Person:
        return self.people[role]

    def token(self, who: str = "owner", **fields: Any) -> str:
        """The token of a new link."""
        made = self.world.post(f"{self.path}/invites", self[who], {"kind": "link", **fields})
        assert made.status_code == 201, made.text
        return str(made.json()["data"][0]["url"].rpartition("/")[2])

    def come(self, person: Person, **fields: Any) -> Any:
        """Let somebody in by a link."""
        answer = self.world.post(f"/api/v1/invites/{self.token(**fields)}/accept", person)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def set_role(self, role: str, new: str) -> None:
        path = f"{self.path}/members/{self[role].id}"
        assert self.world.request("PATCH", path, self["owner"], json={"role": new}).status_code == 200

    def set(self, **settings: Any) -> None:
        """Change settings of the workspace."""
        answer = self.world.request("PATCH", self.path, self["owner"], json={"settings": settings})
        assert answer.status_code == 200, answer.text

    def channel(self, who: str, name: str, **fields: Any) -> str:
        """A new channel."""
        made = self.world.post(f"{self.path}/channels", self[who], {"name": name, **fields})
        assert made.status_code == 201, made.text
        return str(made.json()["id"])

    def channels(self, who: str, **query: Any) -> list[Any]:
        answer = self.world.get(f"{self.path}/channels", self[who], params=query)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["data"])

    def names(self, who: str, **query: Any) -> list[str]:
        return [one["name"] for one in self.channels(who, **query)]

    def ask(self, method: str, path: str, **options: Any) -> dict[str, int]:
        """The status that each role gets, and nobody; what they do is done in this order, guests and owner last."""
        order = ("outsider", "guest", "member", "admin", "owner")
        return {role: self.request(method, path, role, **options).status_code for role in order}

    def request(self, method: str, path: str, role: str, **options: Any) -> httpx.Response:
        return self.world.request(method, path, self[role], **options)
