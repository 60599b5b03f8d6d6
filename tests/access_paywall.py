"""What the table of callers needs of paid posts: one of the owner's that a friend bought, and the friend as an author."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from majlis.vendors.stripe_fake import Fake
from tests.features.media.uploads import jpeg
from tests.features.payments.paying import hear
from tests.features.paywall.selling import NAME, TEXT
from tests.world import Person, World

OTHER_TEXT = "Bread, and how it is made where we live"
SETTINGS = "/api/v1/creators/me/settings"


def things(world: World, stripe: Fake, owner: Person, friend: Person) -> dict[str, Any]:
    """`post_id#paid` is the owner's, `#offered` and `user_id#author` are the friend's."""
    terms = {"enabled": True, "price": 500, "currency": "EUR"}
    found: dict[str, Any] = {}
    for name, author, text, picture in (
        ("#paid", owner, TEXT, (f"{NAME}.jpg", jpeg(61, 47))),
        ("#offered", friend, OTHER_TEXT, ("b.jpg", jpeg())),
    ):
        assert world.put(SETTINGS, author, terms).status_code == 200
        photo = world.post("/api/v1/upload", author, files={"file": picture}).json()["photo"]
        made = world.post("/api/v1/paid-posts", author, {"text": text, "price": 100, "attachments": [photo]})
        assert made.status_code == 201, made.text
        found[f"post_id{name}"] = made.json()["post"]["id"]
        found[f"media_id{name}"] = made.json()["paid"]["media"][0]["id"]
    begun = world.post(f"/api/v1/posts/{found['post_id#paid']}/purchase", friend).json()
    stripe.do("pay", begun["client_secret"].partition("_secret")[0])
    hear(world, stripe)
    (sale,) = world.get("/api/v1/creators/me/sales", owner).json()["data"]
    subscribed = world.post(f"/api/v1/users/{friend.id}/subscription", owner)
    assert subscribed.status_code == 201, subscribed.text
    return {**found, "purchase_id": sale["id"], "user_id#author": friend.id}


def address(scene: Any, who: str) -> dict[str, Any]:
    """What the owner's address of something paid holds."""
    paid = scene.world.get(f"/api/v1/posts/{scene.things['post_id#paid']}/paid", scene.owner).json()
    return {"params": parse_qs(urlsplit(paid["media"][0]["url"]).query)}


BODIES: dict[str, Callable[[Any, str], dict[str, Any]]] = {
    f"PUT {SETTINGS}": lambda scene, who: {"json": {"enabled": True}},
    "POST /api/v1/paid-posts": lambda scene, who: {"json": {"text": "bread"}},
    "GET /api/v1/paid-posts": lambda scene, who: {"params": {"post_id": scene.things["post_id#paid"]}},
    "POST /api/v1/posts/{post_id}/paid": lambda scene, who: {"json": {"price": 200}},
    "PUT /api/v1/posts/{post_id}/paid": lambda scene, who: {"json": {"price": 200}},
    "GET /api/v1/paid-media/{media_id}": address,
    "GET /x18/storage/paid/{media_id}": address,
}
