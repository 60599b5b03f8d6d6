"""Things close by: bread, fruit, tea, a dish, books, flowers, a cat in the sun."""

import math

from majlis.demo.art.canvas import Canvas, dark, light, mix

# fmt: off
# One stroke per line: spread out by the formatter a drawing cannot be read any more.

WOODS = ("#b98a5e", "#a9764b", "#c79a6d", "#8f6544")
CLOTHS = (("#a4243b", "#f2e3c6"), ("#1f6f78", "#f4ead5"), ("#355070", "#eaeaea"), ("#d08c3a", "#fbf3e0"), ("#6d597a", "#f3e8ee"))
FRUITS = (
    ("#d62839", "#8e1b2c", "pomegranate"), ("#e8871e", "#b35f0d", "orange"), ("#c1292e", "#7c1519", "apple"),
    ("#7aa95c", "#4c7a36", "apple"), ("#6a3d7c", "#43254f", "grape"), ("#a8c256", "#6f8a2a", "grape"),
    ("#f0c04c", "#c7922a", "melon"), ("#f4a259", "#d0743a", "orange"),
)


def table(canvas: Canvas) -> None:
    """Boards of a wooden table over the whole canvas."""
    rng, w, h = canvas.rng, canvas.width, canvas.height
    wood = rng.choice(WOODS)
    canvas.ground(wood)
    board = h / 5
    for n in range(5):
        tone = mix(wood, rng.choice(("#ffffff", "#3b2417")), rng.uniform(0.02, 0.12))
        canvas.rect(0, n * board, w, board, tone)
        canvas.rect(0, n * board, w, 3, dark(wood, 0.4), opacity=0.6)
        for _ in range(7):
            x, y = rng.uniform(-100, w), n * board + rng.uniform(12, board - 8)
            canvas.stroke(f"M{x} {y} q{rng.uniform(60, 130)} {rng.uniform(-9, 9)} {rng.uniform(160, 300)} 0",
                dark(tone, 0.14), 2, opacity=0.5)
    canvas.ground(canvas.radial("#ffffff2e", "#00000040", at=(0.4, 0.3), radius=0.9))


