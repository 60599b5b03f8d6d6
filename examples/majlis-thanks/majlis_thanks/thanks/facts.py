"""What happens to thanks."""

from uuid import UUID

from majlis.kit.facts import Fact


class Thanked(Fact, frozen=True):
    """Somebody was thanked."""

    thanks_id: UUID
