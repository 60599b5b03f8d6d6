"""Verbs of polls."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from majlis.features.polls import store
from majlis.features.polls.model import Poll
from majlis.kit import clock, ids
from majlis.kit.db import Reader, Tx
from majlis.kit.errors import Invalid, NotFound
from majlis.kit.me import Me

card, card_version, voted = store.card, store.card_version, store.voted  # SQL for stores above
LEAST, MOST, LONGEST = 2, 10, 200  # rule 87


def checked(options: Sequence[str] | None, field: str) -> list[str]:
    """The options of a poll, trimmed. Raises Invalid unless there are 2 to 10 different ones."""
    found = [" ".join(option.split()) for option in options or ()]
    if not LEAST <= len(found) <= MOST:
        raise Invalid.field(field, f"A poll has {LEAST} to {MOST} options.")
    for index, option in enumerate(found):
        if not 0 < len(option) <= LONGEST:
            raise Invalid.field(f"{field}[{index}]", f"An option has 1 to {LONGEST} characters.")
    if len({option.casefold() for option in found}) < len(found):
        raise Invalid.field(field, "The options must differ.")
    return found


async def create(tx: Tx, me: Me, post_id: UUID, options: Sequence[str]) -> None:
    """A poll for a post; whoever calls has checked that the post may have one."""
    poll_id, now = ids.new(), clock.now()
    await tx.run(store.ADD, poll_id, post_id, now)
    await tx.many(store.ADD_OPTION, [(ids.new(), poll_id, text, at, now) for at, text in enumerate(options)])


def of_card(raw: msgspec.Raw | None) -> Poll | None:
    """A poll as `card` brings it, without anybody's vote."""
    if raw is None:
        return None
    poll = msgspec.json.decode(raw, type=Poll)
    poll.total_votes = sum(option.vote_count for option in poll.options)
    for option in poll.options if poll.total_votes else ():
        option.percent = round(100 * option.vote_count / poll.total_votes, 1)
    return poll


async def post_of(tx: Reader, me: Me, poll_id: UUID) -> UUID:
    """The post of a poll; whoever calls asks whether it may be seen. Raises NotFound."""
    post_id = await tx.one(store.POST_OF, poll_id)
    if post_id is None:
        raise NotFound()
    return post_id


async def get(tx: Reader, me: Me, post_id: UUID) -> Poll:
    """The poll of a post that the caller has been found to see. Raises NotFound."""
    row = await tx.one(store.OF_POST, me.id, post_id)
    found = None if row is None else of_card(row.card)
    if row is None or found is None:
        raise NotFound()
    found.my_vote = row.my_vote
    return found


async def has_poll(tx: Reader, me: Me, post_id: UUID) -> bool:
    """Whether this post has its poll."""
    return await tx.one(store.LIVE, post_id) is not None


async def vote(tx: Tx, me: Me, poll_id: UUID, option_id: UUID) -> bool:
    """Choose an option; choosing again replaces it (rule 123). Whether it is the caller's first vote here.

    Raises Invalid for an option of another poll.
    """
    if not await tx.one(store.HAS_OPTION, poll_id, option_id):
        raise Invalid.field("poll_option_id", "The poll has no such option.")
    is_new = await tx.one(store.VOTE, ids.new(), me.user(), poll_id, option_id, clock.now())
    return is_new is True


async def unvote(tx: Tx, me: Me, poll_id: UUID) -> None:
    """Take the vote back, if there is one."""
    await tx.run(store.UNVOTE, me.user(), poll_id)
