"""Every documented operation of every door under generated input, as each kind of caller: no 500, no surprise."""

import json
import os
import random
import re
from collections import Counter
from typing import Any

import httpx
import hypothesis
import pytest
import schemathesis
from schemathesis import GenerationMode

from majlis.features.sessions.model import NATIVE
from tests import access_x18
from tests.test_access import OTHERS, Scene, scene
from tests.world import Person

__all__ = ["scene"]

# Requests per operation, and one less of wrong ones; each is sent as the owner and as one of the others. 10 make some
# 20,000 requests.
EXAMPLES = int(os.environ.get("MAJLIS_TEST_FUZZ_EXAMPLES", "2"))
DOORS = {"": 422, **dict.fromkeys(access_x18.MOUNTS, 400)}
OF_STARTER = ("post_id", "slug", "message_id")  # which name other things at that door than elsewhere


class Fuzz:
    """One door, those who call it, and what it answered."""

    def __init__(self, scene: Scene, mount: str) -> None:
        self.scene, self.world, self.mount = scene, scene.world, mount
        admin = self.world.person("Admin", role="admin")
        self._people = (scene.owner, scene.people["moderator"], admin)
        self.answered: Counter[int] = Counter()
        self.wrong: dict[str, str] = {}
        self._choose = random.Random(7)
        self._turn = self._operations = 0
        self._ids: dict[str, list[str]] = {}
        for name, value in {**scene.things, **OTHERS}.items():
            parameter, _, variant = name.partition("#")
            if mount == "/starter" and parameter in OF_STARTER and "starter" not in variant:
                continue
            self._ids.setdefault(parameter, []).append(str(value))

    def put_into(self, values: dict[str, Any]) -> dict[str, Any]:
        """The same with real ids in most places, so that requests get past the first look-up."""
        found = dict(values)
        for name in found:
            known = self._ids.get(re.sub(r"(?<=[a-z])([A-Z])", lambda big: f"_{big[1].lower()}", str(name)))
            if known and self._choose.random() < 0.8:
                found[name] = self._choose.choice(known)
        return found

    def _sign_in(self) -> None:
        """Tokens of this door, anew from time to time: a long run outlives them."""
        audience = access_x18.MOUNTS.get(self.mount, NATIVE)
        self.owner, *others = (access_x18.through(self.world, one, audience) for one in self._people)
        self.others = (None, *others)

    def operation(self, operation: Any) -> None:
        """Ask it everything; what it changed is undone."""
        if self._operations % 40 == 0:
            self._sign_in()
        self._operations += 1
        connection = self.world.app.db.pool._connection  # type: ignore[attr-defined]
        self.world.go(connection.execute("SAVEPOINT operation"))
        try:
            # What is wrong has little variety: the first thing that is wrong decides.
            self._examples(operation, GenerationMode.POSITIVE, EXAMPLES)
            self._examples(operation, GenerationMode.NEGATIVE, max(1, EXAMPLES - 1))
            self.world.drain()
        finally:
            self.world.go(connection.execute("ROLLBACK TO SAVEPOINT operation"))
            self.world.app.gate.seen.clear()

    def _examples(self, operation: Any, mode: GenerationMode, count: int) -> None:
        @hypothesis.settings(
            max_examples=count, database=None, derandomize=True, deadline=None,
            suppress_health_check=list(hypothesis.HealthCheck), phases=[hypothesis.Phase.generate],
        )  # fmt: skip
        @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
        def run(case: Any) -> None:
            case.path_parameters = self.put_into(case.path_parameters or {})
            if mode is GenerationMode.POSITIVE and isinstance(case.body, dict):
                case.body = self.put_into(case.body)
            self._turn += 1
            for who in (self.owner, self.others[self._turn % len(self.others)]):
                self._send(case, who)

        try:
            run()
        except hypothesis.errors.Unsatisfiable:
            return  # there is no wrong input for an operation that takes none

    def _send(self, case: Any, who: Person | None) -> None:
        request = _request(case, who)
        try:
            answer = self.world.request(**request)
        except httpx.InvalidURL:
            return  # no client can send it
        documented = case.operation.definition.raw["responses"]
        self.answered[answer.status_code] += 1
        if answer.status_code == 500 or str(answer.status_code) not in documented:
            name = f"{answer.status_code} {case.operation.label}"
            self.wrong.setdefault(name, f"{request} {answer.text[:300]}")


def _request(case: Any, who: Person | None) -> dict[str, Any]:
    made = case.as_transport_kwargs(base_url="http://majlis.test")
    headers = {str(name): str(value) for name, value in made["headers"].items() if value is not None}
    # What httpx itself would not send is not the server's to answer.
    headers = {name: value for name, value in headers.items() if value.isascii() and name.isascii()}
    headers.pop("Authorization", None)
    if who is not None:
        headers.update(who.auth)
    options: dict[str, Any] = {"params": made["params"]} if made.get("params") else {}
    if made.get("files"):
        options["files"] = [(name, _part(part)) for name, part in made["files"]]
    if made.get("json") is not None:
        options["content"] = json.dumps(made["json"])
        headers.setdefault("Content-Type", "application/json")
    elif isinstance(made.get("data"), bytes | str):
        options["content"] = made["data"]
    elif made.get("data"):
        options["data"] = made["data"]
    return {"method": made["method"], "path": made["url"], "headers": headers, **options}


def _part(part: Any) -> Any:
    """A part of a form as a client can send it: bytes, under a name or none."""
    if not isinstance(part, tuple):
        part = (None, part)
    name, content, *rest = part
    return (name, content if isinstance(content, bytes) else str(content).encode(errors="replace"), *rest)


@pytest.mark.rule("hamsaya:6")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("mount", DOORS)
def test_generated_requests_never_end_in_500(scene: Scene, mount: str) -> None:
    fuzz = Fuzz(scene, mount)
    schema = schemathesis.openapi.from_dict(fuzz.world.get(mount + "/openapi.json").json())
    for found in schema.get_all_operations():
        operation = found.ok()  # type: ignore[union-attr]  # the documents are valid
        if operation.path != "/metrics":
            fuzz.operation(operation)
    answered = fuzz.answered
    print(mount, sum(answered.values()), "requests", dict(answered))
    assert not fuzz.wrong, "\n".join(f"{name}: {what}" for name, what in sorted(fuzz.wrong.items()))
    assert answered[200] and answered[DOORS[mount]] and answered[401] and answered[404], answered
