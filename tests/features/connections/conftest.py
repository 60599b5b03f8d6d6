"""A server that takes the stand-in for all social networks."""

from collections.abc import Iterator

import pytest

from majlis.vendors.connections import fake
from majlis.vendors.connections.fake import Fake
from tests.features.connections.networking import served_by
from tests.world import World


@pytest.fixture
def networks() -> Iterator[Fake]:
    """The stand-in."""
    with fake.serving() as running:
        yield running


@pytest.fixture
def town(world: World, networks: Fake) -> World:
    """A rolled-back world whose people may connect accounts."""
    return served_by(world, networks)


@pytest.fixture
def city(clone: World, networks: Fake) -> World:
    """The same with real connections."""
    return served_by(clone, networks)
