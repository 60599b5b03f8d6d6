"""What happens in polls."""

from uuid import UUID

from majlis.kit.facts import Fact


class Voted(Fact, frozen=True):
    """Somebody voted in a poll for the first time."""

    poll_id: UUID
    post_id: UUID
    user_id: UUID
