"""What happens to subscriptions."""

from uuid import UUID

from majlis.kit.facts import Fact


class SubscriptionChanged(Fact, frozen=True):
    """It began, lapsed, recovered, will end or ended, or a new period began; `status` as it became.

    `began` when its first month was paid now.
    """

    subscription_id: UUID
    subscriber_id: UUID
    payee_id: UUID
    purpose: str
    status: str
    began: bool = False
