"""What happens to businesses."""

from uuid import UUID

from majlis.kit.facts import Fact


class BusinessCreated(Fact, frozen=True):
    """Somebody opened a business."""

    business_id: UUID
    user_id: UUID


class BusinessDeleted(Fact, frozen=True):
    """Its owner deleted a business."""

    business_id: UUID
    user_id: UUID


class BusinessFollowed(Fact, frozen=True):
    """Somebody follows a business whom they did not follow before."""

    business_id: UUID
    user_id: UUID
    follower_id: UUID
