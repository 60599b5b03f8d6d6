"""What happens to the accounts of other companies that people sign in by."""

from uuid import UUID

from majlis.kit.facts import Fact


class IdentityLinked(Fact, frozen=True):
    """An account that was there got another way of signing in."""

    user_id: UUID
    provider: str


class IdentityUnlinked(Fact, frozen=True):
    """The owner does not want to sign in by it any more."""

    user_id: UUID
    provider: str
