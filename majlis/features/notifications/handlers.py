"""What people are told when something happens, and how it reaches their devices."""

from datetime import timedelta
from uuid import UUID, uuid5

from majlis.app import App
from majlis.features.businesses.facts import BusinessFollowed
from majlis.features.comments.facts import CommentLiked, CommentPublished
from majlis.features.conversations.facts import ConversationRead
from majlis.features.drafts import service as drafts
from majlis.features.drafts.facts import DraftRefused
from majlis.features.events.facts import EventNears, InterestShown
from majlis.features.graph import service as graph
from majlis.features.graph.facts import FollowAccepted, FollowRequested, UserFollowed, UserUnfollowed
from majlis.features.messages import service as messages
from majlis.features.messages.facts import MessageDeleted, MessageSent
from majlis.features.messages.model import MOST_WAITING, Waiting
from majlis.features.notifications import service
from majlis.features.notifications.facts import Told
from majlis.features.notifications.model import Again, Announced, Unread
from majlis.features.paywall.facts import PostBought
from majlis.features.paywall.model import AUTHOR
from majlis.features.posts.facts import PostPublished
from majlis.features.reactions import service as reactions
from majlis.features.reactions.facts import PostLiked, PostShared, PostUnliked
from majlis.features.reposts import service as reposts
from majlis.features.reposts.facts import Reposted, Unreposted
from majlis.features.sales.facts import ItemSold
from majlis.features.subscriptions.facts import SubscriptionChanged
from majlis.features.voting.facts import Voted
from majlis.kit import clock, facts, log
from majlis.kit.db import Tx
from majlis.kit.me import Me

READING = timedelta(seconds=20)  # what somebody whose device is in use gets before they are told
ATTEMPTS = 6  # of a push, over about three hours
PAUSE = timedelta(seconds=30)  # before the second attempt; four times as long before each further one
logger = log.get("majlis.notifications")


@facts.on(UserFollowed)
async def tell_of_follower(tx: Tx, fact: UserFollowed) -> None:
    """Somebody has a follower."""
    followed = fact.following_id
    if await graph.stands(tx, Me.system, fact.follower_id, followed):
        await service.tell(tx, Me.system, "USER_FOLLOW", followed, fact.follower_id, followed)


@facts.on(UserUnfollowed)
async def tell_no_more_of_follower(tx: Tx, fact: UserUnfollowed) -> None:
    """Somebody follows no longer, and may follow again since."""
    followed = fact.following_id
    if not await graph.stands(tx, Me.system, fact.follower_id, followed):
        await service.take_back(tx, Me.system, "USER_FOLLOW", followed, fact.follower_id, followed)


@facts.on(FollowRequested)
async def tell_of_request(tx: Tx, fact: FollowRequested) -> None:
    """Somebody asks to follow a private account."""
    asked = fact.following_id
    await service.tell(tx, Me.system, "FOLLOW_REQUEST", asked, fact.follower_id, asked)


@facts.on(FollowAccepted)
async def tell_of_acceptance(tx: Tx, fact: FollowAccepted) -> None:
    """Somebody may follow a private account now."""
    await service.tell(
        tx, Me.system, "FOLLOW_ACCEPTED", fact.follower_id, fact.following_id, fact.follower_id
    )


@facts.on(BusinessFollowed)
async def tell_of_customer(tx: Tx, fact: BusinessFollowed) -> None:
    """Somebody's business has a follower."""
    target = fact.business_id
    await service.tell(
        tx, Me.system, "BUSINESS_FOLLOW", fact.user_id, fact.follower_id, target, business_id=target
    )


@facts.on(PostLiked)
async def tell_of_like(tx: Tx, fact: PostLiked) -> None:
    """Somebody's post is liked, and still is."""
    if await reactions.stands(tx, Me.system, fact.post_id, fact.user_id):
        await service.tell_author(tx, Me.system, "POST_LIKE", fact.post_id, fact.user_id, fact.post_id)


@facts.on(PostUnliked)
async def tell_no_more_of_like(tx: Tx, fact: PostUnliked) -> None:
    """Somebody took a like back, and may have given it again since."""
    if not await reactions.stands(tx, Me.system, fact.post_id, fact.user_id):
        await service.take_back(tx, Me.system, "POST_LIKE", None, fact.user_id, fact.post_id)


