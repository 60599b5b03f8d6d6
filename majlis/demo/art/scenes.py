"""Views of a town between mountains: skies, hills full of houses, streets, parks, nights."""

import math
from typing import Any

from majlis.demo.art.canvas import XY, Canvas, dark, light, mix

# fmt: off
# One stroke per line: spread out by the formatter a drawing cannot be read any more.

SUNSETS = (
    ("#2b2d5b", "#8c4a7a", "#f08a5d", "#ffd29a"),
    ("#1d3557", "#5b6ea8", "#e8a598", "#ffe2b8"),
    ("#35234d", "#a0446b", "#f26b5b", "#ffc46b"),
    ("#27476e", "#6f8fb5", "#f2b5a0", "#fff0d0"),
    ("#42275a", "#734b6d", "#e29587", "#f9d9a8"),
)
DAYS = (("#3f8fd2", "#a9d8f2", "#eef8fb"), ("#5aa9e6", "#b8e0f5", "#fdf4e3"), ("#4d8fc4", "#9ccbe8", "#f6ead8"))
WALLS = ("#c9a27a", "#b98d66", "#d8b48d", "#a87e5b", "#c2a98a", "#dcc3a1", "#b5977c")
AWNINGS = ("#c8553d", "#2a9d8f", "#e9c46a", "#355070", "#8f2d56", "#588157")
LEAVES = ("#4f772d", "#6a994e", "#386641", "#7f9c4e", "#5b8e4b")


def ridge(canvas: Canvas, base: float, height: float, steps: int = 14) -> list[XY]:
    """A line of mountain tops across the canvas."""
    rng = canvas.rng
    points: list[XY] = []
    for n in range(steps + 1):
        wave = 0.55 + 0.45 * math.sin(n * rng.uniform(0.7, 1.1) + rng.uniform(0, 2))
        points.append((canvas.width * n / steps, base - height * wave * rng.uniform(0.6, 1)))
    return points


def mountains(canvas: Canvas, base: float, height: float, colours: tuple[str, ...], *, snow: bool = False) -> None:
    """Ridges behind each other, the nearest last."""
    for depth, colour in enumerate(colours):
        top = base + depth * height * 0.28
        line = ridge(canvas, top, height * (1 - depth * 0.18), 9 + depth * 4)
        if snow and depth == 0:
            _snowy(canvas, line, colour)
        else:
            canvas.polygon([(0, canvas.height), *line, (canvas.width, canvas.height)], colour)


def _snowy(canvas: Canvas, line: list[XY], colour: str) -> None:
    canvas.polygon([(0, canvas.height), *line, (canvas.width, canvas.height)], colour)
    for (x0, y0), (x1, y1), (x2, y2) in zip(line, line[1:], line[2:], strict=False):
        if y1 < y0 and y1 < y2:
            a, b = 0.42, 0.5
            left, right = (x1 + (x0 - x1) * a, y1 + (y0 - y1) * a), (x1 + (x2 - x1) * b, y1 + (y2 - y1) * b)
            low = max(left[1], right[1])
            zigzag = [(x1 + (right[0] - x1) * 0.35, low - 6), (x1, low + 14), (x1 + (left[0] - x1) * 0.5, low - 4)]
            canvas.polygon([left, (x1, y1), right, *zigzag], "#f8fbfd")


def birds(canvas: Canvas, count: int, top: float, bottom: float, colour: str) -> None:
    """A flock, drawn as small wings."""
    rng = canvas.rng
    x0, y0 = rng.uniform(0.25, 0.7) * canvas.width, rng.uniform(top, bottom)
    for _ in range(count):
        x, y, size = x0 + rng.gauss(0, canvas.width * 0.1), y0 + rng.gauss(0, (bottom - top) * 0.3), rng.uniform(7, 15)
        with canvas.moved(x, y, turn=rng.uniform(-14, 14)):
            canvas.stroke(f"M{-size} {-size * 0.45} Q{-size * 0.4} {-size * 0.5} 0 0 Q{size * 0.4} {-size * 0.5}"
                f" {size} {-size * 0.45}", colour, 3)


