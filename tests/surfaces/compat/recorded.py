"""Requests and answers as an app of a contract records them, played against the server.

tests/surfaces/compat/<contract>/fixtures/<operation>.json holds the pairs of an operation, written from the contract.
Values in them are examples: ids, moments and tokens are compared by kind, and an id that stands in several places must
be the same in all of them; everything else comes back as it is written. `like` names the kind of what differs from
server to server. The contract's `scenes.py` makes what a pair needs: it maps example values to what they stand for.
"""

import contextlib
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import msgspec
import pytest

from majlis.features.profiles import service as profiles
from majlis.features.profiles.model import ProfileUpdate
from majlis.features.sessions.model import Audience
from majlis.kit.http import Route
from majlis.kit.limits import Limiter
from majlis.surfaces.compat.door import Door
from tests.access_x18 import through
from tests.surfaces.compat.notation import Contract, Operation, contract
from tests.surfaces.compat.pairs import Differences, Pair, Recording, Request, Response, without
from tests.world import Person, World


class Scene:
    """What pairs stand on. `legend` maps examples to attributes, such as `amina.token`."""

    legend: Mapping[str, str] = {}

    def __init__(self, world: World, stack: ExitStack) -> None:
        self.world = world
        self.stack = stack

    def value(self, name: str) -> str:
        found: Any = self
        for part in name.split("."):
            found = found[part] if isinstance(found, dict) else getattr(found, part)
        return str(found)

    def person(self, first_name: str, last_name: str, audience: Audience, **profile: Any) -> Person:
        """Somebody with tokens of this door; the password is that of all tests."""
        person = self.world.person(first_name)
        changes = ProfileUpdate(first_name=first_name, last_name=last_name, **profile)

        async def change() -> None:
            async with self.world.app.db.tx() as tx:
                await profiles.update(tx, person.me, changes, None)

        self.world.go(change())
        return through(self.world, person, audience)

    @property
    def handled(self) -> int:
        """What happened until now was told."""
        return self.world.drain()

    @property
    def database_down(self) -> str:
        """Nothing reaches the database until the pair was played."""

        async def gone() -> None:
            raise ConnectionError("gone")

        self._patch().setattr(self.world.app.db.pool, "acquire", gone)
        return "down"

    @property
    def bus_down(self) -> str:
        """Neither does anything pass hints."""
        self._patch().setattr(type(self.world.app.bus), "healthy", False)
        return "down"

    def _patch(self) -> pytest.MonkeyPatch:
        return self.stack.enter_context(pytest.MonkeyPatch.context())

    @property
    def limits(self) -> str:
        """Limits count, at a moment that does not pass."""
        self.world.app.limiter = Limiter(None, enabled=True, clock=lambda: 0.0)
        return "on"


