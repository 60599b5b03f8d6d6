"""The whole town, planned from a seed: the same seed and number of people give the same town."""

import random
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from majlis.demo import people, talk, words
from majlis.demo.model import Comment, Follow, Post, Resident, Share, Town

T = TypeVar("T")
POSTS_EACH = 3.4
COMMENTS_EACH = 2.1  # per post
LIKES_EACH = 5.5


def plan(count: int, seed: int, now: datetime) -> Town:
    """A town of this many people, as of now. Only the times depend on `now`, so nothing is drawn in their order."""
    rng = random.Random(seed)
    residents = people.residents(rng, count, f"town{seed}.example")
    follows = people.follows(rng, residents, now)
    pen = talk.Pen(rng, now)
    posts = _posts(rng, pen, residents)
    crowd = Crowd(rng, residents, follows)
    comments = _comments(rng, pen, crowd, posts)
    likes = crowd.likes(posts)
    return Town(
        residents=residents,
        follows=follows,
        posts=sorted(posts, key=lambda post: post.at),
        comments=sorted(
            comments, key=lambda comment: comment.at
        ),  # stable: a reply stays behind what it answers
        shares=_shares(rng, crowd, posts, now),
        likes=likes,
        bookmarks=[pair for pair in likes if pair[1].visibility == "PUBLIC" and rng.random() < 0.09],
        comment_likes=crowd.comment_likes(comments),
        votes=crowd.votes(posts),
    )


def _posts(rng: random.Random, pen: talk.Pen, residents: list[Resident]) -> list[Post]:
    total = round(len(residents) * POSTS_EACH)
    authors = rng.choices(residents, [one.voice for one in residents], k=total)
    return [pen.post(author) for author in authors]


def _comments(rng: random.Random, pen: talk.Pen, crowd: "Crowd", posts: list[Post]) -> list[Comment]:
    """Comments, each behind what it answers."""
    found: list[Comment] = []
    for post in posts:
        if post.visibility != "PUBLIC":
            continue
        lively = min(
            14, round(rng.expovariate(1 / COMMENTS_EACH) * (0.55 + 0.25 * min(4.0, post.appeal)) * 0.7)
        )
        for author in crowd.around(post, lively, speaking=True):
            found += _thread(rng, pen, crowd, post, author)
    return found


def _thread(rng: random.Random, pen: talk.Pen, crowd: "Crowd", post: Post, author: Resident) -> list[Comment]:
    """A comment by somebody and what it leads to."""
    comment = pen.comment(author, post, None)
    if comment is None:
        return []
    found = [comment]
    reply = None
    if rng.random() < (0.75 if talk.asks(comment) else 0.3):
        reply = pen.comment(post.author, post, comment)
    elif not talk.asks(comment) and rng.random() < 0.15:
        others = [one for one in crowd.around(post, 1, speaking=True) if one is not author]
        found += [remark for one in others if (remark := pen.comment(one, post, comment)) is not None]
    if reply is not None:
        found.append(reply)
        if rng.random() < 0.2 and (end := pen.comment(author, post, reply)) is not None:
            found.append(end)
    return found


def _shares(rng: random.Random, crowd: "Crowd", posts: list[Post], now: datetime) -> list[Share]:
    found = []
    for post in posts:
        if post.visibility != "PUBLIC" or rng.random() > 0.02 * min(8.0, post.appeal):
            continue
        for author in crowd.around(post, 1 + (rng.random() < 0.2), speaking=True):
            at = min(
                post.at + timedelta(hours=rng.lognormvariate(1.8, 1)),
                now - timedelta(minutes=rng.randint(2, 50)),
            )
            text = rng.choice(words.book(author.language).shares) if rng.random() < 0.6 else None
            found.append(Share(author, post, text, max(at, post.at)))
    return sorted(found, key=lambda share: share.at)