@facts.on(PostShared)
async def tell_of_share(tx: Tx, fact: PostShared) -> None:
    """Somebody's post is shared."""
    target = fact.shared_post_id or fact.post_id
    await service.tell_author(
        tx, Me.system, "POST_SHARE", fact.post_id, fact.user_id, target, shared_post_id=fact.shared_post_id
    )


@facts.on(Reposted)
async def tell_of_repost(tx: Tx, fact: Reposted) -> None:
    """Somebody's post is reposted, and still is."""
    if await reposts.stands(tx, Me.system, fact.post_id, fact.user_id):
        await service.tell_author(tx, Me.system, "POST_REPOST", fact.post_id, fact.user_id, fact.post_id)


@facts.on(Unreposted)
async def tell_no_more_of_repost(tx: Tx, fact: Unreposted) -> None:
    """Somebody took a repost back, and may have made it again since."""
    if not await reposts.stands(tx, Me.system, fact.post_id, fact.user_id):
        await service.take_back(tx, Me.system, "POST_REPOST", None, fact.user_id, fact.post_id)


@facts.on(CommentPublished)
async def tell_of_comment(tx: Tx, fact: CommentPublished) -> None:
    """Somebody's post is commented on, or their comment replied to."""
    await service.tell_of_comment(tx, Me.system, fact.comment_id)


@facts.on(CommentLiked)
async def tell_of_comment_like(tx: Tx, fact: CommentLiked) -> None:
    """Somebody's comment is liked."""
    await service.tell_writer(tx, Me.system, "COMMENT_LIKE", fact.comment_id, fact.user_id)


@facts.on(InterestShown)
async def tell_of_interest(tx: Tx, fact: InterestShown) -> None:
    """Somebody wants to come to somebody's event."""
    await service.tell_author(tx, Me.system, "EVENT_INTEREST", fact.post_id, fact.user_id, fact.post_id)


@facts.on(EventNears)
async def tell_of_event(tx: Tx, fact: EventNears) -> None:
    """An event begins soon."""
    await service.tell_of_event(tx, Me.system, fact.post_id, fact.user_id, fact.hours, fact.starts_at)


@facts.on(ItemSold)
async def tell_of_sale(tx: Tx, fact: ItemSold) -> None:
    """What somebody bookmarked is sold."""
    await service.tell_of_sale(tx, Me.system, fact.post_id, fact.user_id)


@facts.on(PostBought)
async def tell_of_purchase(tx: Tx, fact: PostBought) -> None:
    """Somebody's paid post was bought."""
    await service.tell(
        tx, Me.system, "POST_BOUGHT", fact.author_id, fact.buyer_id, fact.payment_id, about=fact.post_id,
        post_id=fact.post_id,
    )  # fmt: skip


@facts.on(SubscriptionChanged)
async def tell_of_subscriber(tx: Tx, fact: SubscriptionChanged) -> None:
    """Somebody has a subscriber."""
    if fact.began and fact.purpose == AUTHOR:
        payee = fact.payee_id
        await service.tell(
            tx, Me.system, "SUBSCRIBER", payee, fact.subscriber_id, fact.subscription_id, about=payee
        )


@facts.on(Voted)
async def tell_of_vote(tx: Tx, fact: Voted) -> None:
    """Somebody voted in somebody's poll for the first time."""
    await service.tell_author(tx, Me.system, "POLL_VOTE", fact.post_id, fact.user_id, fact.post_id)


@facts.on(DraftRefused)
async def tell_of_draft(tx: Tx, fact: DraftRefused) -> None:
    """Somebody's scheduled post was not published at its time."""
    found = await drafts.refused(tx, Me.system, fact.draft_id)
    if found is not None:
        author, failure = found
        words = f"Your scheduled post stays a draft: {failure.message}"
        target = uuid5(fact.draft_id, failure.failed_at.isoformat())  # it may fail again, for another reason
        await service.inform(
            tx, Me.system, "SYSTEM", author, "Not published", words, target, draft_id=fact.draft_id
        )


@facts.on(PostPublished)
async def tell_of_post(tx: Tx, fact: PostPublished) -> None:
    """Somebody whom others follow, or a business that they follow, published something."""
    await _tell_followers(tx, fact.post_id, UUID(int=0))


@facts.job
async def tell_more_of_post(tx: Tx, told: Announced) -> None:
    """The followers behind those who were told already."""
    await _tell_followers(tx, told.post_id, told.after)


