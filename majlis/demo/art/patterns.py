"""Patterns: knotted carpets and glazed tiles."""

import math

from majlis.demo.art.canvas import Canvas, dark, light, mix

# fmt: off
# One stroke per line: spread out by the formatter a drawing cannot be read any more.

CARPETS = (
    ("#8c1c13", "#2b1b17", "#e6c79c", "#bf4342"),
    ("#6a1b2e", "#1d2b44", "#dfc9a2", "#b4683a"),
    ("#243b55", "#7a1f24", "#e8d8b4", "#c78b3c"),
    ("#9a3b1e", "#233329", "#ecd9b0", "#d08c3a"),
)
TILES = (
    ("#12355b", "#1b9aaa", "#f2c14e", "#f7f3e8"),
    ("#0b4f6c", "#40bcd8", "#e9c46a", "#fbfbff"),
    ("#1f2a6b", "#2a9d8f", "#f4a261", "#f5efe0"),
)


def carpet(canvas: Canvas) -> None:
    """A carpet with rows of octagons, borders and fringes."""
    rng, w, h = canvas.rng, canvas.width, canvas.height
    field, ink, pale, accent = rng.choice(CARPETS)
    floor = rng.choice(("#d9c7ad", "#cbb79b", "#e5d9c5"))
    canvas.ground(canvas.linear(light(floor, 0.2), floor))
    x0, y0, across, down = w * 0.07, h * 0.07, w * 0.86, h * 0.86
    for n in range(int(down / 9)):
        y = y0 + n * 9 + 4
        canvas.stroke(f"M{x0} {y} h{-w * 0.03} M{x0 + across} {y} h{w * 0.03}", light(pale, 0.3), 3)
    bands = ((0, ink), (14, pale), (22, field), (52, accent), (60, ink), (96, pale), (104, field))
    for inset, colour in bands:
        canvas.rect(x0 + inset, y0 + inset, across - 2 * inset, down - 2 * inset, colour)
    _border(canvas, (x0, y0, across, down), 37, 30, pale, accent)
    _border(canvas, (x0, y0, across, down), 78, 36, accent, pale)
    columns, rows = (6, 4) if w > h else (4, 6)
    inner = 118
    step_x, step_y = (across - 2 * inner) / columns, (down - 2 * inner) / rows
    style = rng.choice(("gul", "gul", "diamond"))
    for row in range(rows):
        for column in range(columns):
            x, y = x0 + inner + (column + 0.5) * step_x, y0 + inner + (row + 0.5) * step_y
            size = min(step_x, step_y) * 0.44
            flip = (row + column) % 2 == 0
            _gul(canvas, x, y, size, (ink if flip else accent, pale, field if flip else ink), style)
            if row < rows - 1 and column < columns - 1:
                with canvas.moved(x + step_x / 2, y + step_y / 2, size * 0.3 / 20, 45):
                    canvas.rect(-12, -12, 24, 24, pale)
                    canvas.rect(-7, -7, 14, 14, accent)
    _weave(canvas, x0, y0, across, down)


def _border(canvas: Canvas, box: tuple[float, float, float, float], inset: float, band: float, one: str, two: str) -> None:
    x0, y0, across, down = box
    size = band * 0.34
    for length, fixed, flat in ((across, y0 + inset, True), (across, y0 + down - inset, True),
        (down, x0 + inset, False), (down, x0 + across - inset, False)):
        count = max(1, round((length - 2 * inset) / (band * 1.25)))
        for n in range(count + 1):
            along = (x0 if flat else y0) + inset + (length - 2 * inset) * n / count
            x, y = (along, fixed) if flat else (fixed, along)
            canvas.polygon([(x - size, y), (x, y - size), (x + size, y), (x, y + size)], one if n % 2 else two)
            canvas.circle(x, y, size * 0.3, two if n % 2 else one)


