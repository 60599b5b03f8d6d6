"""What ends with an account or a post."""

from majlis.app import App
from majlis.features.comments import service
from majlis.features.identity.facts import AccountDeleted
from majlis.features.posts.facts import PostDeleted, PostTurned
from majlis.kit import facts
from majlis.kit.me import Me


@facts.on(AccountDeleted)
async def delete_with_account(app: App, fact: AccountDeleted) -> None:
    """Delete what the account wrote; replies of others stand under tombstones."""
    await service.delete_of_user(app, Me.system, fact.user_id)


@facts.on(PostDeleted)
async def drop_with_post(app: App, fact: PostDeleted) -> None:
    """Remove the pictures of comments that became unreachable with their post."""
    await service.drop_pictures(app, Me.system, fact.post_id)


@facts.on(PostTurned)
async def settle_pictures(app: App, fact: PostTurned) -> None:
    """Pictures of comments open and close with their post."""
    await service.settle(app, Me.system, fact.post_id)
