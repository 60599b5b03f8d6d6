"""Rows of thanks."""

from majlis.kit.db import Query
from majlis_thanks.thanks.model import Thanks

_COLUMNS = "id, from_id, to_id, words, created_at"

INSERT = Query(
    Thanks,
    f"""INSERT INTO thanks (id, from_id, to_id, words, created_at) VALUES ($1, $2, $3, $4, $5)
    RETURNING {_COLUMNS}""",
)
ONE = Query(Thanks, f"SELECT {_COLUMNS} FROM thanks WHERE id = $1")
LIST = Query(
    Thanks,
    f"""SELECT {_COLUMNS} FROM thanks
    WHERE to_id = $1 AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3""",
)
FORGET = "DELETE FROM thanks WHERE from_id = $1 OR to_id = $1"

# What of it goes into copies of a person's data: by kind, a query of the user $1.
COPIED = {"thanks": "SELECT id, words, created_at FROM thanks WHERE from_id = $1 OR to_id = $1 ORDER BY id"}
