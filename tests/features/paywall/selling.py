"""Authors who sell, and people who buy."""

from typing import Any

from majlis.vendors.stripe_fake import Fake
from tests.features.media.uploads import jpeg
from tests.features.payments.paying import hear
from tests.surfaces.compat.x18.people import ask
from tests.surfaces.compat.x18.posting import Writer, writer
from tests.world import World

OPEN, LOCKED = "The harvest of this year.", "zanzibarcanary"
SOUGHT = "kandaharword"  # stands behind the paywall, too: what somebody might search for
TEXT = f"{OPEN}\n" + "It rained a lot, and then again. " * 12 + f"{SOUGHT} {LOCKED} #{LOCKED}"
NAME = "pistachiocanary"


def author(world: World, price: str | None = "5.00", **fields: Any) -> Writer:
    """Somebody who takes money, whose months cost so much."""
    who = writer(world)
    body = {"monetization_enabled": True, "subscription_price": price, **fields}
    answer = ask(world, "PATCH", "/api/users/me", who, json=body)
    assert answer.status_code == 200, answer.text
    return who


def upload(world: World, who: Writer, name: str = f"{NAME}.jpg") -> str:
    """The id of an upload at the x18 door."""
    answer = ask(world, "POST", "/api/media/upload", who, files={"file": (name, jpeg())})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def sold(world: World, who: Writer, price: str | None = "4.99", text: str = TEXT, **fields: Any) -> Any:
    """A paid post as its author sees it."""
    body = {"content": text, "price": price, **fields}
    answer = ask(world, "POST", "/api/posts", who, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def begun(world: World, who: Writer, post_id: str) -> Any:
    """A payment for a post that was begun."""
    answer = ask(world, "POST", f"/api/posts/{post_id}/buy", who)
    assert answer.status_code == 201, answer.text
    return answer.json()


def pay(world: World, stripe: Fake, bill: Any) -> None:
    """Pay what was begun, and hear of it."""
    stripe.do("pay", bill["client_secret"].partition("_secret")[0])
    hear(world, stripe)


def bought(world: World, stripe: Fake, who: Writer, post_id: str) -> None:
    """Buy a post."""
    pay(world, stripe, begun(world, who, post_id))


def subscribed(world: World, stripe: Fake, who: Writer, whom: Writer) -> Any:
    """Subscribe to somebody."""
    answer = ask(world, "POST", f"/api/users/{whom.id}/subscribe", who)
    assert answer.status_code == 201, answer.text
    pay(world, stripe, answer.json())
    return answer.json()


def shown(world: World, who: Writer | None, post_id: str) -> Any:
    """A post as somebody sees it."""
    answer = ask(world, "GET", f"/api/posts/{post_id}", who)
    assert answer.status_code == 200, answer.text
    return answer.json()


def reads(world: World, who: Writer | None, post_id: str) -> bool:
    """Whether somebody reads what is behind the paywall, at both doors alike."""
    here = LOCKED in shown(world, who, post_id)["content"]
    there = world.get(f"/api/v1/posts/{post_id}/paid", who.person if who else None).json()
    assert here == (LOCKED in (there["text"] or "")) == there["unlocked"]
    return here
