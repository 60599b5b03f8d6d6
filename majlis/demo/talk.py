"""What people write: posts of every type, comments and replies."""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from majlis.demo import people, subjects, words
from majlis.demo.model import Comment, Occasion, Picture, Post, Resident, Sale

KABUL = ZoneInfo("Asia/Kabul")
DAYS = 60
# How much is posted in each hour of the day.
RHYTHM = (
    2, 1, 1, 1, 2, 6, 15, 24, 28, 24, 20, 20, 26, 20, 17, 19, 24, 30, 32, 34, 36, 30, 18, 8,
)  # fmt: skip
TYPES = {"FEED": 68, "SELL": 18, "EVENT": 9, "PULL": 5}
TRIES = 12  # to say it differently from all that was said


class Pen:
    """Writes posts and keeps in mind what was written, so that nobody copies anybody."""

    def __init__(self, rng: random.Random, now: datetime) -> None:
        self._rng = rng
        self._now = now
        self._said: set[str] = set()

    def post(self, author: Resident) -> Post:
        """A post by somebody."""
        rng = self._rng
        kind = rng.choices(list(TYPES), list(TYPES.values()))[0]
        others = author.speaks[1:]
        language = rng.choice(others) if others and rng.random() < 0.08 else author.language
        at = self._moment()
        write = {"FEED": self._talk, "SELL": self._offer, "EVENT": self._invite, "PULL": self._ask}[kind]
        for _ in range(TRIES):
            post = write(author, language, at)
            if self._is_new(post):
                return post
        post = self._talk(author, language, at)  # there are only so many questions
        while not self._is_new(post):
            post = self._talk(author, language, at)
        return post

    def _is_new(self, post: Post) -> bool:
        key = f"{post.title or ''} {post.text}"
        if key in self._said:
            return False
        self._said.add(key)
        return True

    def _moment(self) -> datetime:
        """Some time in the last days, more often lately, and by day."""
        rng = self._rng
        days = rng.choices(range(DAYS), [2.2 - day / 40 for day in range(DAYS)])[0]
        hour = rng.choices(range(24), RHYTHM)[0]
        day = self._now.astimezone(KABUL) - timedelta(days=days)
        at = day.replace(hour=hour, minute=rng.randrange(60), second=rng.randrange(60), microsecond=0)
        return at if at < self._now else at - timedelta(days=1)

    def _compose(self, author: Resident, language: str, *templates: str) -> str:
        return words.compose(
            self._rng,
            words.book(language),
            *templates,
            place=author.place(language),
            city=author.city.names[language],
            a=ending(author),
        )

    def _maybe(self, options: Sequence[str], chance: float) -> str:
        return self._rng.choice(options) if self._rng.random() < chance else ""

    def _pictures(self, among: Sequence[str], chance: float) -> list[Picture]:
        rng = self._rng
        if not among or rng.random() >= chance:
            return []
        count = rng.choices((1, 2, 3), (80, 15, 5))[0]
        names = [rng.choice(among) for _ in range(count)]
        found = [Picture(name, rng.randrange(subjects.variants(name))) for name in names]
        return list(dict.fromkeys(found))

    def _spread(self) -> float:
        return min(40.0, self._rng.paretovariate(1.15))

    def _talk(self, author: Resident, language: str, at: datetime) -> Post:
        rng, phrases = self._rng, words.book(language)
        topic = rng.choice(list(phrases.topics))
        among, chance = subjects.TOPICS[topic]
        opener, closer = self._maybe(phrases.openers, 0.3), self._maybe(phrases.closers, 0.35)
        return Post(
            author=author,
            at=at,
            type="FEED",
            topic=topic,
            language=language,
            text=self._compose(author, language, opener, rng.choice(phrases.topics[topic].posts), closer),
            pictures=self._pictures(among, chance),
            visibility=rng.choices(("PUBLIC", "FRIENDS", "PRIVATE"), (92, 6, 2))[0],
            spot=people.off(rng, author.home, 0.15)
            if rng.random() < 0.6
            else people.near(rng, author.district),
            shown=rng.random() < 0.45,
            appeal=self._spread(),
        )

    def _offer(self, author: Resident, language: str, at: datetime) -> Post:
        rng, phrases = self._rng, words.book(language)
        name = rng.choice(list(phrases.goods))
        goods, offer = subjects.GOODS[name], phrases.goods[name]
        texts = rng.sample(offer.texts, rng.randint(1, min(2, len(offer.texts))))
        more = [self._maybe(phrases.conditions, 0.4)] if goods.used else []
        more += rng.sample(phrases.deals, rng.randint(1, 2))
        more += [self._maybe([phrases.delivery], 0.2)] if goods.light else []
        return Post(
            author=author,
            at=at,
            type="SELL",
            topic="goods",
            language=language,
            title=self._compose(author, language, rng.choice(offer.titles)),
            text=self._compose(author, language, *texts, *more),
            pictures=self._pictures(goods.pictures, 0.88),
            sale=self._sale(goods),
            spot=people.off(rng, author.home, 0.15),
            shown=rng.random() < 0.6,
            appeal=self._spread() * 0.7,
        )

    def _sale(self, goods: subjects.Goods) -> Sale:
        rng = self._rng
        contact = f"700000{rng.randrange(1000):03}" if rng.random() < 0.35 else None
        if rng.random() < goods.gift:
            return Sale(goods.category, None, "AFN", None, contact)
        price = goods.least * (goods.most / goods.least) ** rng.random()
        step = 10 ** max(0, len(str(int(price))) - 2)
        discount = rng.choice((5, 10, 15, 20)) if rng.random() < 0.12 else None
        if goods.category == "Cars" and rng.random() < 0.4:
            return Sale(goods.category, round(price / 70 / 100) * 100, "USD", None, contact)
        return Sale(goods.category, round(price / step) * step, "AFN", discount, contact)

    def _invite(self, author: Resident, language: str, at: datetime) -> Post:
        rng, phrases = self._rng, words.book(language)
        name = rng.choice(list(phrases.events))
        event, (hour, length, among) = phrases.events[name], subjects.EVENTS[name]
        ahead = rng.randint(1, 28)
        if rng.random() < 0.18:  # over by now, as a rule
            ahead = (at - self._now).days + rng.randint(2, 9)
        extra = rng.sample(phrases.invitations, rng.randint(1, 2))
        return Post(
            author=author,
            at=at,
            type="EVENT",
            topic="events",
            language=language,
            title=self._compose(author, language, rng.choice(event.titles)),
            text=self._compose(author, language, rng.choice(event.texts), *extra),
            pictures=self._pictures(among, 0.7),
            occasion=Occasion(ahead, hour + rng.randint(-1, 1), length),
            spot=people.near(rng, author.district),
            shown=True,
            appeal=self._spread() * 1.2,
        )

    def _ask(self, author: Resident, language: str, at: datetime) -> Post:
        rng, phrases = self._rng, words.book(language)
        question = rng.choice(phrases.polls)
        return Post(
            author=author,
            at=at,
            type="PULL",
            topic="polls",
            language=language,
            text=self._compose(author, language, question.text),
            options=question.options,
            spot=people.off(rng, author.home, 0.15),
            shown=False,
            appeal=self._spread(),
        )

    # ---- comments

    def comment(self, author: Resident, post: Post, parent: Comment | None) -> Comment | None:
        """What somebody says to a post, or to a comment on it; None when all has been said there."""
        rng, phrases = self._rng, words.book(post.language)
        since = post.at if parent is None else parent.at
        delay = timedelta(minutes=min(60 * 24 * 9, rng.lognormvariate(4.6 if parent is None else 3.6, 1.4)))
        at = min(since + delay, max(since, self._now - timedelta(seconds=rng.randint(20, 900))))
        heard = (post.author if parent is None else parent.author).first_name
        for _ in range(TRIES // 2):
            text = words.compose(
                rng,
                phrases,
                rng.choice(self._remarks(post) if parent is None else _replies(author, post, parent)),
                name=heard,
                place=post.author.place(post.language),
                a=ending(author),
            )
            key = f"{id(post)} {text}"
            if key not in self._said:
                self._said.add(key)
                return Comment(author, post, parent, at, text)
        return None

    def _remarks(self, post: Post) -> Sequence[str]:
        phrases = words.book(post.language)
        fitting = {
            "SELL": phrases.goods_comments,
            "EVENT": phrases.event_comments,
            "PULL": phrases.poll_comments,
        }
        special = fitting.get(post.type) or phrases.topics[post.topic].comments
        return special if self._rng.random() < 0.72 else phrases.comments


def _replies(author: Resident, post: Post, parent: Comment) -> Sequence[str]:
    """What fits as a reply: by the post's author, to the post's author, or among others."""
    phrases = words.book(post.language)
    if author is post.author:
        return phrases.affirmations if asks(parent) else phrases.replies
    return phrases.acknowledgements if parent.author is post.author else phrases.answers


def asks(comment: Comment) -> bool:
    """Whether a comment is a question."""
    return comment.text.endswith(("?", "؟"))


def ending(person: Resident) -> str:
    """How a Russian past tense ends when this person speaks of themselves."""
    return "а" if person.gender == "female" else ""
