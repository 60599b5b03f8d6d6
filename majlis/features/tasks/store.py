"""Rows of tasks."""

from uuid import UUID

from majlis.features.tasks.model import Task
from majlis.kit.db import Query

_COLUMNS = "id, user_id, kind, data, status, progress, attempts, result, error, created_at, updated_at"
ADD = Query(
    Task,
    f"""INSERT INTO tasks (id, user_id, kind, data, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $5)
    RETURNING {_COLUMNS}""",
)
# What ended before $3 is as good as gone.
ONE = Query(
    Task,
    f"""SELECT {_COLUMNS} FROM tasks WHERE id = $1 AND user_id = $2 AND (ended_at IS NULL OR ended_at > $3)""",
)
BEGIN = Query(
    Task,
    f"""UPDATE tasks SET status = 'processing', attempts = attempts + 1, progress = 0, updated_at = $2
    WHERE id = $1 AND ended_at IS NULL RETURNING {_COLUMNS}""",
)
PROGRESS = "UPDATE tasks SET progress = $2, updated_at = $3 WHERE id = $1 AND status = 'processing'"
COMPLETE = Query(
    UUID,
    """UPDATE tasks SET status = 'completed', progress = 1, result = $2, error = NULL, updated_at = $3, ended_at = $3
    WHERE id = $1 AND status = 'processing' RETURNING id""",
)
FAIL = Query(
    UUID,
    """UPDATE tasks SET status = 'failed', error = $2, updated_at = $3, ended_at = $3
    WHERE id = $1 AND status = 'processing' RETURNING id""",
)
AGAIN = Query(
    UUID,
    """UPDATE tasks SET status = 'pending', error = $2, updated_at = $3
    WHERE id = $1 AND status = 'processing' RETURNING id""",
)
FORGET = "DELETE FROM tasks WHERE id IN (SELECT id FROM tasks WHERE ended_at <= $1 LIMIT 1000)"
