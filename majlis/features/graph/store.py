"""Rows of follows and blocks, and the SQL of who may see whom."""

# Everybody whom the viewer $1 blocks or is blocked by. An uncorrelated array: PostgreSQL makes it once per
# statement, however many rows are then held against it.
BLOCKED = """ARRAY(
  SELECT blocked_id FROM user_blocks WHERE blocker_id = $1
  UNION ALL SELECT blocker_id FROM user_blocks WHERE blocked_id = $1)"""


def follows(follower: str, following: str) -> str:
    """SQL: whether one follows the other. A scalar subquery: EXISTS would be planned as a scan of all follows."""
    return (
        "coalesce((SELECT true FROM user_follows f"
        f" WHERE f.follower_id = {follower} AND f.following_id = {following}), false)"
    )
