"""Rows of copies of people's data, and what goes into one."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from majlis.features.exports.model import State
from majlis.features.graph.service import BLOCKED
from majlis.kit.db import Query, Tx


class Row(msgspec.Struct):
    """A copy as it is stored."""

    id: UUID
    user_id: UUID
    object: str
    state: State
    size: int | None
    created_at: datetime
    finished_at: datetime | None
    expires_at: datetime | None


_COLUMNS = ", ".join(Row.__struct_fields__)
# None while one is under way: the index that allows one of these is what two requests at once meet.
ADD = Query(
    Row,
    f"""INSERT INTO exports (id, user_id, object, created_at) VALUES ($1, $2, $3, $4)
    ON CONFLICT DO NOTHING RETURNING {_COLUMNS}""",
)
LATEST = Query(Row, f"SELECT {_COLUMNS} FROM exports WHERE user_id = $1 ORDER BY id DESC LIMIT 1")
ONE = Query(Row, f"SELECT {_COLUMNS} FROM exports WHERE id = $1")
READY = Query(
    Row,
    f"""UPDATE exports SET state = 'ready', size = $2, finished_at = $3, expires_at = $4
    WHERE id = $1 AND state = 'queued' RETURNING {_COLUMNS}""",
)
# A newer copy takes the place of the older ones.
RETIRE = "UPDATE exports SET expires_at = $3 WHERE user_id = $1 AND id <> $2 AND state = 'ready' AND expires_at > $3"
FAILED = Query(
    Row,
    f"""UPDATE exports SET state = 'failed', finished_at = $2 WHERE id = $1 AND state = 'queued'
    RETURNING {_COLUMNS}""",
)
STUCK = Query(Row, f"SELECT {_COLUMNS} FROM exports WHERE state = 'queued' AND created_at < $1 LIMIT 500")
OVER = Query(Row, f"SELECT {_COLUMNS} FROM exports WHERE state = 'ready' AND expires_at <= $1 LIMIT 500")
EXPIRED = "UPDATE exports SET state = 'expired' WHERE id = $1"
PICTURES = Query(
    str,
    """SELECT object FROM uploads WHERE user_id = $1 AND removed_at IS NULL AND object > $2
    ORDER BY object LIMIT 100""",
)
# Of files of conversations, the folders in which their bytes lie.
FILES = Query(
    str,
    """SELECT object FROM attachments WHERE user_id = $1 AND removed_at IS NULL AND state = 'ready' AND object > $2
    ORDER BY object LIMIT 100""",
)
# Of paid posts, which lie where only those who paid reach them.
PAID_FILES = Query(
    str,
    """SELECT object FROM paid_media WHERE author_id = $1 AND post_id IS NOT NULL AND object > $2
    ORDER BY object LIMIT 100""",
)
# Of whatever stores files, those that are there: the rest was never finished, or is on its way out.
STORED = Query(
    str,
    """SELECT object FROM uploads WHERE object = ANY($1::text[]) AND removed_at IS NULL
    UNION ALL SELECT object FROM attachments
      WHERE object = ANY($1::text[]) AND removed_at IS NULL AND state IN ('stored', 'ready')
    UNION ALL SELECT object FROM paid_media WHERE object = ANY($1::text[])
    UNION ALL SELECT object FROM exports WHERE object = ANY($1::text[]) AND state = 'ready'
    UNION ALL SELECT object FROM workspace_exports WHERE object = ANY($1::text[]) AND status = 'done'""",
)

IS_OVERDUE = Query(UUID, "SELECT id FROM users WHERE id = $1 AND deleted_at < $2")
OVERDUE = Query(UUID, "SELECT id FROM users WHERE deleted_at < $1 ORDER BY deleted_at LIMIT $2")
# Pictures of other people that nothing refers to once somebody's posts, comments and messages are erased: those of
# comments and replies below them.
FALLING = Query(
    str,
    """WITH RECURSIVE falling AS (
      (SELECT c.id FROM posts p JOIN post_comments c ON c.post_id = p.id WHERE p.user_id = $1
       UNION SELECT id FROM post_comments WHERE user_id = $1)
      UNION SELECT c.id FROM falling f JOIN post_comments c ON c.parent_comment_id = f.id
    )
    SELECT a -> 'photo' ->> 'url' AS url FROM falling f JOIN post_comments c ON c.id = f.id
    CROSS JOIN LATERAL json_array_elements(c.attachments) AS a WHERE c.user_id <> $1
    UNION ALL
    SELECT a ->> 'url' FROM messages root JOIN messages m ON m.thread_root_id = root.id
    CROSS JOIN LATERAL jsonb_array_elements(m.files) AS a
    WHERE root.sender_id = $1 AND m.sender_id <> $1 AND m.deleted_at IS NULL""",
)


# ---- what goes into a copy: each kind a query of the user $1, without anybody else's private things


def _point(column: str) -> str:
    return f"""CASE WHEN {column} IS NOT NULL
      THEN jsonb_build_object('lat', ({column})[1], 'lng', ({column})[0]) END"""


_PLACE = "country, province, district, neighborhood"
_ACCOUNT = """id, email, phone, email_verified, phone_verified, mfa_enabled, role, last_login_at, suspended_at,
  suspended_until, suspended_reason, created_at, updated_at"""
_POST = f"""id, business_id, original_post_id, category_id, title, description, type, status, visibility, currency,
  price, discount, free, sold, country_code, contact_no, is_location, start_date, start_time, end_date, end_time,
  expired_at, {_PLACE}, attachments, interested_count, going_count, total_comments, total_likes, total_shares,
  hidden_as, hidden_reason, created_at, updated_at"""
_BUSINESS = f"""id, name, license_no, description, address, phone_number, email, website, avatar, cover, status,
  additional_info, {_PLACE}, show_location, time_zone, total_views, total_follow, hidden_as, hidden_reason,
  created_at, updated_at"""
_KEPT = "(deleted_at IS NULL OR hidden_as IS NOT NULL)"  # what its owner deleted is gone; what moderators hid is not

ROWS = {
    "account": f"""SELECT {_ACCOUNT},
        (SELECT jsonb_agg(jsonb_build_object('provider', provider, 'email', email, 'created_at', created_at))
         FROM user_identities WHERE user_id = $1) AS identities,
        (SELECT jsonb_agg(jsonb_build_object('name', name, 'created_at', created_at, 'last_used_at', last_used_at))
         FROM passkeys WHERE user_id = $1) AS passkeys
      FROM users WHERE id = $1""",
    "profile": f"""SELECT id, username, first_name, last_name, avatar, cover, about, gender, dob, website, {_PLACE},
        {_point("location")} AS location, is_private, is_complete, followers_count, following_count, posts_count,
        monetization_enabled, subscription_price, created_at, updated_at
      FROM profiles WHERE id = $1""",
    "posts": f"""SELECT {_POST}, {_point("address_location")} AS address_location,
        {_point("user_location")} AS user_location,
        (SELECT jsonb_agg(jsonb_build_object('option', o.option, 'votes', o.vote_count) ORDER BY o.position)
         FROM polls q JOIN poll_options o ON o.poll_id = q.id WHERE q.post_id = posts.id) AS poll,
        (SELECT jsonb_agg(jsonb_build_object('edited_at', e.edited_at, 'before', e.before) ORDER BY e.id)
         FROM post_edits e WHERE e.post_id = posts.id) AS edits,
        (SELECT l.metadata FROM post_labels l WHERE l.post_id = posts.id) AS metadata
      FROM posts WHERE user_id = $1 AND {_KEPT} ORDER BY id""",
    "articles": """SELECT id, title, slug, content, status, view_count, version, created_at, updated_at,
        (SELECT jsonb_agg(s.slug ORDER BY s.created_at) FROM article_slugs s WHERE s.article_id = articles.id) AS slugs
      FROM articles WHERE author_id = $1 AND deleted_at IS NULL ORDER BY id""",
    "tasks": """SELECT id, kind, data, status, progress, result, error, created_at, ended_at FROM tasks
      WHERE user_id = $1 ORDER BY id""",
    "notification_preferences": """SELECT email_enabled, push_enabled, web_socket_enabled, categories, updated_at
      FROM notification_preferences WHERE user_id = $1""",
    "drafts": "SELECT id, body, publish_at, failure, created_at, updated_at FROM drafts WHERE user_id = $1 ORDER BY id",
    "comments": f"""SELECT id, post_id, parent_comment_id, text, {_point("location")} AS location, attachments,
        total_likes, total_replies, hidden_as, hidden_reason, created_at, updated_at
      FROM post_comments WHERE user_id = $1 AND {_KEPT} ORDER BY id""",
    "likes": """SELECT post_id, NULL::uuid AS comment_id, created_at FROM post_likes WHERE user_id = $1
      UNION ALL SELECT NULL, comment_id, created_at FROM post_comment_likes WHERE user_id = $1 ORDER BY created_at""",
    "bookmarks": "SELECT post_id, created_at FROM post_bookmarks WHERE user_id = $1 ORDER BY created_at",
    "reposts": "SELECT post_id, created_at FROM post_reposts WHERE user_id = $1 ORDER BY created_at",
    "shares": """SELECT original_post_id, shared_post_id, share_text, created_at FROM post_shares
      WHERE user_id = $1 ORDER BY created_at""",
    "votes": """SELECT q.post_id, v.poll_id, o.option, v.created_at, v.updated_at FROM user_polls v
      JOIN poll_options o ON o.id = v.poll_option_id JOIN polls q ON q.id = v.poll_id
      WHERE v.user_id = $1 ORDER BY v.created_at""",
    "events": """SELECT post_id, event_state, created_at, updated_at FROM event_interests
      WHERE user_id = $1 ORDER BY created_at""",
    "nightlife": "SELECT role, location, created_at, updated_at FROM nightlife_people WHERE user_id = $1",
    "nights": """SELECT n.post_id, n.location, n.tags, n.image_name, n.featured, n.created_at, n.updated_at
      FROM nightlife_events n JOIN posts p ON p.id = n.post_id AND (p.deleted_at IS NULL OR p.hidden_as IS NOT NULL)
      WHERE p.user_id = $1 ORDER BY n.post_id""",
    "following": """SELECT following_id AS user_id, NULL::uuid AS business_id, created_at FROM user_follows
      WHERE follower_id = $1
      UNION ALL SELECT NULL, business_id, created_at FROM business_profile_followers WHERE follower_id = $1
      ORDER BY created_at""",
    "followers": """SELECT follower_id AS user_id, created_at FROM user_follows WHERE following_id = $1
      ORDER BY created_at""",
    "follow_requests": """SELECT follower_id, following_id, created_at FROM follow_requests
      WHERE follower_id = $1 OR following_id = $1 ORDER BY created_at""",
    "blocks": "SELECT blocked_id AS user_id, created_at FROM user_blocks WHERE blocker_id = $1 ORDER BY created_at",
    "mutes": "SELECT muted_id AS user_id, created_at FROM user_mutes WHERE muter_id = $1 ORDER BY created_at",
    "muted_words": "SELECT word, created_at FROM muted_words WHERE user_id = $1 ORDER BY created_at",
    "businesses": f"""SELECT {_BUSINESS}, {_point("address_location")} AS address_location,
        (SELECT jsonb_agg(jsonb_build_object('day', h.day, 'open_time', h.open_time, 'close_time', h.close_time,
           'is_closed', h.is_closed)) FROM business_hours h WHERE h.business_profile_id = business_profiles.id) AS hours,
        (SELECT jsonb_agg(c.name) FROM business_profile_categories k JOIN business_categories c
           ON c.id = k.business_category_id WHERE k.business_profile_id = business_profiles.id) AS categories,
        (SELECT jsonb_agg(a.photo) FROM business_attachments a
         WHERE a.business_profile_id = business_profiles.id AND a.deleted_at IS NULL) AS gallery
      FROM business_profiles WHERE user_id = $1 AND {_KEPT} ORDER BY id""",
    "notifications": """SELECT id, type, title, message, data, read, actor_id, created_at FROM notifications
      WHERE user_id = $1 ORDER BY id""",
    "sessions": """SELECT id, device_info, host(ip_address) AS ip_address, user_agent, aal, expires_at, revoked_at,
        last_used_at, created_at FROM user_sessions WHERE user_id = $1 ORDER BY created_at""",
    "orders": """SELECT id, post_id, seller_id, lines, currency, subtotal, discount, total, discount_code, status,
        expires_at, paid_at, created_at FROM orders WHERE buyer_id = $1 ORDER BY created_at""",
    "tickets": """SELECT t.id, t.post_id, y.name AS type_name, t.order_id, t.price, t.paid, t.currency, t.status,
        t.holder_id = $1 AS holds, CASE WHEN t.holder_id = $1 THEN t.code END AS code, t.used_at, t.created_at
      FROM tickets t JOIN ticket_types y ON y.id = t.type_id
      WHERE t.holder_id = $1 OR t.buyer_id = $1 ORDER BY t.created_at""",
    "waitlist": """SELECT post_id, type_id, quantity, status, offer_expires_at, created_at FROM waitlist_entries
      WHERE user_id = $1 ORDER BY created_at""",
    "payments": """SELECT id, payer_id, payee_id, purpose, reference, amount, currency, fee, status, refunded, created_at
      FROM payments WHERE payer_id = $1 OR payee_id = $1 ORDER BY created_at""",
    "subscriptions": """SELECT s.id, s.subscriber_id, s.payee_id, s.purpose, p.amount, p.currency, s.status, s.period_end,
        s.created_at FROM subscriptions s JOIN subscription_prices p ON p.id = s.price_id
      WHERE s.subscriber_id = $1 OR s.payee_id = $1 ORDER BY s.created_at""",
    "paid_posts": """SELECT d.post_id, CASE WHEN d.free THEN p.description ELSE d.body END AS body, d.price, d.currency,
        d.created_at, d.updated_at,
        (SELECT jsonb_agg(jsonb_build_object('object', m.object, 'name', m.photo ->> 'name', 'alt_text', m.alt_text)
           ORDER BY m.position) FROM paid_media m WHERE m.post_id = d.post_id) AS media
      FROM paid_posts d JOIN posts p ON p.id = d.post_id AND (p.deleted_at IS NULL OR p.hidden_as IS NOT NULL)
      WHERE d.author_id = $1 ORDER BY d.post_id""",
    "prices": "SELECT currency, updated_at FROM paywall_authors WHERE user_id = $1",
    "purchases": """SELECT id, post_id, author_id, amount, currency, status, created_at FROM purchases
      WHERE user_id = $1 ORDER BY id""",
    "stewardships": "SELECT post_id, created_at FROM stewards WHERE user_id = $1 ORDER BY created_at",
    "media": "SELECT id, photo, alt_text, created_at FROM library_items WHERE user_id = $1 ORDER BY id",
    "bank_accounts": """SELECT bank_name, account_type, last4, created_at FROM bank_accounts WHERE user_id = $1
      ORDER BY created_at""",
    "connections": """SELECT platform, subject, username, profile_url, is_connected, created_at FROM connections
      WHERE user_id = $1 ORDER BY created_at""",
    "devices": "SELECT id, kind, name, created_at, updated_at FROM devices WHERE user_id = $1 ORDER BY created_at",
    "conversations": """SELECT m.conversation_id, c.kind, m.joined_at, m.left_seq IS NOT NULL AS has_left
      FROM conversation_members m JOIN conversations c ON c.id = m.conversation_id
      WHERE m.user_id = $1 ORDER BY m.joined_at""",
    "messages": """SELECT id, conversation_id, thread_root_id, type, text, files, data, created_at, edited_at
      FROM messages WHERE sender_id = $1 AND deleted_at IS NULL ORDER BY id""",
    "documents": f"""SELECT d.id, d.owner_id, CASE WHEN d.owner_id = $1 OR NOT d.owner_id = ANY ({BLOCKED})
          THEN d.title END AS title, d.version, d.created_at, d.updated_at,
        (SELECT jsonb_agg(u.changes ORDER BY u.version) FROM document_updates u
         WHERE u.document_id = d.id AND u.user_id = $1) AS changes
      FROM documents d WHERE d.owner_id = $1
        OR d.id IN (SELECT document_id FROM document_people WHERE user_id = $1) ORDER BY d.id""",
    "files": """SELECT id, conversation_id, object, name, mime_type, size, sha256, created_at FROM attachments
      WHERE user_id = $1 AND removed_at IS NULL AND state = 'ready' ORDER BY id""",
    "message_drafts": """SELECT conversation_id, place, text, updated_at FROM message_drafts
      WHERE user_id = $1 ORDER BY updated_at""",
    "scheduled_messages": """SELECT id, conversation_id, message, send_at, state, created_at FROM scheduled_messages
      WHERE user_id = $1 ORDER BY send_at""",
    "threads": "SELECT root_id, following FROM thread_follows WHERE user_id = $1 ORDER BY root_id",
    "message_reactions": "SELECT message_id, emoji FROM message_reactions WHERE user_id = $1 ORDER BY message_id",
    "workspaces": """SELECT m.workspace_id, w.name, m.role, m.username, m.display_name, m.title, m.joined_at
      FROM workspace_members m JOIN workspaces w ON w.id = m.workspace_id
      WHERE m.user_id = $1 ORDER BY m.joined_at""",
    "availability": """SELECT presence, until, emoji, text, expires_at, updated_at FROM availability
      WHERE user_id = $1""",
    "webhooks": """SELECT id, workspace_id, channel_id, display_name, icon_url, created_at FROM incoming_webhooks
      WHERE created_by = $1 ORDER BY id""",
    "channel_settings": """SELECT channel_id, notify, muted_until, starred FROM channel_preferences
      WHERE user_id = $1 ORDER BY channel_id""",
    "privacy_settings": """SELECT full_name_visibility, profile_photos_visibility, profile_bio_visibility,
        discoverability_visibility, mention_visibility, direct_message_visibility, sync_contacts, discover_by_email,
        discover_by_phone, is_private, read_receipts, updated_at FROM privacy_settings WHERE profile_id = $1""",
    "notification_settings": """SELECT category, push_pref, in_app_pref, email_pref, updated_at
      FROM notification_settings WHERE profile_id = $1 ORDER BY category""",
    "reports": """SELECT 'user' AS kind, reported_user AS target_id, reason, description AS comments, created_at
        FROM user_reports WHERE reported_by_id = $1
      UNION ALL SELECT 'post', post_id, reason, additional_comments, created_at FROM post_reports WHERE user_id = $1
      UNION ALL SELECT 'comment', comment_id, reason, additional_comments, created_at
        FROM comment_reports WHERE user_id = $1
      UNION ALL SELECT 'business', business_id, reason, additional_comments, created_at
        FROM business_reports WHERE user_id = $1
      ORDER BY created_at""",
}  # fmt: skip


def _items(kind: str) -> str:
    return f"SELECT to_jsonb(x) AS item FROM ({ROWS[kind]}) x"


async def batches(tx: Tx, kind: str, user_id: UUID) -> AsyncIterator[list[bytes]]:
    """All rows of a kind, some hundreds at a time, each as JSON: the server keeps the rest until it is wanted."""
    await tx.run(f"DECLARE kind NO SCROLL CURSOR FOR {_items(kind)}", user_id)
    while rows := await tx.records("FETCH 500 FROM kind"):
        yield [bytes(row[0]) for row in rows]
    await tx.run("CLOSE kind")


def samples() -> list[Any]:
    """The query of every kind, for tests that prepare them."""
    return [_items(kind) for kind in ROWS]
