"""Rows of paid posts, of their media and of who bought them."""

from datetime import datetime
from uuid import UUID

import msgspec

from majlis.features.media.model import Photo
from majlis.features.paywall.model import AUTHOR, Paid, PaidMedia, Purchase, PurchaseStatus, Sale, address_of
from majlis.features.posts.service import SHOWN
from majlis.kit.db import Query

# Whether the viewer $1 may read what is behind the paywall of `d` at $2: the author, who bought it, who subscribes, and
# everybody once it is free.
# A subscription that ends is active until its period does; one whose last month was given back opens nothing.
OPEN = f"""coalesce(d.free OR d.author_id = $1
  OR coalesce((SELECT true FROM purchases b WHERE b.user_id = $1 AND b.post_id = d.post_id AND b.status = 'bought'), false)
  OR coalesce((SELECT true FROM subscriptions s WHERE s.subscriber_id = $1 AND s.payee_id = d.author_id
    AND s.purpose = '{AUTHOR}' AND s.status = 'active' AND (NOT s.ends OR s.period_end > $2)
    AND NOT coalesce((SELECT true FROM paywall_lapses l WHERE l.subscription_id = s.id AND l.until >= s.period_end
      LIMIT 1), false)), false), false)"""


class Media(msgspec.Struct):
    """A paid picture or video with what signs its addresses."""

    id: UUID
    key: str
    photo: Photo
    alt_text: str | None
    created_at: datetime

    def shown(self, viewer: UUID | None, now: datetime) -> PaidMedia:
        """The same with an address that is this viewer's own."""
        photo, url = self.photo, address_of(bytes.fromhex(self.key), self.id, viewer, now)
        return PaidMedia(
            self.id, url, photo.name, photo.mime_type, photo.size, photo.width, photo.height,
            self.alt_text, self.created_at,
        )  # fmt: skip


class Row(msgspec.Struct):
    """A paid post as this viewer may have it."""

    post_id: UUID
    author_id: UUID
    unlocked: bool
    free: bool
    price: int | None
    currency: str
    media_count: int
    body: str | None
    media: msgspec.Raw | None

    def shown(self, viewer: UUID | None, now: datetime) -> Paid:
        """The same for the wire."""
        kept = [] if self.media is None else msgspec.json.decode(self.media, type=list[Media])
        return Paid(
            post_id=self.post_id,
            author_id=self.author_id,
            unlocked=self.unlocked,
            free=self.free,
            price=self.price,
            currency=self.currency,
            media_count=self.media_count,
            text=self.body,
            media=[one.shown(viewer, now) for one in kept],
        )


# Nothing of what is locked leaves the database for those who have not paid. What a free post says stands in the post,
# where it is edited, searched and listed; `body` is what it said when it became free.
OF = Query(
    Row,
    f"""SELECT d.post_id, d.author_id, o.open AS unlocked, d.free, d.price, d.currency,
      (SELECT count(*) FROM paid_media m WHERE m.post_id = d.post_id) AS media_count,
      CASE WHEN d.free THEN (SELECT coalesce(p.description, '') FROM posts p WHERE p.id = d.post_id)
        WHEN o.open THEN d.body END AS body,
      CASE WHEN o.open THEN (SELECT jsonb_agg(jsonb_build_object('id', m.id, 'key', encode(m.key, 'hex'),
        'photo', m.photo, 'alt_text', m.alt_text, 'created_at', m.created_at) ORDER BY m.position)
        FROM paid_media m WHERE m.post_id = d.post_id) END AS media
    FROM paid_posts d CROSS JOIN LATERAL (SELECT {OPEN} AS open) o WHERE d.post_id = ANY ($3::uuid[])""",
)


class Terms(msgspec.Struct):
    """A paid post as its author set it up."""

    post_id: UUID
    author_id: UUID
    body: str
    price: int | None
    currency: str
    free: bool
    media_count: int
    enabled: bool  # whether the author takes money now


_TERMS = """SELECT d.post_id, d.author_id, d.body, d.price, d.currency, d.free,
  (SELECT count(*) FROM paid_media m WHERE m.post_id = d.post_id) AS media_count,
  (SELECT a.monetization_enabled FROM profiles a WHERE a.id = d.author_id) AS enabled
  FROM paid_posts d WHERE d.post_id = $1"""
