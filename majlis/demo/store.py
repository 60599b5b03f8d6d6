"""What is asked of the database before it is filled."""

from majlis.kit.db import Query

ANYBODY = Query(bool, "SELECT true FROM users LIMIT 1")
