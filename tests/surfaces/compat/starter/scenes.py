"""What the recorded pairs of starter stand on."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from majlis.surfaces.compat.starter.audience import AUDIENCE
from tests.surfaces.compat import recorded
from tests.surfaces.compat.starter.callers import API, STARTER
from tests.surfaces.compat.starter.writing import CONTENT, TITLE
from tests.surfaces.realtime.wires import Wire
from tests.world import Person

ARTICLE = {"title": TITLE, "content": CONTENT}


class Scene(recorded.Scene):
    """Amina, who asks, and Bahar, with what they have here."""

    legend: Mapping[str, str] = {
        "a4000000-0000-4000-8000-000000000001": "amina.id",
        "a4000000-0000-4000-8000-000000000002": "bahar.id",
        "amina@example.org": "amina.email",
        "eyJhbGciOiJIUzI1NiJ9.amina.access": "amina.token",
        "eyJhbGciOiJIUzI1NiJ9.bahar.access": "bahar.token",
        "refresh-token-of-amina": "amina.refresh_token",
        "b4000000-0000-4000-8000-000000000001": "post.id",
        "b4000000-0000-4000-8000-000000000002": "mine.id",
        "b4000000-0000-4000-8000-000000000003": "published.id",
        "c4000000-0000-4000-8000-000000000001": "got.id",
        "c4000000-0000-4000-8000-000000000002": "sent.id",
        "d4000000-0000-4000-8000-000000000001": "task.taskId",
        "d4000000-0000-4000-8000-000000000002": "other_task.taskId",
        "e4000000-0000-4000-8000-000000000001": "document.id",
        "e4000000-0000-4000-8000-000000000002": "other_document.id",
    }

    def ok(self, path: str, who: Person, json: Any = None, method: str = "POST") -> Any:
        """The data of a success."""
        answer = self.world.request(method, API + path, who, **({} if json is None else {"json": json}))
        assert answer.is_success, answer.text
        return answer.json()["data"]

    @cached_property
    def amina(self) -> Person:
        return self.person("Amina", "Karimi", AUDIENCE)

    @cached_property
    def bahar(self) -> Person:
        return self.person("Bahar", "Noori", AUDIENCE)

    @cached_property
    def post(self) -> Any:
        """An article that Bahar published."""
        return self.ok("/posts", self.bahar, {**ARTICLE, "status": "published"})

    @cached_property
    def mine(self) -> Any:
        """A draft of Amina's."""
        return self.ok("/posts", self.amina, ARTICLE)

    @cached_property
    def published(self) -> Any:
        return self.ok("/posts", self.amina, {**ARTICLE, "status": "published"})

    @property
    def renamed(self) -> Any:
        return self.ok(f"/posts/{self.post['id']}", self.bahar, {"title": "Bread at seven"}, "PUT")

    @cached_property
    def got(self) -> Any:
        """What Bahar wrote to Amina."""
        return self.ok("/messages", self.bahar, {"receiverId": str(self.amina.id), "content": "Still warm?"})

    @cached_property
    def sent(self) -> Any:
        """What Amina wrote to Bahar."""
        return self.ok("/messages", self.amina, {"receiverId": str(self.bahar.id), "content": "Still warm!"})

    @property
    def read(self) -> Any:
        return self.ok("/messages/read", self.amina, {"messageIds": [self.got["id"]]})

    @cached_property
    def task(self) -> Any:
        return self.ok("/tasks", self.amina, {"type": "large_task", "data": {}})

    @cached_property
    def other_task(self) -> Any:
        return self.ok("/tasks", self.bahar, {"type": "large_task", "data": {}})

    @cached_property
    def document(self) -> Any:
        return self.ok(
            "/documents", self.amina, {"title": "Recipe", "content": {"flour": "1 kg", "salt": "20 g"}}
        )

    @property
    def together(self) -> Any:
        path = f"/documents/{self.document['id']}/collaborators"
        return self.ok(path, self.amina, {"userId": str(self.bahar.id)})

    @cached_property
    def other_document(self) -> Any:
        """Of Bahar's, which Amina may write too."""
        new = {"title": "Recipe", "content": {}, "collaborators": [str(self.amina.id)]}
        return self.ok("/documents", self.bahar, new)

    @property
    def joined(self) -> Any:
        return self.ok("/rooms/kitchen/join", self.amina)

    @property
    def five_sockets(self) -> str:
        """As many as one may have open."""
        path = f"{STARTER}/ws?token={self.amina.token}"

        async def opened() -> list[Wire]:
            found = [Wire(self.world, path, protocols=()) for _ in range(5)]
            for one in found:
                await one.opened()
            return found

        for one in self.world.go(opened()):
            self.stack.callback(lambda wire: self.world.go(wire.close()), one)
        return "open"
