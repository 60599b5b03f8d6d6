"""A small drawing board: shapes go in, SVG is put together, a PNG comes out.

No text is ever drawn, because fonts differ between machines.
"""

import contextlib
import random
from collections.abc import Iterable, Iterator

import pyvips

Number = float | int
XY = tuple[float, float]


def mix(first: str, second: str, share: float) -> str:
    """A colour between two `#rrggbb`; share 0 is the first."""
    one, two = _channels(first), _channels(second)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in zip(one, two, strict=True))


def light(colour: str, share: float = 0.3) -> str:
    """A lighter tone."""
    return mix(colour, "#ffffff", share)


def dark(colour: str, share: float = 0.3) -> str:
    """A darker tone, towards a warm black."""
    return mix(colour, "#1a1420", share)


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _n(value: Number) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _attributes(values: dict[str, Number | str]) -> str:
    return "".join(
        f' {name.rstrip("_").replace("_", "-")}="{value if isinstance(value, str) else _n(value)}"'
        for name, value in values.items()
    )


class Canvas:
    """What is drawn on, with the generator that every choice comes from.

    Drawings are as many units wide and high as said here, and pixels times `scale`.
    """

    def __init__(self, rng: random.Random, width: int, height: int, scale: float = 1) -> None:
        self.rng = rng
        self.width = width
        self.height = height
        self._scale = scale
        self._defs: list[str] = []
        self._parts: list[str] = []

    def linear(self, *colours: str, across: bool = False) -> str:
        """A fill that runs through these colours, downwards or across. `#rrggbbaa` is understood."""
        end = 'x2="1" y2="0"' if across else 'x2="0" y2="1"'
        return self._gradient("linearGradient", end, colours)

    def radial(self, *colours: str, at: XY = (0.5, 0.5), radius: float = 0.5) -> str:
        """A fill that runs through these colours from a point outwards."""
        place = f'cx="{_n(at[0])}" cy="{_n(at[1])}" r="{_n(radius)}"'
        return self._gradient("radialGradient", place, colours)

    def _gradient(self, kind: str, place: str, colours: Iterable[str]) -> str:
        colours = list(colours)
        name = f"d{len(self._defs)}"
        stops = ""
        for index, colour in enumerate(colours):
            opacity = f' stop-opacity="{int(colour[7:9], 16) / 255:.3f}"' if len(colour) == 9 else ""
            offset = _n(index / (len(colours) - 1))
            stops += f'<stop offset="{offset}" stop-color="{colour[:7]}"{opacity}/>'
        self._defs.append(f'<{kind} id="{name}" {place}>{stops}</{kind}>')
        return f"url(#{name})"

    def blurred(self, radius: float) -> str:
        """The name of a filter, for the attribute `filter`."""
        name = f"d{len(self._defs)}"
        area = 'x="-50%" y="-50%" width="200%" height="200%"'
        self._defs.append(
            f'<filter id="{name}" {area}><feGaussianBlur stdDeviation="{_n(radius)}"/></filter>'
        )
        return f"url(#{name})"

    def rect(
        self, x: Number, y: Number, width: Number, height: Number, fill: str, **more: Number | str
    ) -> None:
        """A rectangle."""
        self._add("rect", {"x": x, "y": y, "width": width, "height": height, "fill": fill, **more})

    def ground(self, fill: str) -> None:
        """The whole canvas."""
        self.rect(0, 0, self.width, self.height, fill)

    def circle(self, x: Number, y: Number, radius: Number, fill: str, **more: Number | str) -> None:
        """A circle."""
        self._add("circle", {"cx": x, "cy": y, "r": radius, "fill": fill, **more})

    def ellipse(self, x: Number, y: Number, rx: Number, ry: Number, fill: str, **more: Number | str) -> None:
        """An ellipse."""
        self._add("ellipse", {"cx": x, "cy": y, "rx": rx, "ry": ry, "fill": fill, **more})

    def polygon(self, points: Iterable[XY], fill: str, **more: Number | str) -> None:
        """A closed shape of straight lines."""
        self._add(
            "polygon", {"points": " ".join(f"{_n(x)},{_n(y)}" for x, y in points), "fill": fill, **more}
        )

    def path(self, d: str, fill: str = "none", **more: Number | str) -> None:
        """A shape in the language of SVG paths."""
        self._add("path", {"d": d, "fill": fill, **more})

    def stroke(self, d: str, colour: str, width: Number, **more: Number | str) -> None:
        """A line along a path, with round ends."""
        ends: dict[str, Number | str] = {"stroke_linecap": "round", "stroke_linejoin": "round"}
        self._add("path", {"d": d, "fill": "none", "stroke": colour, "stroke_width": width, **ends, **more})

    @contextlib.contextmanager
    def group(self, **more: Number | str) -> Iterator[None]:
        """Shapes that are moved, turned, blurred or faded together."""
        self._parts.append(f"<g{_attributes(more)}>")
        yield
        self._parts.append("</g>")

    def moved(
        self, x: Number, y: Number, scale: Number = 1, turn: Number = 0
    ) -> contextlib.AbstractContextManager[None]:
        """A group with its own origin, size and turn in degrees."""
        return self.group(transform=f"translate({_n(x)} {_n(y)}) scale({_n(scale)}) rotate({_n(turn)})")

    def clip(self, d: str) -> contextlib.AbstractContextManager[None]:
        """A group of which only what lies inside a path is seen."""
        name = f"d{len(self._defs)}"
        self._defs.append(f'<clipPath id="{name}"><path d="{d}"/></clipPath>')
        return self.group(clip_path=f"url(#{name})")

    def _add(self, name: str, values: dict[str, Number | str]) -> None:
        self._parts.append(f"<{name}{_attributes(values)}/>")

    def svg(self) -> bytes:
        """The drawing as SVG."""
        size = f'width="{round(self.width * self._scale)}" height="{round(self.height * self._scale)}"'
        head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {self.width} {self.height}">'
        return f"{head}<defs>{''.join(self._defs)}</defs>{''.join(self._parts)}</svg>".encode()

    def png(self) -> bytes:
        """The drawing as PNG."""
        image = pyvips.Image.svgload_buffer(self.svg()).flatten(background=[255, 255, 255])
        data: bytes = image.pngsave_buffer(compression=1, filter="up")
        return data
