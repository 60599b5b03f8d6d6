"""What tests of moderation begin with."""

from typing import Any

from tests.features.posts.writing import write
from tests.world import Person, World

CASES = "/api/v1/moderation/cases"
AUDIT = "/api/v1/moderation/audit"
REASON = {"reason": "Fraud: the carpet does not exist."}


def comment(world: World, who: Person, post: str, text: str = "Good bread") -> str:
    """A comment on a post; its id."""
    answer = world.post(f"/api/v1/posts/{post}/comments", who, {"text": text})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def report(world: World, who: Person, kind: str, target: object, reason: str = "Spam", **words: str) -> None:
    """A report that is stored."""
    path = {"user": "users", "post": "posts", "comment": "comments", "business": "businesses"}[kind]
    answer = world.post(f"/api/v1/{path}/{target}/report", who, {"reason": reason, **words})
    assert answer.status_code == 201, answer.text


def queue(world: World, who: Person, query: str = "") -> list[dict[str, Any]]:
    """The cases that somebody is shown."""
    answer = world.get(f"{CASES}?{query}", who)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


def act(world: World, who: Person, case: str, action: str, **body: Any) -> dict[str, Any]:
    """An action that is done; the case then."""
    answer = world.post(f"{CASES}/{case}/{action}", who, {**REASON, **body} if action != "claim" else None)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def refusal(world: World, who: Person, case: str, action: str, **body: Any) -> tuple[int, str]:
    """Status and code of an action that is not done."""
    answer = world.post(f"{CASES}/{case}/{action}", who, {**REASON, **body} if action != "claim" else None)
    return answer.status_code, answer.json()["error"]["code"]


def reported_post(world: World, author: Person | None = None, **fields: Any) -> tuple[dict[str, Any], str]:
    """A post that somebody reported, and its case."""
    post = write(world, author or world.person(), **fields)
    report(world, world.person(), "post", post["id"])
    (found,) = world.sql("SELECT id FROM moderation_cases WHERE target_id = $1", post["id"])
    return post, str(found["id"])