TERMS = Query(Terms, _TERMS)
HOLD = Query(Terms, f"{_TERMS} FOR NO KEY UPDATE OF d")
ADD = """
INSERT INTO paid_posts (post_id, author_id, body, price, currency, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $6)
"""
SET = "UPDATE paid_posts SET body = $2, price = $3, currency = $4, updated_at = $5 WHERE post_id = $1"
ENCLOSE = """
INSERT INTO paid_posts (post_id, author_id, body, price, currency, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT (post_id) DO UPDATE SET free = false, body = excluded.body,
  price = excluded.price, currency = excluded.currency, updated_at = excluded.updated_at
"""
FREE = "UPDATE paid_posts SET free = true, updated_at = $2 WHERE post_id = $1"
FORGET_EDITS = Query(int, "SELECT post_edits_forget($1)")
DELETE = "DELETE FROM paid_posts WHERE post_id = $1"
CURRENCY = Query(str, "SELECT currency FROM paywall_authors WHERE user_id = $1")
SET_CURRENCY = """
INSERT INTO paywall_authors (user_id, currency, updated_at) VALUES ($1, $2, $3)
ON CONFLICT (user_id) DO UPDATE SET currency = excluded.currency, updated_at = excluded.updated_at
"""

# ---- media

ADD_MEDIA = """
INSERT INTO paid_media (id, author_id, object, position, key, photo, alt_text, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""
TAKE_MEDIA = "UPDATE paid_media SET post_id = $2 WHERE id = ANY ($1::uuid[])"


class File(msgspec.Struct):
    """Where the bytes of something paid are."""

    object: str
    key: bytes
    photo: msgspec.Raw


FILE = Query(
    File,
    f"""SELECT m.object, m.key, m.photo FROM paid_media m JOIN paid_posts d ON d.post_id = m.post_id
    JOIN posts p ON p.id = d.post_id JOIN profiles a ON a.id = p.user_id
    WHERE m.id = $3 AND {SHOWN} AND {OPEN}""",
)
LOOSE = Query(
    str,
    "SELECT object FROM paid_media WHERE post_id IS NULL AND created_at < $1 ORDER BY created_at LIMIT 100",
)
FORGET = "DELETE FROM paid_media WHERE object = $1 AND post_id IS NULL"

# ---- who bought


class Bill(msgspec.Struct):
    """A purchase whole."""

    id: UUID
    post_id: UUID
    user_id: UUID | None
    author_id: UUID
    status: PurchaseStatus
    payment_id: UUID | None


_BILL = "id, post_id, user_id, author_id, status, payment_id"
BEGIN = Query(
    Bill,
    f"""INSERT INTO purchases (id, post_id, user_id, author_id, amount, currency, status, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, 'pending', $7, $7)
    ON CONFLICT (user_id, post_id) DO UPDATE SET updated_at = excluded.updated_at RETURNING {_BILL}""",
)
HOLD_BILL = Query(Bill, f"SELECT {_BILL} FROM purchases WHERE id = $1 FOR UPDATE")
SETTLE = """
UPDATE purchases SET status = $2, payment_id = $3, amount = $4, currency = $5, updated_at = $6 WHERE id = $1
"""
_MINE = (
    "SELECT id, post_id, author_id, amount, currency, status, created_at FROM purchases WHERE user_id = $1"
)
MINE = Query(Purchase, f"{_MINE} AND id < $2 AND status <> 'pending' ORDER BY id DESC LIMIT $3")
MINE_FIRST = Query(Purchase, f"{_MINE} AND status <> 'pending' ORDER BY id DESC OFFSET $2 LIMIT $3")
MINE_TOTAL = Query(int, "SELECT count(*) FROM purchases WHERE user_id = $1 AND status <> 'pending'")
_SALES = "SELECT id, post_id, user_id AS buyer_id, amount, currency, status, created_at FROM purchases WHERE author_id = $1"
SALES = Query(Sale, f"{_SALES} AND id < $2 AND status <> 'pending' ORDER BY id DESC LIMIT $3")
SALES_FIRST = Query(Sale, f"{_SALES} AND status <> 'pending' ORDER BY id DESC OFFSET $2 LIMIT $3")
SALES_TOTAL = Query(int, "SELECT count(*) FROM purchases WHERE author_id = $1 AND status <> 'pending'")
# The parts of lists, as `paged.rows` takes them.
PURCHASES, SOLD = (MINE, MINE_FIRST, MINE_TOTAL), (SALES, SALES_FIRST, SALES_TOTAL)
SALE = Query(Sale, f"{_SALES} AND id = $2")
LAPSE = """
INSERT INTO paywall_lapses (payment_id, subscription_id, until)
SELECT $1, id, period_end FROM subscriptions WHERE id = $2 AND period_end IS NOT NULL ON CONFLICT DO NOTHING
"""
UNLAPSE = "DELETE FROM paywall_lapses WHERE payment_id = $1"
