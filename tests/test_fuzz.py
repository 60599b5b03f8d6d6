"""Every documented operation under generated input, as nobody, a member and an admin: no 500, no surprise."""

import json
import os
import random
import uuid
from collections import Counter
from typing import Any

import httpx
import hypothesis
import pytest
import schemathesis
from schemathesis import GenerationMode

from tests import access_x18
from tests.features.posts.writing import write
from tests.world import Person, World

# Requests per operation, caller and mode. 15 make more than 20,000 requests and take some minutes.
EXAMPLES = int(os.environ.get("MAJLIS_TEST_FUZZ_EXAMPLES", "3"))
# Each costs a quarter of a second of bcrypt and tells little that one example does not.
SLOW = ("/auth/register", "/auth/signup", "/auth/login", "/auth/change-password", "/auth/reset-password")


class Known:
    """Ids of real things, so that generated requests get past the first look-up."""

    def __init__(self, world: World, who: Person) -> None:
        self._choose = random.Random(7)
        posts = [write(world, who, kind)["id"] for kind in ("FEED", "SELL", "EVENT", "PULL")]
        comments = [
            world.post(f"/api/v1/posts/{post}/comments", who, {"text": "Good"}).json().get("id", post)
            for post in posts
        ]
        others = [str(world.person().id) for _ in range(2)]
        business = world.post("/api/v1/businesses", who, {"name": "Bakery"}).json()["id"]
        chat = world.post("/api/v1/chat/conversations", who, {"user_id": others[0]}).json()["id"]
        said = world.post(
            "/api/v1/chat/messages", who, {"conversation_id": chat, "content": "salaam"}
        ).json()["id"]
        team = world.post("/api/v1/workspaces", who, {"name": "Bakers", "slug": "bakers"}).json()["id"]
        channel = world.get(f"/api/v1/workspaces/{team}/channels", who).json()["data"][0]["id"]
        body = {"client_msg_id": str(uuid.uuid4()), "text": "salaam"}
        told = world.post(f"/api/v1/channels/{channel}/messages", who, body).json()["id"]
        draft = world.post("/api/v1/drafts", who, {"type": "FEED", "description": "soon"}).json()["id"]
        self._ids = {
            "post_id": posts, "comment_id": comments, "user_id": [*others, str(who.id)], "business_id": [business],
            "conversation_id": [chat], "message_id": [said, told], "workspace_id": [team], "channel_id": [channel],
            "draft_id": [draft],
        }  # fmt: skip
        self._at_doors(world, who)

    def _at_doors(self, world: World, who: Person) -> None:
        here = access_x18.through(world, who, access_x18.MOUNTS["/x18"])
        kept = world.post("/x18/api/media/upload", here, files=access_x18.FILE).json()
        self._ids |= {
            "media_id": [kept["id"]],
            "file_name": [kept["url"].rpartition("/")[2]],
            "username": [world.get("/x18/api/users/me", here).json()["username"]],
            "tag": ["bread"],
            "event_id": [post for post in self._ids["post_id"] if self._is_event(world, post)],
        }

    def _is_event(self, world: World, post: str) -> bool:
        return world.get(f"/api/v1/events/{post}").is_success

    def put_into(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """The path parameters with real ids in most places."""
        found = dict(parameters)
        for name in found:
            if name in self._ids and self._choose.random() < 0.8:
                found[name] = self._choose.choice(self._ids[name])
        return found


def _send(world: World, case: Any, who: Person | None, known: Known) -> int:
    case.path_parameters = known.put_into(case.path_parameters or {})
    made = case.as_transport_kwargs(base_url="http://majlis.test")
    headers = {str(name): str(value) for name, value in made["headers"].items() if value is not None}
    # What httpx itself would not send is not the server's to answer.
    headers = {name: value for name, value in headers.items() if value.isascii() and name.isascii()}
    headers.pop("Authorization", None)
    if who is not None:
        headers.update(who.auth)
    options: dict[str, Any] = {name: made[name] for name in ("params", "files") if made.get(name)}
    if made.get("json") is not None:
        options["content"] = json.dumps(made["json"])
        headers.setdefault("Content-Type", "application/json")
    elif isinstance(made.get("data"), bytes | str):
        options["content"] = made["data"]
    elif made.get("data"):
        options["data"] = made["data"]
    try:
        answer = world.request(made["method"], made["url"], None, headers=headers, **options)
    except httpx.InvalidURL:
        return 0  # no client can send it
    assert answer.status_code != 500, (made, answer.text)
    documented = case.operation.definition.raw["responses"]
    assert str(answer.status_code) in documented, (made, answer.status_code, answer.text)
    return answer.status_code


@pytest.mark.rule("hamsaya:6")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("mount, invalid", [("", 422), ("/x18", 400), ("/sioree", 400)])
def test_generated_requests_never_end_in_500(world: World, mount: str, invalid: int) -> None:
    amina, admin = world.person("Amina"), world.person("Admin", role="admin")
    known = Known(world, amina)
    if mount:
        amina, admin = (access_x18.through(world, who, access_x18.MOUNTS[mount]) for who in (amina, admin))
    schema = schemathesis.openapi.from_dict(world.get(mount + "/openapi.json").json())
    answered: Counter[int] = Counter()
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path == "/metrics":
            continue
        count = 1 if operation.path.endswith(SLOW) else EXAMPLES
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            for who in (amina, None, admin):
                _operation(world, operation, mode, who, known, answered, count)
    assert answered[200] and answered[invalid] and answered[401] and answered[404]


def _operation(
    world: World,
    operation: Any,
    mode: GenerationMode,
    who: Person | None,
    known: Known,
    answered: Counter[int],
    count: int,
) -> None:
    @hypothesis.settings(
        max_examples=count, database=None, derandomize=True, deadline=None, suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.generate],
    )  # fmt: skip
    @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
    def run(case: Any) -> None:
        answered[_send(world, case, who, known)] += 1

    try:
        run()
    except hypothesis.errors.Unsatisfiable:
        return  # there is no wrong input for an operation that takes none