def roofs(canvas: Canvas, base: float, colour: str, lit: str | None = None) -> None:
    """Flat roofs before the sky, with water tanks, aerials and a few lit windows."""
    rng = canvas.rng
    x = -20.0
    while x < canvas.width:
        width, top = rng.uniform(70, 170), base - rng.uniform(20, 110)
        canvas.rect(x, top, width + 1, canvas.height - top, mix(colour, "#000000", rng.uniform(0, 0.16)))
        kind = rng.random()
        if kind < 0.25:
            canvas.rect(x + width * 0.3, top - 26, 34, 22, colour, rx=5)
            canvas.stroke(f"M{x + width * 0.3 + 6} {top - 6} v8 m22 -8 v8", colour, 4)
        elif kind < 0.5:
            canvas.stroke(f"M{x + width * 0.6} {top} v-44 m-12 10 h24 m-20 10 h16", colour, 3)
        for _ in range(rng.randint(0, 3) if lit else 0):
            canvas.rect(x + rng.uniform(0.1, 0.8) * width, top + rng.uniform(18, 90), 13, 18, lit or colour, rx=2)
        x += width


def sunset(canvas: Canvas) -> None:
    """The sun behind mountains, seen from a roof."""
    rng, w, h = canvas.rng, canvas.width, canvas.height
    sky = rng.choice(SUNSETS)
    canvas.ground(canvas.linear(*sky))
    x, y = w * rng.uniform(0.25, 0.75), h * rng.uniform(0.4, 0.5)
    canvas.circle(x, y, h * 0.42, canvas.radial(light(sky[3], 0.3) + "c0", sky[3] + "00"))
    canvas.circle(x, y, h * 0.07, light(sky[3], 0.65))
    for _ in range(rng.randint(2, 5)):
        cx, cy, size = w * rng.random(), h * rng.uniform(0.08, 0.36), w * rng.uniform(0.1, 0.22)
        canvas.ellipse(cx, cy, size, size * 0.055, light(sky[2], 0.35), opacity=0.55)
        canvas.ellipse(cx + size * 0.3, cy + size * 0.07, size * 0.7, size * 0.045, light(sky[3], 0.2), opacity=0.5)
    far = mix(sky[1], sky[2], 0.4)
    mountains(canvas, h * 0.62, h * 0.22, (far, dark(mix(far, sky[0], 0.5), 0.1), dark(sky[0], 0.25)))
    birds(canvas, rng.randint(5, 14), h * 0.12, h * 0.35, dark(sky[0], 0.3))
    roofs(canvas, h * 0.93, dark(sky[0], 0.62), "#ffcf7d")


def pigeons(canvas: Canvas) -> None:
    """A large flock over the roofs."""
    rng, h = canvas.rng, canvas.height
    sky = rng.choice((*DAYS, *(s[1:] for s in SUNSETS[:2])))
    canvas.ground(canvas.linear(*sky))
    mountains(canvas, h * 0.78, h * 0.2, (mix(sky[0], sky[2], 0.55), mix(sky[0], "#4a4458", 0.4)))
    ink = dark(sky[0], 0.45)
    for _ in range(3):
        birds(canvas, rng.randint(8, 16), h * 0.15, h * 0.5, ink)
    for _ in range(7):
        with canvas.moved(rng.uniform(0.1, 0.9) * canvas.width, rng.uniform(0.18, 0.6) * h, rng.uniform(0.7, 1.5),
            rng.uniform(-25, 10)):
            body = rng.choice(("#f4f1ec", "#d9dce2", "#8d99ae", "#e8dccb"))
            canvas.path("M-34 4 Q-12 -12 14 -6 Q26 -12 32 -3 Q24 2 20 6 Q-4 18 -34 4Z", body)
            canvas.path("M-6 -4 Q-20 -44 -46 -48 Q-30 -24 -26 2Z", dark(body, 0.14))
            canvas.path("M-2 -4 Q10 -38 34 -46 Q24 -20 10 0Z", light(body, 0.2))
            canvas.polygon([(-34, 4), (-54, -4), (-52, 10)], dark(body, 0.2))
    roofs(canvas, h * 0.95, dark(sky[0], 0.55))


