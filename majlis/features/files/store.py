"""Files as readers of their channel see them. In all statements with a viewer, that is $1."""

from majlis.features.attachments.model import Stored
from majlis.features.attachments.service import COLUMNS
from majlis.features.channels.service import FROM, READABLE
from majlis.kit.db import Query, in_turn

_SHOWN = "a.attached > 0 AND a.removed_at IS NULL"
# Whoever may read its channel reads all messages there; one that carries it is counted in `attached`. Before that
# it is shown to who uploaded it.
SEEN = Query(
    Stored,
    f"""SELECT {COLUMNS} FROM attachments a JOIN ({FROM}) ON ch.id = a.conversation_id
    WHERE a.id = $2 AND a.state = 'ready' AND a.removed_at IS NULL AND (a.attached > 0 OR a.user_id = $1)
      AND {READABLE}""",
)
# The newest first: ids grow with time. $2: of which kind, $3: before which.
LIST = Query(
    Stored,
    f"""SELECT {COLUMNS} FROM attachments a WHERE a.conversation_id = $1 AND {_SHOWN}
      AND ($2::text IS NULL OR a.kind = $2) AND ($3::uuid IS NULL OR a.id < $3)
    ORDER BY a.id DESC LIMIT $4 OFFSET $5""",
)
COUNT = Query(
    int,
    f"""SELECT count(*) FROM attachments a WHERE a.conversation_id = $1 AND {_SHOWN}
      AND ($2::text IS NULL OR a.kind = $2)""",
)
# Those who come with one key stand in line until the first of them is done.
IN_TURN = in_turn(20261121)
