"""What an app of starter sends, and what it expects: every operation of the contract, played against the server."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from majlis.surfaces.compat.starter.door import Starter
from tests.surfaces.compat import recorded
from tests.surfaces.compat.notation import Operation
from tests.surfaces.compat.pairs import Pair, Request, Response
from tests.surfaces.compat.starter.client import ANSWERS, Refusal
from tests.surfaces.compat.starter.scenes import Scene
from tests.surfaces.realtime.wires import Denied, Wire
from tests.world import World

PAGE = {
    "page": "int",
    "limit": "int",
    "total": "int",
    "totalPages": "int",
    "hasNext": "bool",
    "hasPrev": "bool",
}
REFUSAL = {"success": False, "message": "string", "error": {"code": "string", "details": "object|null"}}


class Book(recorded.Book):
    """The recordings of starter."""

    def success_faults(self, operation: Operation, response: Response) -> Iterator[str]:
        returns = operation.returns
        if returns.get("bare"):
            yield from super().success_faults(operation, response)
            return
        envelope = {"success": True, "message": "string", "data": returns["body"]}
        paged = {"pagination": PAGE} if returns.get("paged") else {}
        yield from self.contract.faults(response.body, {**envelope, **paged})
        if response.body["message"] != returns.get("message", response.body["message"]):
            yield f"the contract says {returns['message']!r}"

    def refusal_faults(self, body: Any) -> Iterator[str]:
        yield from self.contract.faults(body, REFUSAL)

    def send(self, world: World, request: Request) -> httpx.Response:
        if "Upgrade" not in request.headers:
            return super().send(world, request)

        async def open_socket() -> httpx.Response:
            wire = Wire(world, self.contract.mount + request.path, request.headers, protocols=())
            try:
                await wire.opened()
            except Denied as refused:
                return httpx.Response(refused.status, content=refused.body)
            finally:
                await wire.close()
            return httpx.Response(101)

        return world.go(open_socket())


FREE = frozenset({"content", "categories", "result"})
BOOK = Book("starter", Starter(), Scene, ANSWERS, Refusal, word="error.code", free=FREE)


@pytest.mark.parametrize("operation, pair", BOOK.params())
def test_the_server_answers_what_the_app_expects(world: World, operation: str, pair: Pair) -> None:
    BOOK.play(world, operation, pair)


def test_every_operation_and_every_refusal_of_the_contract_is_recorded_as_the_contract_has_it() -> None:
    assert len(BOOK.recordings) == 37
    assert [*BOOK.faults()] == []


def test_a_field_that_is_missing_or_called_otherwise_is_seen_everywhere() -> None:
    assert [*BOOK.unseen()] == []
