"""What an app of x18 sends, and what it expects: every operation of the contract, played against the server."""

from collections.abc import Iterator
from typing import Any

import pytest

from majlis.surfaces.compat.x18.door import X18
from tests.surfaces.compat import recorded
from tests.surfaces.compat.pairs import Pair
from tests.surfaces.compat.x18.client import ANSWERS, Refusal
from tests.surfaces.compat.x18.scenes import Scene
from tests.world import World


class Book(recorded.Book):
    """The recordings of x18."""

    def refusal_faults(self, body: Any) -> Iterator[str]:
        yield from self.contract.faults(body, {"error": "string", "code": "string", "fields": "object|null"})


BOOK = Book("x18", X18(), Scene, ANSWERS, Refusal, word="code", free=frozenset({"metadata"}))


@pytest.mark.parametrize("operation, pair", BOOK.params())
def test_the_server_answers_what_the_app_expects(world: World, operation: str, pair: Pair) -> None:
    BOOK.play(world, operation, pair)


def test_every_operation_and_every_refusal_of_the_contract_is_recorded_as_the_contract_has_it() -> None:
    assert len(BOOK.recordings) == 45
    assert [*BOOK.faults()] == []


def test_a_field_that_is_missing_or_called_otherwise_is_seen_everywhere() -> None:
    assert [*BOOK.unseen()] == []
