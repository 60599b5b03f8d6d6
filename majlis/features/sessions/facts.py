"""What happens to sessions."""

from uuid import UUID

from majlis.kit.facts import Fact


class SessionsRevoked(Fact, frozen=True):
    """Sessions of a user ended; their tokens count no more and their sockets are to be closed."""

    user_id: UUID
    session_ids: tuple[UUID, ...]