@facts.on(MessageSent, together=True)
async def tell_of_message(app: App, sent: list[MessageSent]) -> None:
    """Somebody wrote to others. Those who have a device in use get some time to read it there."""
    async with app.db.fresh() as tx:
        waiting = await messages.unread_by(tx, Me.system, [fact.message_id for fact in sent])
    active = await messages.active(app, Me.system, {one.user_id for one in waiting})
    idle: dict[tuple[UUID, UUID], list[Unread]] = {}  # in the order of people
    for one in waiting:
        if one.user_id not in active:
            idle.setdefault((one.user_id, one.conversation_id), []).append(_unread(one))
    async with app.db.tx() as tx:
        for unread in idle.values():
            await service.tell_of_messages(tx, Me.system, unread)
        await _let_read(tx, [one for one in waiting if one.user_id in active], READING)


def _unread(one: Waiting) -> Unread:
    return Unread(one.conversation_id, one.message_id, one.sender_id, one.user_id, one.seq)


async def _let_read(tx: Tx, waiting: list[Waiting], time: timedelta) -> None:
    """Look in a while whether people have read this: once for all that comes to them in a conversation meanwhile."""
    jobs = {f"unread:{one.conversation_id}:{one.user_id}": _unread(one) for one in reversed(waiting)}
    await facts.enqueue_all(tx, tell_of_unread, jobs, after=time)


@facts.reopening
async def tell_of_unread(tx: Tx, unread: Unread) -> None:
    """Somebody had time to read a message. If they did not, they are told of all that waits there."""
    place, user = unread.conversation_id, unread.user_id
    waiting = await messages.unread_from(tx, Me.system, place, user, unread.seq)
    if not waiting:
        return
    if waiting[0].seq > unread.seq > 0:  # they read that one, and get the same time for what came since
        await _let_read(tx, waiting[:1], max(timedelta(0), waiting[0].created_at + READING - clock.now()))
        return
    await service.tell_of_messages(tx, Me.system, [_unread(one) for one in waiting])
    if len(waiting) == MOST_WAITING:
        await _let_read(
            tx, await messages.unread_from(tx, Me.system, place, user, waiting[-1].seq + 1), timedelta(0)
        )


@facts.on(ConversationRead)
async def forget_read(tx: Tx, fact: ConversationRead) -> None:
    """Who has read messages need not read that they came."""
    await service.forget_read(tx, Me.system, fact.user_id, fact.conversation_id, fact.seq)


@facts.on(MessageDeleted)
async def withdraw(tx: Tx, fact: MessageDeleted) -> None:
    """Nobody reads of a message that was taken back."""
    await service.withdraw(tx, Me.system, fact.message_id)


async def _tell_followers(tx: Tx, post_id: UUID, after: UUID) -> None:
    last = await service.tell_followers(tx, Me.system, post_id, after)
    if last is not None:
        await facts.enqueue(tx, tell_more_of_post, Announced(post_id, last))


@facts.on(Told)
async def push(app: App, fact: Told) -> None:
    """Send to the devices of whoever is told; to those that it did not reach, later again."""
    missed = await service.deliver(app, Me.system, fact.notification_id, fact.user_id)
    if missed is not None:
        await _try_again(app, Again(fact.notification_id, fact.user_id, missed.devices, 1), missed.after)


@facts.job
async def push_again(app: App, again: Again) -> None:
    """Send to devices that a push did not reach before."""
    missed = await service.deliver(app, Me.system, again.notification_id, again.user_id, only=again.devices)
    if missed is None:
        return
    attempt = again.attempt + 1
    if attempt >= ATTEMPTS:
        logger.error("push_given_up", notification=str(again.notification_id), devices=len(missed.devices))
        return
    await _try_again(app, Again(again.notification_id, again.user_id, missed.devices, attempt), missed.after)


async def _try_again(app: App, again: Again, least: timedelta) -> None:
    """Store the next attempt: later each time, and never before a push service wants it."""
    after = max(least, PAUSE * 4 ** (again.attempt - 1))
    async with app.db.tx() as tx:
        await facts.enqueue(tx, push_again, again, after=after)


@facts.every("37 3 * * *")
async def purge(app: App) -> None:
    """Delete notifications that are older than MAJLIS_NOTIFICATION_DAYS."""
    days = app.settings.notification_days
    more = days > 0
    while more:
        async with app.db.tx() as tx:
            more = await service.purge(tx, Me.system, clock.now() - timedelta(days=days))
