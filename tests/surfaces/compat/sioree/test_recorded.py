"""What the Sioree app sends, and what it expects: every operation of the contract, played against the server."""

from collections.abc import Iterator
from typing import Any

import pytest

from majlis.surfaces.compat.sioree.door import Sioree
from tests.surfaces.compat import recorded
from tests.surfaces.compat.pairs import Pair
from tests.surfaces.compat.sioree.client import ANSWERS, Refusal
from tests.surfaces.compat.sioree.scenes import Scene
from tests.world import World


class Book(recorded.Book):
    """The recordings of Sioree."""

    def refusal_faults(self, body: Any) -> Iterator[str]:
        yield from self.contract.faults(body, {"error": "string"})


# The contract's "errors_documented" have sentences. `message` stands beside `error`: docs/decisions/0038.
SENTENCES = {"No token provided": "unauthorized", "Invalid token": "unauthorized"}
BOOK = Book(
    "sioree",
    Sioree(),
    Scene,
    ANSWERS,
    Refusal,
    word="error",
    extra=frozenset({"message"}),
    sentences=SENTENCES,
)


@pytest.mark.parametrize("operation, pair", BOOK.params())
def test_the_server_answers_what_the_app_expects(world: World, operation: str, pair: Pair) -> None:
    BOOK.play(world, operation, pair)


def test_every_operation_and_every_refusal_of_the_contract_is_recorded_as_the_contract_has_it() -> None:
    assert len(BOOK.recordings) == 43
    assert [*BOOK.faults()] == []


def test_a_field_that_is_missing_or_called_otherwise_is_seen_everywhere() -> None:
    assert [*BOOK.unseen()] == []
