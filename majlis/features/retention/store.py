"""What is kept for how long, and the functions of messages and notifications that let it go."""

from uuid import UUID

import msgspec

from majlis.kit.db import Query

# Those that keep messages for some time only.
LIMITED = Query(
    UUID,
    """SELECT id FROM workspaces WHERE retention_days IS NOT NULL AND deleted_at IS NULL AND id > $1
    ORDER BY id LIMIT 100""",
)
# Stays so until the transaction ends: whoever keeps more from now on loses nothing any more.
DAYS = Query(
    int,
    """SELECT retention_days FROM workspaces
    WHERE id = $1 AND retention_days IS NOT NULL AND deleted_at IS NULL FOR SHARE""",
)
CHANNELS = Query(UUID, "SELECT id FROM channels WHERE workspace_id = $1 AND id > $2 ORDER BY id LIMIT 100")
HOLD = Query(int, "SELECT last_seq FROM conversations WHERE id = $1 FOR NO KEY UPDATE")


class Expired(msgspec.Struct):
    """How many messages went at once, the place of the latest, and the uploads that they carried."""

    gone: int
    upto: int | None
    urls: list[str]


# Those who were told of what is no more there.
FORGET = Query(UUID, "SELECT DISTINCT notifications_expire FROM notifications_expire($1)")
EXPIRE = Query(Expired, "SELECT gone, upto, urls FROM messages_expire($1, $2, $3, $4)")