class Book:
    """All recordings of one contract, with the door that serves it and the types that an app declares."""

    def __init__(
        self,
        name: str,
        door: Door,
        scene: type[Scene],
        answers: Mapping[str, Any],
        refusal: Any,
        *,
        word: str,
        extra: frozenset[str] = frozenset(),
        free: frozenset[str] = frozenset(),
        sentences: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """`word` is where a refusal has its word; `extra` are fields that refusals have beyond the contract; `free` are
        fields that hold whatever somebody put there; `sentences` stand in the contract's examples for its words."""
        self.contract: Contract = contract(name)
        self.folder = Path(__file__).parent / name / "fixtures"
        self.door, self.scene, self.answers, self.refusal = door, scene, answers, refusal
        self.word, self.extra, self.free, self.sentences = word.split("."), extra, free, sentences
        self.recordings = {
            path.stem: msgspec.json.decode(path.read_bytes(), type=Recording)
            for path in sorted(self.folder.glob("*.json"))
        }
        routes = [route for api in door.apis for route in api.routes]
        self._routes = {f"{route.method} {_form(route.path)}": route for route in routes}

    def params(self) -> list[Any]:
        """Every pair, for a test of its own."""
        return [
            pytest.param(
                operation, pair, id=f"{operation}-{pair.response.status}-{pair.name.replace(' ', '_')}"
            )
            for operation, recording in self.recordings.items()
            for pair in recording.pairs
        ]

    def route(self, operation: Operation) -> Route:
        """The route that serves an operation."""
        for method in (operation.method, "WEBSOCKET"):
            if found := self._routes.get(f"{method} {_form(operation.path)}"):
                return found
        raise LookupError(operation.id)

    # ---- playing

    def play(self, world: World, operation: str, pair: Pair) -> None:
        """Send the request of a pair, and compare the answer with the one that the app expects."""
        with ExitStack() as stack:
            scene = self.scene(world, stack)
            text = json.dumps(msgspec.to_builtins(pair), ensure_ascii=False)
            for name in pair.given:
                scene.value(name)
            known = {example: scene.value(name) for example, name in scene.legend.items() if example in text}
            answer = self._play(world, pair.request, known)
            differences = Differences(known, pair, {"body": set(self.extra)} if answer.is_error else {})
            wrong = [*self._wrong(pair.response, answer, differences)]
            assert not wrong, "\n".join([f"{operation}: {pair.name}", *wrong, answer.text[:2000]])
            if pair.response.body is not msgspec.UNSET:
                self.decode(operation, answer.status_code, answer.content)

    def _play(self, world: World, request: Request, known: dict[str, str]) -> httpx.Response:
        text = json.dumps(msgspec.to_builtins(request), ensure_ascii=False)
        for example, value in known.items():
            text = text.replace(example, value)
        real = msgspec.json.decode(text, type=Request)
        for _ in range(real.repeat):
            self.send(world, real)
        return self.send(world, real)

    def send(self, world: World, request: Request) -> httpx.Response:
        """The answer to one request."""
        options: dict[str, Any] = {"headers": request.headers}
        if request.body is not None:
            options["content"] = json.dumps(request.body, ensure_ascii=False).encode()
        if request.files or request.fields:
            options["data"] = request.fields
            options["files"] = [(field, (file.name, file.data())) for field, file in request.files]
        return world.request(request.method, self.contract.mount + request.path, **options)

    def _wrong(self, wanted: Response, answer: httpx.Response, differences: Differences) -> Iterator[str]:
        if answer.status_code != wanted.status:
            yield f"status: {answer.status_code} in place of {wanted.status}"
        for name, value in wanted.headers.items():
            yield from differences.of(value, answer.headers.get(name), f"headers.{name}")
        if wanted.begins is not None:
            if not answer.content.startswith(wanted.begins.encode()):
                yield f"content begins {answer.content[:20]!r}"
        elif wanted.body is msgspec.UNSET:
            if answer.content:
                yield f"content: {answer.content[:200]!r} in place of nothing"
        else:
            yield from differences.of(wanted.body, answer.json())

    def decode(self, operation: str, status: int, content: bytes) -> None:
        """Read an answer as the door declares it, as the contract writes it, and as the app does."""
        asked, document = self.contract.operations[operation], json.loads(content)
        good = status < 400 or self._same_body(operation, status)
        declared = self.door.answer_type(self.route(asked).returns) if good else self.door.error_type
        assert json.loads(msgspec.json.encode(msgspec.convert(document, declared))) == document
        if good:
            assert [*self.success_faults(asked, Response(status, body=document))] == []
            msgspec.convert(document, self.answers[operation])
        else:
            known = {name: value for name, value in document.items() if name not in self.extra}
            assert [*self.refusal_faults(known)] == []
            msgspec.convert(known, self.refusal)

    def _same_body(self, operation: str, status: int) -> bool:
        return (status, "") in self.contract.operations[operation].refusals()

    # ---- what stands in the fixtures

    def faults(self) -> Iterator[str]:
        """Where the recordings are not what the contract says, and what is not recorded."""
        operations = self.contract.operations
        yield from (f"{name} is not recorded" for name in operations.keys() - self.recordings.keys())
        yield from (f"{name} is no operation" for name in self.recordings.keys() - operations.keys())
        for name in operations.keys() & self.recordings.keys():
            recording, operation = self.recordings[name], operations[name]
            if recording.operation != name:
                yield f"{name} is called {recording.operation}"
            if not any(pair.response.status == operation.returns["status"] for pair in recording.pairs):
                yield f"{name}: no success"
            met = {found for pair in recording.pairs for found in self._met(operation, pair.response)}
            yield from (f"{name}: {one} is not recorded" for one in sorted(operation.refusals() - met))
            yield from (f"{name}: {fault}" for fault in self._unsent(operation, recording.pairs))
            for pair in recording.pairs:
                yield from (f"{name}, {pair.name}: {fault}" for fault in self._faults(operation, pair))

    def _unsent(self, operation: Operation, pairs: list[Pair]) -> Iterator[str]:
        """What may be sent, and no recorded success sends it."""
        good = [pair.request for pair in pairs if pair.response.status < 400]
        asked = {name for one in good for name in parse_qs(urlsplit(one.path).query)}
        yield from (f"?{name} is never sent" for name in sorted(operation.query.keys() - asked))
        sent = {name for one in good for name in _sent(one)}
        yield from (f"the body's {name} is never sent" for name in sorted(operation.parts().keys() - sent))
        callers = {"Authorization" in one.headers for one in good}
        if operation.auth == "optional" and len(callers) < 2:
            yield "somebody who is signed in, and somebody who is not, is not recorded"

    def _met(self, operation: Operation, response: Response) -> set[tuple[int, str]]:
        """The refusals of the contract that this answer is."""
        if response.status < 400:
            return set()
        if self._same_body(operation.id, response.status):
            return {(response.status, "")}
        found = response.body
        for part in self.word:
            found = found.get(part) if isinstance(found, dict) else None
        return {(response.status, self.sentences.get(str(found), str(found)))}

    def _faults(self, operation: Operation, pair: Pair) -> Iterator[str]:
        request, response = pair.request, pair.response
        path, _, query = request.path.partition("?")
        if request.method != operation.method or not operation.fits(path):
            yield f"{request.method} {path} is not {operation.method} {operation.path}"
        if response.status < 300:
            yield from self._asked(operation, request, query)
        if response.status < 400 or self._same_body(operation.id, response.status):
            yield from self.success_faults(operation, response)
        else:
            yield from self.refusal_faults(response.body)

    def _asked(self, operation: Operation, request: Request, query: str) -> Iterator[str]:
        """What is sent where it succeeds: nothing that the contract or the door does not know, and all that is needed."""
        route, parts, sent = self.route(operation), operation.parts(), _sent(request)
        yield from (f"?{name} is unknown" for name in parse_qs(query).keys() - operation.query.keys())
        yield from (f"?{name} is not declared" for name in parse_qs(query).keys() - _names(route.query_type))
        yield from (f"the body's {name} is unknown" for name in sent.keys() - parts.keys())
        if request.body is not None:
            declared = _names(route.body_type)
            yield from (f"the body's {name} is not declared" for name in sent.keys() - declared)
        for name, kind in parts.items():
            if name in sent and request.body is not None:
                value = sent[name]
                if str(kind).startswith("decimal") and isinstance(value, float):
                    value = str(value)  # which may be sent as a number, too
                yield from self.contract.faults(value, kind, f"request.{name}")
            elif name not in sent and re.match(r"[^ ]*!", str(kind)):
                yield f"the body's {name} is missing"

    def success_faults(self, operation: Operation, response: Response) -> Iterator[str]:
        """Where the body of a success is not what the contract says."""
        if response.body is not msgspec.UNSET:
            yield from self.contract.faults(response.body, operation.returns["body"])

    def refusal_faults(self, body: Any) -> Iterator[str]:
        """Where the body of a refusal is not what the contract says."""
        raise NotImplementedError

    # ---- controls

    def unseen(self) -> Iterator[str]:
        """Fields that a server could leave out or call otherwise, and no pair would fail."""
        for operation, recording in self.recordings.items():
            for pair in recording.pairs:
                if isinstance(pair.response.body, dict):
                    yield from (f"{operation}, {pair.name}: {at}" for at in self._unseen(operation, pair))

    def _unseen(self, operation: str, pair: Pair) -> Iterator[str]:
        body, known = pair.response.body, {example: example for example in self.scene.legend}
        extra = {"body": set(self.extra)} if pair.response.status >= 400 else {}
        assert not [*Differences(dict(known), pair, extra).of(body, body)] or pair.like
        for at, broken in [*without(body), *without(body, renamed=True)]:
            if any(at.startswith(f"{place}.") for place in pair.like):
                continue  # compared by kind as a whole
            if not any(at in fault for fault in Differences(dict(known), pair, extra).of(body, broken)):
                yield at
            if pair.response.status < 400 and not any(f".{name}." in at for name in self.free):
                with contextlib.suppress(msgspec.ValidationError):
                    msgspec.convert(broken, self.answers[operation])
                    if at.rpartition(".")[2] not in self.contract.may_lack:
                        yield f"{at}, as the app declares it"


def _names(struct: Any) -> set[str]:
    """The fields of a Struct, as they are written in JSON."""
    return {field.encode_name for field in msgspec.structs.fields(struct)} if struct is not None else set()


def _sent(request: Request) -> dict[str, Any]:
    """The parts of a body, whichever form it has."""
    return dict(request.body or {**request.fields, **{field: "file" for field, _ in request.files}})


def _form(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path)