def hillside(canvas: Canvas) -> None:
    """Houses that climb a hill, by day or with their lights on."""
    rng, w, h = canvas.rng, canvas.width, canvas.height
    evening = rng.random() < 0.5
    sky = rng.choice(SUNSETS) if evening else rng.choice(DAYS)
    canvas.ground(canvas.linear(*sky))
    mountains(canvas, h * 0.36, h * 0.16, (mix(sky[0], sky[-1], 0.6), mix(sky[0], "#7a6a66", 0.45)), snow=not evening)
    hill = "#5d4a52" if evening else "#b89c7d"
    peak = w * rng.uniform(0.3, 0.7)
    canvas.path(f"M0 {h * 0.62} Q{peak * 0.6} {h * 0.3} {peak} {h * 0.27} Q{peak + w * 0.25} {h * 0.34} {w}"
        f" {h * 0.58} V{h} H0Z", hill)
    rows = 13
    for row in range(rows):
        y = h * (0.33 + 0.63 * row / (rows - 1))
        half = w * (0.08 + 0.7 * math.sqrt(row / rows))
        size = 30 + row * 5.2
        x = peak - half
        while x < peak + half:
            width, height = size * rng.uniform(0.9, 1.6), size * rng.uniform(0.75, 1.2)
            _house(canvas, x, y + rng.uniform(-8, 8), width, height, evening)
            x += width * rng.uniform(1.0, 1.22)
        if row > 3 and rng.random() < 0.7:
            tree(canvas, peak + rng.uniform(-half, half), y + size * 0.4, size * 1.1, dim=evening)


def _house(canvas: Canvas, x: float, y: float, width: float, height: float, evening: bool) -> None:
    rng = canvas.rng
    wall = rng.choice(WALLS) if rng.random() < 0.9 else rng.choice(("#7fb2b8", "#e8ddc8", "#9fb7a0"))
    if evening:
        wall = mix(wall, "#3a2c47", 0.62)
    canvas.rect(x, y - height, width, height + 26, wall)
    canvas.rect(x + width * 0.78, y - height, width * 0.22, height + 26, dark(wall, 0.16))
    canvas.rect(x - 2, y - height - 3, width + 4, 6, light(wall, 0.14))
    for n in range(rng.randint(1, 3)):
        glow = rng.choice(("#ffd98a", "#ffc56b", "#fff0c2")) if evening and rng.random() < 0.65 else dark(wall, 0.5)
        canvas.rect(x + width * (0.12 + n * 0.24), y - height * 0.66, width * 0.14, height * 0.3, glow)


def tree(canvas: Canvas, x: float, y: float, size: float, *, dim: bool = False, poplar: bool = False) -> None:
    """A tree that stands at (x, y)."""
    rng = canvas.rng
    leaf = rng.choice(LEAVES)
    leaf = mix(leaf, "#2a2440", 0.5) if dim else leaf
    canvas.rect(x - size * 0.05, y - size * 0.5, size * 0.1, size * 0.5, "#5c4433")
    if poplar:
        canvas.path(f"M{x} {y - size * 1.9} Q{x + size * 0.34} {y - size} {x + size * 0.14} {y - size * 0.2}"
            f" H{x - size * 0.14} Q{x - size * 0.34} {y - size} {x} {y - size * 1.9}Z", leaf)
        canvas.path(f"M{x} {y - size * 1.9} Q{x + size * 0.34} {y - size} {x + size * 0.14} {y - size * 0.2} H{x} Z",
            dark(leaf, 0.12))
        return
    for dx, dy, radius in ((-0.28, -0.62, 0.3), (0.26, -0.6, 0.32), (0, -0.88, 0.36), (0.02, -0.55, 0.34)):
        canvas.circle(x + dx * size, y + dy * size, radius * size, mix(leaf, "#ffffff", rng.uniform(0, 0.12)))
    canvas.circle(x - 0.12 * size, y - 0.95 * size, 0.18 * size, light(leaf, 0.16), opacity=0.7)


