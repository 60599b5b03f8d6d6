"""Rows of connected banks."""

from uuid import UUID

import msgspec

from majlis.features.bank.model import Account
from majlis.kit import sealed
from majlis.kit.db import Query

TOKEN = sealed.column("bank_items", "access_token", "id")
REMOVAL_TOKEN = sealed.column("bank_removals", "access_token", "id")


class Item(msgspec.Struct):
    """A login at a bank; its token sealed."""

    id: UUID
    user_id: UUID
    access_token: str
    state: str
    version: int


class Removal(msgspec.Struct):
    """A login that has to be ended at Plaid."""

    id: UUID
    access_token: str


_ITEM = ", ".join(Item.__struct_fields__)
# Its owner's again after a renewal; nothing where it is somebody else's.
ADD = Query(
    Item,
    f"""INSERT INTO bank_items (id, user_id, item_id, access_token, state, created_at, updated_at)
    VALUES ($1, $2, $3, $4, 'new', $5, $5)
    ON CONFLICT (item_id) DO UPDATE SET updated_at = excluded.updated_at
      WHERE bank_items.user_id = excluded.user_id
    RETURNING {_ITEM}""",
)
SET_TOKEN = "UPDATE bank_items SET access_token = $2 WHERE id = $1"
HOLD = Query(Item, f"SELECT {_ITEM} FROM bank_items WHERE id = $1 FOR UPDATE")
HOLD_BY_ITEM = Query(Item, f"SELECT {_ITEM} FROM bank_items WHERE item_id = $1 FOR UPDATE")
HOLD_OF_USER = Query(Item, f"SELECT {_ITEM} FROM bank_items WHERE user_id = $1 ORDER BY id FOR UPDATE")
GET = Query(Item, f"SELECT {_ITEM} FROM bank_items WHERE id = $1")
TO_RENEW = Query(
    Item,
    f"SELECT {_ITEM} FROM bank_items WHERE user_id = $1 AND state = 'login_required' ORDER BY updated_at, id LIMIT 1",
)
# Nothing when somebody else wrote it since it was read.
MOVE = Query(
    UUID,
    """UPDATE bank_items SET state = $3, version = version + 1, updated_at = $4
    WHERE id = $1 AND version = $2 RETURNING id""",
)
DROP = "DELETE FROM bank_items WHERE id = $1"
STALE = Query(
    UUID, "SELECT id FROM bank_items WHERE state = 'new' AND created_at < $1 ORDER BY created_at LIMIT 500"
)

ADD_ACCOUNT = """
INSERT INTO bank_accounts (id, bank_item_id, user_id, account_id, bank_name, account_type, last4, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)
ON CONFLICT (bank_item_id, account_id) DO UPDATE SET bank_name = excluded.bank_name,
  account_type = excluded.account_type, last4 = excluded.last4, updated_at = excluded.updated_at
"""
_ACCOUNT = """SELECT a.id, a.bank_name, a.account_type, a.last4, i.state = 'good' AS is_verified, a.created_at
  FROM bank_accounts a JOIN bank_items i ON i.id = a.bank_item_id"""
LIST = Query(
    Account,
    f"{_ACCOUNT} WHERE a.user_id = $1 AND i.state <> 'new' ORDER BY a.created_at DESC, a.id DESC LIMIT 500",
)
ONE_OF_ITEM = Query(Account, f"{_ACCOUNT} WHERE a.bank_item_id = $1 AND a.account_id = $2")
# The rows of the login first: who removes two accounts of it at once meets there.
ITEM_OF = Query(
    UUID,
    """SELECT id FROM bank_items WHERE id = (SELECT bank_item_id FROM bank_accounts WHERE id = $1 AND user_id = $2)
    FOR UPDATE""",
)
REMOVE = Query(UUID, "DELETE FROM bank_accounts WHERE id = $1 AND user_id = $2 RETURNING bank_item_id")
USED = Query(int, "SELECT 1 FROM bank_accounts WHERE bank_item_id = $1 LIMIT 1")

ADD_REMOVAL = "INSERT INTO bank_removals (id, access_token, created_at) VALUES ($1, $2, $3)"
REMOVAL = Query(Removal, "SELECT id, access_token FROM bank_removals WHERE id = $1")
DROP_REMOVAL = "DELETE FROM bank_removals WHERE id = $1"
LEFT = Query(UUID, "SELECT id FROM bank_removals WHERE created_at < $1 ORDER BY created_at LIMIT 500")
