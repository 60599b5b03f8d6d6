"""What the recorded pairs of x18 stand on."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from majlis.surfaces.compat.x18.audience import AUDIENCE
from tests.features.media.uploads import jpeg
from tests.surfaces.compat import recorded
from tests.surfaces.compat.x18.people import ask
from tests.world import Person

METADATA = {"category": "crypto", "market": "spot", "symbol": "BTC", "price": 64000.5, "tags": ["analysis"]}


class Scene(recorded.Scene):
    """Amina, who asks, and Bahar, with what they have here."""

    legend: Mapping[str, str] = {
        "a1000000-0000-4000-8000-000000000001": "amina.id",
        "a1000000-0000-4000-8000-000000000002": "bahar.id",
        "amina@example.org": "amina.email",
        "bahar@example.org": "bahar.email",
        "eyJhbGciOiJIUzI1NiJ9.amina.access": "amina.token",
        "eyJhbGciOiJIUzI1NiJ9.amina.refresh": "amina.refresh_token",
        "eyJhbGciOiJIUzI1NiJ9.bahar.access": "bahar.token",
        "b1000000-0000-4000-8000-000000000001": "post.id",
        "b1000000-0000-4000-8000-000000000002": "mine.id",
        "b1000000-0000-4000-8000-000000000003": "second.id",
        "c1000000-0000-4000-8000-000000000001": "picture.id",
        "c1000000-0000-4000-8000-000000000002": "other_picture.id",
        "c1000000-0000-4000-8000-000000000003": "shown_picture.id",
        "d1000000-0000-4000-8000-000000000001": "told.id",
    }

    def ok(self, method: str, path: str, who: Person | None, json: Any = None, **options: Any) -> Any:
        """The body of a success."""
        answer = ask(self.world, method, path, who, json, **options)
        assert answer.is_success, answer.text
        return answer.json()

    @cached_property
    def amina(self) -> Person:
        return self.person("Amina", "Karimi", AUDIENCE, username="amina_k", about="Trader from Kabul")

    @cached_property
    def bahar(self) -> Person:
        return self.person("Bahar", "Noori", AUDIENCE, username="bahar")

    @cached_property
    def post(self) -> Any:
        """Of Bahar's."""
        new = {"content": "Up again: #bitcoin", "metadata": METADATA}
        return self.ok("POST", "/api/posts", self.bahar, new)

    @cached_property
    def second(self) -> Any:
        """Bahar writes the same again."""
        assert self.post
        new = {"content": "Up again: #bitcoin", "metadata": METADATA}
        return self.ok("POST", "/api/posts", self.bahar, new)

    @cached_property
    def mine(self) -> Any:
        return self.ok("POST", "/api/posts", self.amina, {"content": "Bread at six"})

    @property
    def follows(self) -> Any:
        return self.ok("POST", f"/api/users/{self.bahar.id}/follow", self.amina)

    @property
    def followed(self) -> Any:
        return self.ok("POST", f"/api/users/{self.amina.id}/follow", self.bahar)

    @property
    def likes(self) -> Any:
        return self.ok("POST", f"/api/posts/{self.post['id']}/like", self.amina)

    @property
    def retweets(self) -> Any:
        return self.ok("POST", f"/api/posts/{self.post['id']}/retweet", self.amina)

    @property
    def bookmarks(self) -> Any:
        return self.ok("POST", f"/api/posts/{self.post['id']}/bookmark", self.amina)

    def _picture(self, who: Person) -> Any:
        return self.ok(
            "POST", "/api/media/upload", who, files={"file": ("a.jpg", jpeg())}, data={"alt_text": "A loaf"}
        )

    @cached_property
    def picture(self) -> Any:
        return self._picture(self.amina)

    @cached_property
    def other_picture(self) -> Any:
        return self._picture(self.bahar)

    @cached_property
    def shown_picture(self) -> Any:
        """One that a post of Amina's shows."""
        kept = self._picture(self.amina)
        self.ok("POST", "/api/posts", self.amina, {"content": "Bread", "media_ids": [kept["id"]]})
        return kept

    @cached_property
    def told(self) -> Any:
        """Bahar likes Amina's post."""
        self.ok("POST", f"/api/posts/{self.mine['id']}/like", self.bahar)
        self.world.drain()
        (found,) = self.ok("GET", "/api/notifications", self.amina)["notifications"]
        return found