def street(canvas: Canvas) -> None:
    """Shops along a street, with awnings, doors and wares."""
    rng, w, h = canvas.rng, canvas.width, canvas.height
    sky = rng.choice(DAYS)
    canvas.ground(canvas.linear(*sky))
    mountains(canvas, h * 0.4, h * 0.17, (mix(sky[0], "#ffffff", 0.55), mix(sky[0], "#8d7f86", 0.5)), snow=True)
    ground = h * 0.8
    x = -30.0
    while x < w:
        width = rng.uniform(190, 270)
        _shop(canvas, x, ground, width, rng.uniform(0.4, 0.58) * h)
        x += width
    canvas.rect(0, ground, w, h - ground, "#cdb99f")
    canvas.rect(0, ground, w, h * 0.03, "#b8a58c")
    canvas.rect(0, h * 0.88, w, h * 0.12, "#8d8378")
    for n in range(8):
        canvas.rect(n * w / 7 - 30, h * 0.935, 90, 9, "#e6dccb", opacity=0.8)
    for n in range(rng.randint(2, 4)):
        tree(canvas, (n + rng.uniform(0, 0.7)) * w / 3.4, ground + 16, h * rng.uniform(0.19, 0.27))
    canvas.stroke(f"M0 {h * 0.2} Q{w * 0.5} {h * 0.27} {w} {h * 0.18} M0 {h * 0.23} Q{w * 0.5} {h * 0.3} {w}"
        f" {h * 0.2}", "#3c3a40", 2)
    if rng.random() < 0.7:
        _bicycle_outline(canvas, rng.uniform(0.15, 0.8) * w, ground + 34)


def _shop(canvas: Canvas, x: float, ground: float, width: float, height: float) -> None:
    rng = canvas.rng
    wall = rng.choice(WALLS)
    awning = rng.choice(AWNINGS)
    top = ground - height
    canvas.rect(x, top, width, height, canvas.linear(light(wall, 0.12), wall))
    canvas.rect(x, top - 6, width, 14, dark(wall, 0.15))
    for n in range(2):
        left = x + width * (0.14 + 0.44 * n)
        canvas.rect(left, top + 30, width * 0.28, height * 0.26, dark(wall, 0.4), rx=4)
        canvas.rect(left + 5, top + 35, width * 0.28 - 10, height * 0.26 - 10, rng.choice(("#9fc3d4", "#b7d3dc", "#f4d9a0")))
        canvas.rect(left + width * 0.14 - 2, top + 30, 4, height * 0.26, dark(wall, 0.4))
    front = ground - height * 0.42
    canvas.rect(x + width * 0.08, front, width * 0.84, height * 0.42, dark(wall, 0.62))
    for row in range(3):
        canvas.rect(x + width * 0.12, front + height * (0.17 + row * 0.09), width * 0.5, 5, "#7a5a3e")
        for n in range(7):
            colour = rng.choice(("#d64545", "#e9a23b", "#6a994e", "#f2e8cf", "#4d7ea8", "#b56576"))
            canvas.circle(x + width * (0.15 + n * 0.068), front + height * (0.17 + row * 0.09) - 7, 7.5, colour)
    canvas.rect(x + width * 0.68, front + height * 0.1, width * 0.2, height * 0.32, mix(awning, "#2f2a33", 0.35), rx=3)
    stripes = 8
    for n in range(stripes):
        left = x + width * (0.04 + 0.92 * n / stripes)
        step = width * 0.92 / stripes
        colour = awning if n % 2 else "#f7f1e6"
        canvas.path(f"M{left} {front - 14} h{step} v40 q{-step / 2} 16 {-step} 0Z", colour)


def _bicycle_outline(canvas: Canvas, x: float, y: float) -> None:
    ink = "#33313a"
    for dx in (-34, 34):
        canvas.circle(x + dx, y, 22, "none", stroke=ink, stroke_width=4)
    canvas.stroke(f"M{x - 34} {y} L{x - 10} {y - 34} H{x + 20} L{x} {y} Z M{x - 10} {y - 34} L{x} {y} M{x + 34} {y}"
        f" L{x + 17} {y - 46} h-12 M{x - 18} {y - 38} h16", canvas.rng.choice(AWNINGS), 4)


