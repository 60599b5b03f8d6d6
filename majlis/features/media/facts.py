"""What happens to uploads."""

from majlis.kit.facts import Fact


class PhotosReleased(Fact, frozen=True):
    """The last reference to these objects was given up; they go unless somebody refers to them again."""

    objects: tuple[str, ...]
