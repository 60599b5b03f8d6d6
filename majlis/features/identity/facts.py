"""What happens to accounts."""

from uuid import UUID

from majlis.kit.facts import Fact


class AccountCreated(Fact, frozen=True):
    """Somebody registered."""

    user_id: UUID


class EmailVerified(Fact, frozen=True):
    """The address was confirmed."""

    user_id: UUID


class PasswordChanged(Fact, frozen=True):
    """The password was changed or reset."""

    user_id: UUID


class AccountDeleted(Fact, frozen=True):
    """The owner deleted the account; everyone above hides what belongs to it.

    The address travels along for the last mail: the row may be free for a new account by then.
    """

    user_id: UUID
    email: str


class AccountErased(Fact, frozen=True):
    """A deleted account is gone for good, and every row that referred to it; whoever keeps more removes it now."""

    user_id: UUID


class AccountSuspended(Fact, frozen=True):
    """Moderators or operators closed the account, or opened it again."""

    user_id: UUID
    suspended: bool


class RoleChanged(Fact, frozen=True):
    """The account's role changed."""

    user_id: UUID


class VerificationRequested(Fact, frozen=True):
    """Another confirmation mail is wanted by somebody who knows this address.

    Whether there is such an account is looked up later: so the request takes as long either way.
    """

    email: str


class ResetRequested(Fact, frozen=True):
    """A mail to reset the password is wanted by somebody who knows this address, which may be nobody's."""

    email: str