def park(canvas: Canvas) -> None:
    """A path between trees, a bench, mountains behind."""
    rng, w, h = canvas.rng, canvas.width, canvas.height
    sky = rng.choice(DAYS)
    canvas.ground(canvas.linear(*sky))
    mountains(canvas, h * 0.42, h * 0.2, (mix(sky[0], "#ffffff", 0.5), mix(sky[0], "#6f8f72", 0.5)), snow=True)
    grass = rng.choice(("#8fb35c", "#7fa650", "#9cb866"))
    canvas.rect(0, h * 0.56, w, h * 0.44, canvas.linear(light(grass, 0.15), dark(grass, 0.2)))
    bend = w * rng.uniform(0.35, 0.65)
    canvas.path(f"M{w * 0.3} {h} Q{w * 0.42} {h * 0.75} {bend} {h * 0.57} h{w * 0.04} Q{w * 0.66} {h * 0.75}"
        f" {w * 0.74} {h}Z", "#e3d2b0")
    for n in range(7):
        side = -1 if n % 2 else 1
        y = h * (0.6 + 0.045 * n)
        tree(canvas, bend + side * w * (0.1 + 0.058 * n) + rng.uniform(-20, 20), y, h * (0.14 + 0.035 * n),
            poplar=rng.random() < 0.5)
    for _ in range(70):
        x, y = rng.random() * w, h * rng.uniform(0.66, 0.99)
        if abs(x - w * 0.52) > w * (0.08 + 0.5 * (y / h - 0.6)):
            canvas.circle(x, y, rng.uniform(3, 6), rng.choice(("#e63946", "#ffb703", "#fb8500", "#f1faee", "#c77dff")))
    bx, by = w * rng.uniform(0.1, 0.16), h * 0.84
    canvas.rect(bx, by, 170, 14, "#8a5a3b", rx=4)
    canvas.rect(bx, by - 46, 170, 14, "#9c6a47", rx=4)
    canvas.stroke(f"M{bx + 16} {by + 8} v34 M{bx + 154} {by + 8} v34 M{bx + 16} {by - 36} v40 M{bx + 154} {by - 36}"
        f" v40", "#4a3a30", 7)


def valley(canvas: Canvas) -> None:
    """Snow-capped mountains, fields and poplars."""
    rng, w, h = canvas.rng, canvas.width, canvas.height
    sky = rng.choice(DAYS)
    canvas.ground(canvas.linear(*sky))
    mountains(canvas, h * 0.55, h * 0.36, (mix(sky[0], "#75808f", 0.45), mix(sky[0], "#5c6f6b", 0.6), "#6f8760"), snow=True)
    for n in range(7):
        y = h * (0.68 + n * 0.05)
        field = rng.choice(("#a3b86c", "#c9bb6a", "#86a657", "#d8c77b", "#7d9a5a"))
        tilt = rng.uniform(-30, 30)
        canvas.polygon([(0, y + tilt), (w, y - tilt), (w, h), (0, h)], field)
    x = w * rng.uniform(0.2, 0.8)
    canvas.path(f"M{x} {h * 0.67} Q{x - 90} {h * 0.78} {x + 30} {h * 0.86} T{x - 60} {h} h110 Q{x + 150} {h * 0.88}"
        f" {x + 40} {h * 0.78} T{x + 14} {h * 0.67}Z", "#7fb7d6")
    for _ in range(rng.randint(10, 16)):
        y = h * rng.uniform(0.7, 0.96)
        tree(canvas, rng.random() * w, y, h * (0.05 + 0.13 * (y / h - 0.66) / 0.3), poplar=True)


def kites(canvas: Canvas) -> None:
    """Kites high over the roofs."""
    rng, w, h = canvas.rng, canvas.width, canvas.height
    canvas.ground(canvas.linear(*rng.choice(DAYS)))
    for _ in range(5):
        x, y, size = rng.random() * w, rng.uniform(0.1, 0.6) * h, rng.uniform(40, 80)
        with canvas.group(opacity=0.55):
            for dx, dy, part in ((0, 0, 0.62), (-0.7, 0.22, 0.42), (0.7, 0.2, 0.46), (1.25, 0.36, 0.28), (-1.2, 0.38, 0.26)):
                canvas.circle(x + dx * size, y + dy * size, size * part, "#ffffff")
            canvas.rect(x - size * 1.3, y + size * 0.3, size * 2.6, size * 0.34, "#ffffff", rx=size * 0.17)
    mountains(canvas, h * 0.82, h * 0.16, ("#b9c7d6", "#9aa5b1"))
    for n in range(rng.randint(6, 10)):
        x, y, size = w * (0.08 + 0.09 * n) + rng.uniform(-20, 20), h * rng.uniform(0.12, 0.62), rng.uniform(38, 74)
        one, two = rng.sample(("#e63946", "#ffb703", "#2a9d8f", "#f1faee", "#8338ec", "#fb8500", "#3a86ff"), 2)
        canvas.stroke(f"M{x} {y} Q{x + rng.uniform(-90, 90)} {(y + h) / 2} {w * rng.uniform(0.2, 0.8)} {h}",
            "#ffffff", 1.4, opacity=0.8)
        with canvas.moved(x, y, size / 50, rng.uniform(-30, 30)):
            canvas.polygon([(0, -56), (46, 0), (0, 56), (-46, 0)], one)
            canvas.polygon([(0, -56), (46, 0), (0, 0)], two)
            canvas.polygon([(0, 56), (-46, 0), (0, 0)], two)
            canvas.stroke("M0 -56 V56 M-46 0 Q0 -26 46 0", dark(one, 0.4), 2)
            canvas.stroke("M0 56 q14 16 0 30 q-14 14 0 30", two, 4)
    roofs(canvas, h * 0.96, "#8a6f5c", "#5d4a40")


