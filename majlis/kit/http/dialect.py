"""How a door words what it answers. The native one says things as they are; other contracts have words of their own."""

from typing import Any

from majlis.kit.http.request import Request
from majlis.kit.http.routes import Answer


class Dialect:
    """Nothing is changed here: a door overrides what its contract says otherwise."""

    def refusal_status(self, status: int) -> int:
        """The status with which a refusal of this status is answered."""
        return status

    def success_status(self, status: int) -> int:
        """The status with which an answer of this status is sent."""
        return status

    def answered(self, answer: Answer, request: Request) -> Answer:
        """An answer in the door's own shape, before it is encoded; it has the status of `success_status`."""
        return answer

    def answer_type(self, kind: Any) -> Any:
        """The type of an answer's body in the door's own shape, for documents; `kind` is None where there is none."""
        return kind