class Crowd:
    """Who gathers around a post: those who follow its author, neighbours, and passers-by."""

    def __init__(self, rng: random.Random, residents: list[Resident], follows: Iterable[Follow]) -> None:
        self._rng = rng
        self._residents = residents
        self._speakers = {one: [p for p in residents if one in p.speaks] for one in words.LANGUAGES}
        self._neighbours: dict[str, list[Resident]] = {}
        for person in residents:
            self._neighbours.setdefault(_home(person), []).append(person)
        self._followers: dict[int, list[Resident]] = {}
        pairs = set()
        for follow in follows:
            self._followers.setdefault(follow.following.number, []).append(follow.follower)
            pairs.add((follow.follower.number, follow.following.number))
        self._mutual = {pair for pair in pairs if (pair[1], pair[0]) in pairs}

    def around(self, post: Post, count: int, *, speaking: bool) -> list[Resident]:
        """Up to so many others who may see a post, each once; those who speak its language, if asked."""
        rng, author = self._rng, post.author
        followers = self._followers.get(author.number, [])
        pools = [
            (pool, weight)
            for pool, weight in (
                (followers, 50),
                (self._neighbours[_home(author)], 25),
                (self._speakers[post.language], 20 if speaking else 8),
                ([] if speaking else self._residents, 12),
            )
            if pool
        ]
        found: dict[int, Resident] = {}
        for _ in range(count * 3):
            if len(found) >= count:
                break
            pool = rng.choices([pool for pool, _ in pools], [weight for _, weight in pools])[0]
            one = rng.choice(pool)
            if one is author or (speaking and post.language not in one.speaks) or not self._sees(one, post):
                continue
            found[one.number] = one
        return list(found.values())

    def _sees(self, person: Resident, post: Post) -> bool:
        if post.visibility == "FRIENDS":
            return (person.number, post.author.number) in self._mutual
        return post.visibility == "PUBLIC"

    def likes(self, posts: Sequence[Post]) -> list[tuple[Resident, Post]]:
        """Who likes what: a few posts have most of the likes."""
        most = round(len(self._residents) * 0.7)
        found = []
        for post in posts:
            pull = 0.5 + 0.5 * min(3.0, post.author.pull**0.5)
            wanted = min(most, round(LIKES_EACH * 0.28 * post.appeal * pull + self._rng.expovariate(1)))
            found += [(person, post) for person in self.around(post, wanted, speaking=False)]
        return shuffled(self._rng, found)

    def comment_likes(self, comments: Sequence[Comment]) -> list[tuple[Resident, Comment]]:
        """Who likes which comments."""
        found = []
        for comment in comments:
            wanted = int(self._rng.expovariate(1.1))
            found += [(one, comment) for one in self.around(comment.post, wanted, speaking=True)]
        return shuffled(self._rng, [pair for pair in found if pair[0] is not pair[1].author])

    def votes(self, posts: Sequence[Post]) -> list[tuple[Resident, Post, int]]:
        """Who votes for what; each poll leans to some side."""
        found = []
        for post in posts:
            if not post.options:
                continue
            lean = [self._rng.paretovariate(1.2) for _ in post.options]
            voters = self.around(post, round(6 + 5 * min(8.0, post.appeal)), speaking=True)
            choices = self._rng.choices(range(len(post.options)), lean, k=len(voters))
            found += [(voter, post, choice) for voter, choice in zip(voters, choices, strict=True)]
        return found


def _home(person: Resident) -> str:
    return f"{person.city.province} {person.district.names['english']}"


def shuffled(rng: random.Random, things: Sequence[T]) -> list[T]:
    """The same in another order."""
    return rng.sample(list(things), len(things))


def guide(town: Town) -> Resident:
    """Who is good to sign in as: somebody with a face who posts, follows and is followed."""
    score = dict.fromkeys((one.number for one in town.residents), 0)
    for post in town.posts:
        score[post.author.number] += 2
    for follow in town.follows:
        score[follow.following.number] += 3
        score[follow.follower.number] += 1
    language = town.residents[0].language
    return max(
        town.residents,
        key=lambda one: (one.language == language, one.face == "portrait", score[one.number], -one.number),
    )