def night(canvas: Canvas) -> None:
    """Lights of a bazaar at night, out of focus."""
    rng, w, h = canvas.rng, canvas.width, canvas.height
    canvas.ground(canvas.linear("#10132b", "#2b2350", "#4b2d52"))
    with canvas.group(filter=canvas.blurred(5)):
        for _ in range(90):
            y = h * rng.betavariate(3, 2.2)
            colour = rng.choice(("#ffd166", "#ff9f1c", "#ef476f", "#fff1c9", "#7bdff2", "#f4978e"))
            canvas.circle(rng.random() * w, y, rng.uniform(10, 46), colour, opacity=rng.uniform(0.12, 0.5))
    for line in range(2):
        sag = h * (0.2 + line * 0.14)
        canvas.stroke(f"M0 {sag} Q{w / 2} {sag + h * 0.16} {w} {sag - 20}", "#1a1730", 3)
        for n in range(1, 13):
            t = n / 13
            x, y = w * t, (1 - t) ** 2 * sag + 2 * t * (1 - t) * (sag + h * 0.16) + t**2 * (sag - 20)
            canvas.circle(x, y + 12, 34, canvas.radial("#ffdf9ecc", "#ffdf9e00"))
            canvas.circle(x, y + 12, 8, "#fff3d1")
    roofs(canvas, h * 0.98, "#0d0f22", "#ffcf7d")


def pitch(canvas: Canvas) -> None:
    """A game of football on an open ground, from above."""
    rng, w, h = canvas.rng, canvas.width, canvas.height
    ground = rng.choice(("#c9a878", "#86a657", "#b89468"))
    stripe = light(ground, 0.09)
    canvas.ground(ground)
    for n in range(0, 10, 2):
        canvas.rect(n * w / 10, 0, w / 10, h, stripe)
    line: dict[str, Any] = {"stroke": "#fdf8ec", "stroke_width": 6, "opacity": 0.85}
    canvas.rect(40, 40, w - 80, h - 80, "none", **line)
    canvas.circle(w / 2, h / 2, h * 0.15, "none", **line)
    canvas.stroke(f"M{w / 2} 40 V{h - 40}", "#fdf8ec", 6, opacity=0.85)
    for x in (40, w - 40 - w * 0.12):
        canvas.rect(x, h * 0.3, w * 0.12, h * 0.4, "none", **line)
    teams = rng.sample(("#d62828", "#1d3557", "#f4f1de", "#2a9d8f", "#f77f00"), 2)
    for n in range(18):
        x, y = rng.uniform(0.08, 0.92) * w, rng.uniform(0.12, 0.88) * h
        canvas.ellipse(x + 16, y + 20, 24, 13, "#000000", opacity=0.18)
        canvas.ellipse(x, y, 25, 15, teams[n % 2], transform=f"rotate({rng.uniform(0, 180):.0f} {x:.0f} {y:.0f})")
        canvas.circle(x, y, 11, "#2b211d")
    x, y = rng.uniform(0.3, 0.7) * w, rng.uniform(0.3, 0.7) * h
    canvas.ellipse(x + 8, y + 10, 13, 8, "#000000", opacity=0.2)
    canvas.circle(x, y, 12, "#ffffff", stroke="#333333", stroke_width=2)