def _gul(canvas: Canvas, x: float, y: float, size: float, colours: tuple[str, str, str], style: str) -> None:
    outer, pale, heart = colours
    with canvas.moved(x, y, size / 50):
        if style == "diamond":
            for part, colour in ((56, pale), (49, outer), (34, pale), (27, heart), (12, pale)):
                canvas.polygon([(0, -part), (part, 0), (0, part), (-part, 0)], colour)
            return
        for part, colour in ((54, pale), (48, outer)):
            cut = part * 0.45
            canvas.polygon([(-cut, -part), (cut, -part), (part, -cut), (part, cut), (cut, part), (-cut, part),
                (-part, cut), (-part, -cut)], colour)
        canvas.path("M0 -48 H22 L48 -22 V0 H0Z M0 48 H-22 L-48 22 V0 H0Z", heart)
        for angle in (45, 135, 225, 315):
            dx, dy = 29 * math.cos(math.radians(angle)), 29 * math.sin(math.radians(angle))
            canvas.polygon([(dx - 8, dy), (dx, dy - 8), (dx + 8, dy), (dx, dy + 8)], pale)
        canvas.rect(-17, -17, 34, 34, pale)
        canvas.rect(-12, -12, 24, 24, outer)
        canvas.polygon([(-8, 0), (0, -8), (8, 0), (0, 8)], pale)


def _weave(canvas: Canvas, x0: float, y0: float, across: float, down: float) -> None:
    for n in range(int(down / 6)):
        canvas.rect(x0, y0 + n * 6, across, 1.2, "#000000", opacity=0.08)
    shade = canvas.linear("#ffffff22", "#ffffff00", "#00000030")
    canvas.rect(x0, y0, across, down, shade)


def tiles(canvas: Canvas) -> None:
    """Eight-pointed stars and crosses in glaze, as on old walls."""
    rng, w, h = canvas.rng, canvas.width, canvas.height
    deep, bright, gold, pale = rng.choice(TILES)
    canvas.ground(deep)
    size = rng.choice((150, 180, 216))
    for row in range(h // size + 2):
        for column in range(w // size + 2):
            x, y = column * size, row * size
            tone = mix(bright, deep, rng.uniform(0, 0.25))
            with canvas.moved(x, y, size / 200):
                _star(canvas, tone, gold, pale, deep)
            with canvas.moved(x + size / 2, y + size / 2, size / 200):
                _flower(canvas, gold if (row + column) % 2 else pale, bright, deep)
    canvas.ground(canvas.radial("#ffffff26", "#00000038", at=(0.35, 0.25), radius=0.95))


def _star(canvas: Canvas, tone: str, gold: str, pale: str, deep: str) -> None:
    for reach, colour in ((98, pale), (90, tone), (62, deep), (56, light(tone, 0.2))):
        points = []
        for n in range(16):
            length = reach if n % 2 == 0 else reach * 0.765
            angle = math.pi * n / 8
            points.append((length * math.cos(angle), length * math.sin(angle)))
        canvas.polygon(points, colour)
    for n in range(8):
        with canvas.moved(0, 0, turn=n * 45):
            canvas.path("M0 -50 Q14 -30 0 -12 Q-14 -30 0 -50Z", gold if n % 2 else pale)
    canvas.circle(0, 0, 11, dark(tone, 0.3))
    canvas.circle(0, 0, 5, gold)


def _flower(canvas: Canvas, petal: str, leaf: str, deep: str) -> None:
    for n in range(4):
        with canvas.moved(0, 0, turn=n * 90):
            canvas.path("M0 0 Q26 -20 0 -62 Q-26 -20 0 0Z", petal)
            canvas.path("M0 -10 Q9 -24 0 -44 Q-9 -24 0 -10Z", leaf)
        with canvas.moved(0, 0, turn=n * 90 + 45):
            canvas.path("M0 0 Q10 -14 0 -34 Q-10 -14 0 0Z", light(leaf, 0.25))
    canvas.circle(0, 0, 9, deep)