def cloth(canvas: Canvas) -> None:
    """A printed table cloth over the whole canvas."""
    rng, w, h = canvas.rng, canvas.width, canvas.height
    one, two = rng.choice(CLOTHS)
    canvas.ground(light(one, 0.06))
    step = rng.choice((90, 108))
    for row in range(h // step + 2):
        for column in range(w // step + 2):
            with canvas.moved(column * step + (step / 2 if row % 2 else 0), row * step, step / 108):
                for n in range(4):
                    with canvas.moved(0, 0, turn=n * 90 + 45):
                        canvas.path("M0 -4 Q13 -17 0 -34 Q-13 -17 0 -4Z", two, opacity=0.75)
                canvas.circle(0, 0, 5, two)
    canvas.ground(canvas.radial("#ffffff30", "#00000048", at=(0.4, 0.3), radius=0.9))


def shadow(canvas: Canvas, x: float, y: float, rx: float, ry: float) -> None:
    """A soft shadow."""
    canvas.ellipse(x, y, rx, ry, canvas.radial("#00000070", "#00000000"))


def bread(canvas: Canvas) -> None:
    """Long flat breads on a table, with sesame."""
    rng, w, h = canvas.rng, canvas.width, canvas.height
    table(canvas)
    count = rng.randint(3, 4)
    for n in range(count):
        x, y = w * (0.2 + 0.6 * n / max(1, count - 1)), h * rng.uniform(0.44, 0.56)
        crust = rng.choice(("#d99b50", "#cf8c43", "#e0a85e"))
        with canvas.moved(x, y, h / 620, rng.uniform(6, 30)):
            shadow(canvas, 16, 22, 128, 262)
            canvas.path("M0 -250 Q94 -226 100 -80 Q104 120 60 214 Q0 268 -60 214 Q-104 120 -100 -80 Q-94 -226 0"
                " -250Z", canvas.radial(light(crust, 0.45), crust, dark(crust, 0.2), radius=0.62))
            for x2 in (-58, -29, 0, 29, 58):
                reach = 190 - abs(x2) * 0.9
                canvas.stroke(f"M{x2} {-reach} Q{x2 * 1.2} 0 {x2 * 0.9} {reach}", dark(crust, 0.26), 7, opacity=0.55)
                canvas.stroke(f"M{x2 + 6} {-reach} Q{x2 * 1.2 + 6} 0 {x2 * 0.9 + 6} {reach}", light(crust, 0.5), 4, opacity=0.6)
            for _ in range(60):
                px, py = rng.uniform(-70, 70), rng.uniform(-190, 190)
                canvas.ellipse(px, py, 4.4, 2.4, rng.choice(("#fdf3dc", "#3b2a20", "#f6e3b4")),
                    transform=f"rotate({rng.uniform(0, 180):.0f} {px:.0f} {py:.0f})")


def _one_fruit(canvas: Canvas, x: float, y: float, radius: float, colour: str, deep: str, kind: str) -> None:
    canvas.circle(x, y, radius, canvas.radial(light(colour, 0.38), colour, deep, at=(0.36, 0.32), radius=0.78))
    if kind == "pomegranate":
        canvas.polygon([(x - 7, y - radius + 4), (x - 11, y - radius - 11), (x - 3, y - radius - 4),
            (x, y - radius - 13), (x + 4, y - radius - 4), (x + 11, y - radius - 11), (x + 7, y - radius + 4)], dark(colour, 0.2))
    elif kind == "apple":
        canvas.stroke(f"M{x} {y - radius + 5} q2 -10 7 -15", "#4a3322", 4)
        canvas.path(f"M{x + 4} {y - radius - 2} q14 -14 26 -4 q-12 10 -26 4Z", "#6a994e")
    elif kind == "melon":
        for dx in (-0.5, 0, 0.5):
            canvas.stroke(f"M{x} {y - radius} Q{x + dx * radius * 2} {y} {x} {y + radius}", light(colour, 0.35), 3, opacity=0.8)


def fruit(canvas: Canvas) -> None:
    """Crates of fruit under a striped awning."""
    rng, w, h = canvas.rng, canvas.width, canvas.height
    canvas.ground(canvas.linear("#4a3b36", "#6d5548", "#8a6b55"))
    columns = 3 if w > h else 2
    rows = 2 if w > h else 3
    top = h * 0.2
    cell_w, cell_h = w / columns, (h - top) / rows
    wares = rng.sample(FRUITS, columns * rows)
    for row in range(rows):
        for column in range(columns):
            colour, deep, kind = wares[row * columns + column]
            x0, y0 = column * cell_w + 14, top + row * cell_h + 26
            canvas.rect(x0, y0 + cell_h * 0.2, cell_w - 28, cell_h * 0.66, "#5f3f2a", rx=6)
            radius = {"grape": 17, "melon": 46}.get(kind, 32) * w / 1080
            lines = int(cell_h * 0.62 / (radius * 1.3))
            for line in range(lines):
                y = y0 + cell_h * 0.1 + line * radius * 1.3
                count = int((cell_w - 60) / (radius * 1.75))
                for n in range(count):
                    x = x0 + 20 + radius + n * (cell_w - 68 - 2 * radius) / max(1, count - 1) + rng.uniform(-4, 4)
                    _one_fruit(canvas, x, y + rng.uniform(-5, 5), radius * rng.uniform(0.92, 1.08), colour, deep, kind)
            canvas.rect(x0, y0 + cell_h * 0.64, cell_w - 28, cell_h * 0.24, "#b07d4f", rx=5)
            canvas.rect(x0, y0 + cell_h * 0.75, cell_w - 28, 5, "#7c5334")
            canvas.rect(x0 + cell_w * 0.34, y0 + cell_h * 0.53, cell_w * 0.24, cell_h * 0.19, "#fdf6e3", rx=5)
            canvas.stroke(f"M{x0 + cell_w * 0.38} {y0 + cell_h * 0.6} h{cell_w * 0.16} m{-cell_w * 0.16}"
                f" {cell_h * 0.055} h{cell_w * 0.1}", "#8a7d6b", 5)
    awning = rng.choice(("#c8553d", "#2a9d8f", "#355070", "#588157"))
    step = w / 12
    for n in range(12):
        canvas.path(f"M{n * step} 0 h{step} v{h * 0.15} q{-step / 2} {h * 0.06} {-step} 0Z", awning if n % 2 else "#fbf3e4")
    canvas.rect(0, 0, w, h * 0.15, canvas.linear("#00000050", "#00000000"))


def tea(canvas: Canvas) -> None:
    """Glasses of green tea around a pot, with sweets."""
    rng, w, h = canvas.rng, canvas.width, canvas.height
    (cloth if rng.random() < 0.7 else table)(canvas)
    scale = min(w, h) / 760
    with canvas.moved(w * 0.4, h * 0.4, scale):
        _pot(canvas, rng.choice(("#1f6f78", "#f1ece1", "#8c1c13", "#3d405b")))
    for n, (x, y) in enumerate(((0.7, 0.34), (0.76, 0.68), (0.32, 0.78))[: rng.randint(2, 3)]):
        with canvas.moved(w * x + rng.uniform(-14, 14), h * y, scale * rng.uniform(1.25, 1.4)):
            _glass(canvas, ("#b7b24a", "#c9b458", "#a9702f")[n])
    with canvas.moved(w * 0.56, h * 0.84, scale):
        shadow(canvas, 6, 12, 112, 74)
        canvas.circle(0, 0, 88, "#f7f1e3")
        canvas.circle(0, 0, 66, "#e7dbc1")
        for _ in range(17):
            angle, reach = rng.uniform(0, 6.28), 48 * math.sqrt(rng.random())
            sweet = rng.choice(("#fdf7ec", "#e8c07d", "#b5734c", "#f3d9a4"))
            canvas.ellipse(reach * math.cos(angle), reach * math.sin(angle), 16, 11, sweet, stroke=dark(sweet, 0.2),
                stroke_width=1.5)


def _pot(canvas: Canvas, colour: str) -> None:
    shadow(canvas, 20, 34, 190, 150)
    canvas.path("M108 -30 Q190 -54 214 -118 L236 -108 Q216 20 112 48Z", dark(colour, 0.12))
    canvas.stroke("M-112 -46 Q-206 -44 -190 30 Q-174 88 -100 70", dark(colour, 0.15), 20)
    canvas.circle(0, 0, 132, canvas.radial(light(colour, 0.45), colour, dark(colour, 0.32), at=(0.36, 0.3), radius=0.8))
    band = "#e8c468" if colour != "#f1ece1" else "#1f6f78"
    canvas.circle(0, 0, 88, "none", stroke=band, stroke_width=5)
    for n in range(12):
        with canvas.moved(0, 0, turn=n * 30):
            canvas.path("M0 -94 Q12 -108 0 -124 Q-12 -108 0 -94Z", band)
    canvas.circle(0, 0, 58, canvas.radial(light(colour, 0.3), dark(colour, 0.1), at=(0.4, 0.35)),
        stroke=dark(colour, 0.3), stroke_width=3)
    canvas.circle(0, 0, 15, band)


def _glass(canvas: Canvas, colour: str) -> None:
    shadow(canvas, 12, 18, 92, 78)
    canvas.circle(0, 0, 78, "#f4efe6")
    canvas.circle(0, 0, 70, "#e4dccb")
    canvas.circle(0, 0, 52, "#ffffff", fill_opacity=0.85)
    canvas.circle(0, 0, 46, canvas.radial(light(colour, 0.35), colour, dark(colour, 0.2), at=(0.4, 0.4), radius=0.7))
    canvas.path("M-30 -22 A38 38 0 0 1 10 -38", stroke="#ffffff", stroke_width=5, stroke_linecap="round", opacity=0.75)
    canvas.ellipse(12, 10, 9, 4, "#7f9c3a", transform="rotate(30 12 10)")
    for dx in (-8, 14):
        canvas.stroke(f"M{dx} -8 q-14 -22 0 -42 q14 -20 0 -42", "#ffffff", 4, opacity=0.3)


def dish(canvas: Canvas) -> None:
    """A plate on a printed cloth: dumplings, or rice with carrots and raisins."""
    rng, w, h = canvas.rng, canvas.width, canvas.height
    cloth(canvas)
    with canvas.moved(w * rng.uniform(0.46, 0.54), h * 0.52, min(w, h) / 760):
        shadow(canvas, 16, 30, 345, 330)
        canvas.circle(0, 0, 290, "#fbf7ee")
        rim = rng.choice(("#1f6f78", "#a4243b", "#355070"))
        canvas.circle(0, 0, 272, "none", stroke=rim, stroke_width=7)
        for n in range(28):
            with canvas.moved(0, 0, turn=n * 360 / 28):
                canvas.circle(0, -253, 6, rim)
        canvas.circle(0, 0, 226, "#efe7d6")
        rng.choice((_dumplings, _rice))(canvas)
    with canvas.moved(w * 0.14, h * 0.2, min(w, h) / 760):
        shadow(canvas, 8, 12, 120, 110)
        canvas.circle(0, 0, 96, "#f7f1e3")
        canvas.circle(0, 0, 80, rng.choice(("#7fa650", "#c8553d", "#f4f1ea")))
        for _ in range(40):
            angle, reach = rng.uniform(0, 6.283), 72 * math.sqrt(rng.random())
            colour = rng.choice(("#588157", "#e63946", "#ffffff"))
            canvas.circle(reach * math.cos(angle), reach * math.sin(angle), rng.uniform(3, 7), colour, opacity=0.8)


def _dumplings(canvas: Canvas) -> None:
    rng = canvas.rng
    for ring, count in ((150, 10), (78, 6), (0, 1)):
        for n in range(count):
            angle = 2 * math.pi * n / count + ring
            x, y = ring * math.cos(angle), ring * math.sin(angle)
            with canvas.moved(x, y, 1, math.degrees(angle) + 90):
                canvas.ellipse(4, 8, 48, 42, "#00000022")
                canvas.ellipse(0, 0, 47, 41, canvas.radial("#fffdf6", "#f0e0c0", "#d9c296", at=(0.4, 0.35), radius=0.75))
                for turn in range(0, 360, 60):
                    with canvas.moved(0, 0, turn=turn):
                        canvas.stroke("M0 -5 Q7 -18 2 -32", "#cdb48a", 3, opacity=0.8)
    for _ in range(46):
        x, y = rng.gauss(0, 92), rng.gauss(0, 92)
        if math.hypot(x, y) < 200:
            canvas.ellipse(x, y, rng.uniform(6, 15), rng.uniform(5, 10),
                rng.choice(("#c44536", "#a63a2a", "#588157", "#ffffff")), opacity=0.92)


def _rice(canvas: Canvas) -> None:
    rng = canvas.rng
    canvas.circle(0, 0, 196, canvas.radial("#efd9ab", "#e0bf85", "#c79a5a"))
    for _ in range(520):
        angle, reach = rng.uniform(0, 6.283), 190 * math.sqrt(rng.random())
        x, y = reach * math.cos(angle), reach * math.sin(angle)
        canvas.ellipse(x, y, 11, 3.4, rng.choice(("#f6e2b8", "#ecd09a", "#fdf1d6", "#d9b679")),
            transform=f"rotate({rng.uniform(0, 180):.0f} {x:.0f} {y:.0f})")
    for _ in range(90):
        x, y = rng.gauss(0, 62), rng.gauss(0, 62)
        canvas.rect(x, y, 40, 6, rng.choice(("#e8762b", "#f2994a", "#d65f1a")), rx=3,
            transform=f"rotate({rng.uniform(0, 180):.0f} {x:.0f} {y:.0f})")
    for _ in range(46):
        x, y = rng.gauss(0, 74), rng.gauss(0, 74)
        canvas.ellipse(x, y, 11, 8, rng.choice(("#3a2233", "#4c2c3f", "#2b1a26")),
            transform=f"rotate({rng.uniform(0, 180):.0f} {x:.0f} {y:.0f})")
    for _ in range(16):
        x, y = rng.gauss(0, 80), rng.gauss(0, 80)
        canvas.ellipse(x, y, 13, 6, "#fbf0dc", stroke="#d9c39a", stroke_width=1.5,
            transform=f"rotate({rng.uniform(0, 180):.0f} {x:.0f} {y:.0f})")


def books(canvas: Canvas) -> None:
    """Shelves of books, a plant among them."""
    rng, w, h = canvas.rng, canvas.width, canvas.height
    wood = rng.choice(WOODS)
    canvas.ground(canvas.linear(dark(wood, 0.5), dark(wood, 0.62)))
    rows = 3 if w > h else 4
    step = h / rows
    tones = ("#a4243b", "#1f6f78", "#355070", "#d08c3a", "#6d597a", "#f2e3c6", "#588157", "#bc6c25", "#264653",
        "#e76f51", "#8d99ae")
    for row in range(rows):
        floor = (row + 1) * step - 22
        x, plant = 26.0, rng.uniform(0.2, 0.8) * w if rng.random() < 0.8 else -1.0
        while x < w - 60:
            if 0 < plant < x:
                _pot_plant(canvas, x + 54, floor, step * 0.5)
                x, plant = x + 118, -1.0
                continue
            width, height = rng.uniform(26, 62), step * rng.uniform(0.54, 0.8)
            tone = rng.choice(tones)
            lean = rng.random() < 0.06
            with canvas.moved(x, floor, turn=-9 if lean else 0):
                canvas.rect(0, -height, width, height, canvas.linear(light(tone, 0.16), tone, dark(tone, 0.25),
                    across=True), rx=3)
                canvas.rect(0, -height * 0.88, width, 6, "#e8c468", opacity=0.9)
                canvas.rect(0, -height * 0.14, width, 6, "#e8c468", opacity=0.9)
                canvas.rect(width * 0.24, -height * 0.7, width * 0.52, height * 0.34, light(tone, 0.55), opacity=0.5, rx=2)
            x += width + (22 if lean else 2)
        canvas.rect(0, floor, w, 22, wood)
        canvas.rect(0, floor, w, 5, light(wood, 0.25))
        canvas.rect(0, floor + 22, w, 26, canvas.linear("#00000066", "#00000000"))


def _pot_plant(canvas: Canvas, x: float, floor: float, size: float) -> None:
    rng = canvas.rng
    leaf = rng.choice(("#6a994e", "#4f772d", "#74a57f"))
    for n in range(9):
        with canvas.moved(x, floor - size * 0.34, size / 120, -80 + n * 20):
            canvas.path("M0 0 Q20 -40 0 -96 Q-20 -40 0 0Z", mix(leaf, "#ffffff", rng.uniform(0, 0.25)))
    canvas.path(f"M{x - size * 0.26} {floor - size * 0.4} H{x + size * 0.26} L{x + size * 0.18} {floor}"
        f" H{x - size * 0.18}Z", "#c8704d")
    canvas.rect(x - size * 0.29, floor - size * 0.44, size * 0.58, size * 0.11, "#d98762", rx=3)


def flowers(canvas: Canvas) -> None:
    """Tulips and roses in front of a mud wall, or a window full of pots."""
    rng, w, h = canvas.rng, canvas.width, canvas.height
    wall = rng.choice(("#d8b48d", "#e3c9a6", "#cfd8d7", "#e9d5c0"))
    canvas.ground(canvas.linear(light(wall, 0.25), wall))
    canvas.path(f"M{w * 0.3} {h * 0.72} V{h * 0.3} Q{w * 0.3} {h * 0.08} {w * 0.5} {h * 0.06} Q{w * 0.7} {h * 0.08}"
        f" {w * 0.7} {h * 0.3} V{h * 0.72}Z", dark(wall, 0.2))
    canvas.path(f"M{w * 0.33} {h * 0.72} V{h * 0.31} Q{w * 0.33} {h * 0.12} {w * 0.5} {h * 0.1} Q{w * 0.67}"
        f" {h * 0.12} {w * 0.67} {h * 0.31} V{h * 0.72}Z", canvas.linear("#8ecae6", "#dff1f7"))
    canvas.stroke(f"M{w * 0.5} {h * 0.1} V{h * 0.72} M{w * 0.33} {h * 0.4} H{w * 0.67}", dark(wall, 0.3), 9)
    blooms = rng.sample(("#e63946", "#f77f00", "#fcbf49", "#d0549b", "#9d4edd", "#f1faee"), 3)
    for n in range(46):
        depth = n / 45
        x, y = rng.random() * w, h * (0.76 + 0.28 * depth)
        _bloom(canvas, x, y, h * (0.1 + 0.13 * depth) * rng.uniform(0.8, 1.2), rng.choice(blooms))


def _bloom(canvas: Canvas, x: float, y: float, size: float, colour: str) -> None:
    rng = canvas.rng
    sway = rng.uniform(-0.2, 0.2) * size
    canvas.stroke(f"M{x} {y + size} Q{x} {y} {x + sway} {y - size}", "#4f7a3a", max(3, size * 0.05))
    canvas.path(f"M{x} {y + size * 0.6} q{size * 0.5} {-size * 0.3} {size * 0.42} {-size * 0.9} q{-size * 0.44}"
        f" {size * 0.3} {-size * 0.42} {size * 0.9}Z", "#5f9146")
    with canvas.moved(x + sway, y - size, size / 100, rng.uniform(-14, 14)):
        canvas.path("M-34 -10 Q-42 -62 -18 -68 Q-4 -58 0 -72 Q4 -58 18 -68 Q42 -62 34 -10 Q20 18 0 18 Q-20 18 -34"
            " -10Z", canvas.radial(light(colour, 0.3), colour, dark(colour, 0.25), at=(0.4, 0.3), radius=0.8))
        canvas.path("M0 -66 Q20 -30 0 16 Q-20 -30 0 -66Z", light(colour, 0.22), opacity=0.75)


def cat(canvas: Canvas) -> None:
    """A cat on a warm wall."""
    rng, w, h = canvas.rng, canvas.width, canvas.height
    canvas.ground(canvas.linear("#8ecae6", "#e3f2f7", "#fdf0d5"))
    canvas.circle(w * 0.78, h * 0.24, h * 0.1, "#fff3c9")
    wall = rng.choice(("#c9a27a", "#d8b48d", "#b98d66"))
    canvas.rect(0, h * 0.72, w, h * 0.3, wall)
    for row in range(4):
        for column in range(14):
            left = column * w / 13 - (w / 26 if row % 2 else 0)
            canvas.rect(left, h * (0.73 + row * 0.07), w / 13 - 6, h * 0.062, mix(wall, "#ffffff", rng.uniform(0, 0.16)), rx=5)
    fur = rng.choice(("#8d8d94", "#d98e4a", "#3b3a40", "#efe6d8"))
    deep = dark(fur, 0.22)
    with canvas.moved(w * rng.uniform(0.36, 0.56), h * 0.72, h / 560):
        shadow(canvas, 0, 2, 190, 26)
        canvas.stroke("M120 -20 Q210 -30 196 -120 Q190 -150 168 -146", fur, 26)
        canvas.path("M-118 4 Q-130 -96 -56 -150 Q40 -190 108 -120 Q150 -70 138 4Z", canvas.linear(light(fur, 0.08), fur))
        for dx in (-80, -36):
            canvas.ellipse(dx, -2, 30, 17, light(fur, 0.12))
        canvas.polygon([(-150, -196), (-146, -276), (-96, -232)], fur)
        canvas.polygon([(-26, -232), (22, -276), (28, -192)], fur)
        canvas.polygon([(-142, -206), (-139, -254), (-110, -226)], "#e5a9a0")
        canvas.polygon([(-14, -226), (14, -254), (18, -202)], "#e5a9a0")
        canvas.ellipse(-61, -176, 94, 76, canvas.radial(light(fur, 0.16), fur, at=(0.45, 0.4), radius=0.8))
        for dx in (-38, 38):
            canvas.ellipse(-61 + dx, -184, 15, 17, "#b9d36c")
            canvas.ellipse(-61 + dx, -184, 5, 14, "#20201f")
            canvas.circle(-57 + dx, -191, 4, "#ffffff")
        canvas.path("M-70 -158 H-52 L-61 -147Z", "#d9837a")
        canvas.stroke("M-61 -147 q-12 16 -26 8 M-61 -147 q12 16 26 8", deep, 4)
        canvas.stroke("M-104 -156 l-52 -10 M-104 -146 l-52 6 M-18 -156 l52 -10 M-18 -146 l52 6", light(fur, 0.6), 2.5)
        canvas.stroke("M-72 -250 v22 M-61 -252 v26 M-50 -250 v22 M20 -150 q24 20 20 50 M54 -146 q22 22 16 52 M86 -130"
            " q18 20 12 46", deep, 9)
