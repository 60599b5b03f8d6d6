"""What happens to connected banks."""

from uuid import UUID

from majlis.kit.facts import Fact


class BankReported(Fact, frozen=True):
    """Plaid told that something about a login is not as before."""

    bank_item_id: UUID


class BankRetired(Fact, frozen=True):
    """A login is needed no more, and has to be ended at Plaid."""

    removal_id: UUID
