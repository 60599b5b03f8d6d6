"""Things for sale, each on a plain ground."""

import math

from majlis.demo.art.canvas import Canvas, dark, light
from majlis.demo.art.still import shadow

# fmt: off
# One stroke per line: spread out by the formatter a drawing cannot be read any more.

GROUNDS = ("#efe3d0", "#dfe7e6", "#e9dfe8", "#e4ead8", "#f3e2d6", "#dce5ef", "#f4ecd2")
PAINTS = ("#c8553d", "#2a9d8f", "#355070", "#e0a458", "#8f2d56", "#588157", "#3d405b", "#6d597a")
STEEL, INK = "#b9c0c7", "#2b2d33"


def _stage(canvas: Canvas) -> str:
    """A wall and a floor; a paint for the thing itself."""
    rng, w, h = canvas.rng, canvas.width, canvas.height
    ground = rng.choice(GROUNDS)
    canvas.ground(canvas.radial(light(ground, 0.5), ground, at=(0.45, 0.4), radius=0.8))
    canvas.rect(0, h * 0.74, w, h * 0.26, canvas.linear(dark(ground, 0.13), dark(ground, 0.05)))
    shadow(canvas, w / 2, h * 0.8, w * 0.34, h * 0.06)
    return rng.choice(PAINTS)


def bicycle(canvas: Canvas) -> None:
    """A bicycle, from the side."""
    paint = _stage(canvas)
    with canvas.moved(canvas.width / 2, canvas.height * 0.62, canvas.height / 760):
        for x in (-190, 190):
            canvas.circle(x, 0, 132, "none", stroke=INK, stroke_width=15)
            canvas.circle(x, 0, 120, "none", stroke=STEEL, stroke_width=5)
            for n in range(18):
                angle = math.pi * n / 9
                canvas.stroke(f"M{x} 0 L{x + 118 * math.cos(angle)} {118 * math.sin(angle)}", "#9aa3ab", 1.6)
            canvas.circle(x, 0, 12, INK)
            canvas.stroke(f"M{x - 128} -66 A144 144 0 0 1 {x + 70} -126", dark(paint, 0.1), 9)
        canvas.stroke("M-190 0 L-88 -178 H112 L-22 -4 Z M-88 -178 L-22 -4 M190 0 L104 -214", paint, 17)
        canvas.stroke("M104 -214 l-12 -36 h46 q30 0 30 30 M-88 -178 l-14 -42", INK, 12)
        canvas.path("M-160 -232 Q-104 -250 -56 -230 Q-70 -208 -104 -212 Q-140 -210 -160 -232Z", INK)
        canvas.circle(-22, -4, 36, "none", stroke=STEEL, stroke_width=11)
        canvas.stroke("M-22 -4 l30 52 h28 M-22 -4 l-30 -52 h-26", INK, 9)


def phone(canvas: Canvas) -> None:
    """A phone, front and back."""
    paint = _stage(canvas)
    with canvas.moved(canvas.width / 2, canvas.height * 0.5, canvas.height / 760):
        with canvas.moved(92, 0, turn=9):
            canvas.rect(-104, -226, 208, 452, canvas.linear(light(paint, 0.25), paint), rx=34)
            canvas.rect(-84, -204, 84, 96, dark(paint, 0.18), rx=22)
            for y in (-176, -136):
                canvas.circle(-56, y, 17, "#17181c")
                canvas.circle(-51, y - 5, 5, "#6f86a8")
            canvas.circle(-24, -156, 9, "#f4e9c1")
        with canvas.moved(-96, 8, turn=-7):
            canvas.rect(-108, -232, 216, 464, INK, rx=36)
            canvas.rect(-96, -218, 192, 436, canvas.linear("#274060", "#8c4a7a", "#f2a65a"), rx=26)
            canvas.circle(0, -200, 7, "#0e0f12")
            for row in range(4):
                for column in range(3):
                    colour = canvas.rng.choice(PAINTS)
                    canvas.rect(-72 + column * 54, -96 + row * 62, 40, 40, light(colour, 0.2), rx=11)


def laptop(canvas: Canvas) -> None:
    """A laptop, opened."""
    paint = _stage(canvas)
    with canvas.moved(canvas.width / 2, canvas.height * 0.52, canvas.height / 760):
        canvas.rect(-262, -236, 524, 352, INK, rx=20)
        canvas.rect(-244, -218, 488, 316, canvas.linear(light(paint, 0.55), light(paint, 0.1)), rx=8)
        canvas.path("M-244 98 V20 Q-140 -90 -40 10 T160 -20 L244 40 V98Z", dark(paint, 0.15), opacity=0.8)
        canvas.circle(120, -120, 42, "#fff3d1", opacity=0.9)
        canvas.path("M-330 116 H330 L378 176 Q380 192 360 192 H-360 Q-380 192 -378 176Z", canvas.linear("#d5dae0", STEEL))
        canvas.path("M-300 128 H300 L322 158 H-322Z", "#4c5058")
        for row in range(3):
            canvas.stroke(f"M{-296 - row * 8} {134 + row * 10} H{296 + row * 8}", "#767c86", 4, stroke_dasharray="24 7")
        canvas.rect(-76, 164, 152, 18, "#c3c9d0", rx=6)


def sofa(canvas: Canvas) -> None:
    """A sofa with cushions."""
    paint = _stage(canvas)
    with canvas.moved(canvas.width / 2, canvas.height * 0.6, canvas.height / 760):
        canvas.rect(-300, -190, 600, 220, canvas.linear(light(paint, 0.16), paint), rx=46)
        for x in (-270, 4):
            canvas.rect(x, -36, 266, 92, canvas.linear(light(paint, 0.24), light(paint, 0.05)), rx=26)
        for x in (-372, 272):
            canvas.rect(x, -96, 100, 208, canvas.linear(light(paint, 0.1), dark(paint, 0.12)), rx=42)
        canvas.rect(-330, 46, 660, 66, dark(paint, 0.16), rx=22)
        for x in (-300, 270):
            canvas.rect(x, 106, 28, 46, "#5f4330", rx=6)
        accent = canvas.rng.choice(PAINTS)
        for x, turn in ((-190, -14), (190, 12)):
            with canvas.moved(x, -70, turn=turn):
                canvas.rect(-66, -62, 132, 124, light(accent, 0.12), rx=22)
                canvas.polygon([(0, -40), (40, 0), (0, 40), (-40, 0)], light(accent, 0.6))
                canvas.polygon([(0, -18), (18, 0), (0, 18), (-18, 0)], accent)


def desk(canvas: Canvas) -> None:
    """A desk with a lamp and a chair."""
    paint = _stage(canvas)
    wood = "#b0794e"
    with canvas.moved(canvas.width / 2, canvas.height * 0.56, canvas.height / 760):
        canvas.rect(-330, -30, 660, 34, canvas.linear(light(wood, 0.2), wood), rx=8)
        for x in (-306, 274):
            canvas.rect(x, 0, 32, 210, dark(wood, 0.12), rx=5)
        canvas.rect(60, 4, 214, 130, light(wood, 0.06), rx=6)
        for y in (16, 78):
            canvas.rect(74, y, 186, 48, wood, rx=5)
            canvas.circle(167, y + 24, 7, "#e8c468")
        canvas.rect(-250, -148, 40, 118, PAINTS[0], rx=4)
        canvas.rect(-206, -130, 34, 100, PAINTS[2], rx=4)
        canvas.rect(-168, -158, 44, 128, PAINTS[5], rx=4)
        canvas.stroke("M190 -34 V-110 L120 -190", INK, 11)
        canvas.path("M66 -176 L132 -222 L176 -168 Q120 -120 66 -176Z", paint)
        canvas.path("M74 -170 L30 -30 H150 L164 -166Z", "#fff0c2", opacity=0.4)
        canvas.rect(150, -40, 84, 12, INK, rx=6)
        canvas.rect(-190, 86, 170, 26, paint, rx=12)
        canvas.stroke("M-176 112 V210 M-34 112 V210 M-30 90 V-14", dark(wood, 0.2), 15)


def dress(canvas: Canvas) -> None:
    """An embroidered dress on a hanger."""
    paint = _stage(canvas)
    trim = canvas.rng.choice(("#f2c14e", "#f7ede2", "#e76f51"))
    with canvas.moved(canvas.width / 2, canvas.height * 0.5, canvas.height / 780):
        canvas.stroke("M0 -296 q28 -34 0 -48 q-24 6 -18 22 M0 -296 L-120 -232 M0 -296 L120 -232", "#7a5a3e", 9)
        canvas.path("M-74 -246 L-214 -40 L-150 -4 L-92 -96 Q-96 60 -216 300 H216 Q96 60 92 -96 L150 -4 L214 -40 L74"
            " -246 Q0 -200 -74 -246Z", canvas.linear(light(paint, 0.12), paint, dark(paint, 0.15)))
        canvas.path("M-58 -238 Q0 -204 58 -238 L46 -90 Q0 -62 -46 -90Z", trim)
        for row in range(4):
            for n in range(-2, 3):
                canvas.circle(n * 18, -206 + row * 30 + abs(n) * -3, 6.5, (paint, "#2a9d8f", "#c1121f", "#355070")[(row + n) % 4])
        for x in (-1, 1):
            canvas.stroke(f"M{x * 206} -42 L{x * 152} -10", trim, 15)
        for row, y in enumerate((250, 282)):
            for n in range(-9 - row, 10 + row):
                size = 9
                canvas.polygon([(n * 20 - size, y), (n * 20, y - size), (n * 20 + size, y), (n * 20, y + size)],
                    trim if n % 2 else light(paint, 0.5))
        canvas.stroke("M-88 -60 Q0 -36 88 -60", trim, 10)


def stove(canvas: Canvas) -> None:
    """A stove with fire behind its door."""
    paint = _stage(canvas)
    body = dark(paint, 0.35)
    with canvas.moved(canvas.width / 2, canvas.height * 0.56, canvas.height / 760):
        canvas.rect(-26, -330, 60, 200, "#6b7078", rx=6)
        canvas.rect(-36, -206, 80, 16, "#4b4f56", rx=5)
        canvas.rect(-164, -140, 328, 300, canvas.linear(light(body, 0.2), body), rx=30)
        canvas.rect(-186, -158, 372, 36, dark(body, 0.25), rx=14)
        canvas.rect(-110, -82, 220, 164, "#1e1a1c", rx=18)
        for x, size, colour in ((0, 1.3, "#e4572e"), (-48, 0.9, "#f29e4c"), (48, 0.95, "#f29e4c"), (0, 0.8, "#ffd166")):
            with canvas.moved(x, 74, size):
                canvas.path("M0 -100 Q44 -52 30 -20 Q24 2 0 4 Q-24 2 -30 -20 Q-36 -52 -10 -66 Q0 -78 0 -100Z", colour)
        canvas.rect(-110, -82, 220, 164, "none", rx=18, stroke="#8c8f95", stroke_width=9)
        canvas.rect(-74, 104, 148, 30, "#1e1a1c", rx=10)
        for x in (-130, 96):
            canvas.rect(x, 158, 34, 38, "#3a3c42", rx=6)


def washer(canvas: Canvas) -> None:
    """A washing machine."""
    paint = _stage(canvas)
    with canvas.moved(canvas.width / 2, canvas.height * 0.5, canvas.height / 760):
        canvas.rect(-190, -236, 380, 456, canvas.linear("#fdfdfc", "#dfe3e6"), rx=26)
        canvas.rect(-190, -236, 380, 92, "#cfd5da", rx=26)
        canvas.rect(-190, -166, 380, 22, "#cfd5da")
        canvas.rect(-158, -212, 110, 44, "#f6f8f9", rx=9)
        canvas.rect(20, -210, 76, 40, "#1f3d3a", rx=7)
        canvas.circle(140, -190, 24, "#f6f8f9", stroke="#9aa3ab", stroke_width=5)
        canvas.stroke("M140 -190 v-18", "#5d666e", 5)
        canvas.circle(0, 36, 138, "#aab3ba")
        canvas.circle(0, 36, 112, canvas.radial(light(paint, 0.5), dark(paint, 0.3), at=(0.35, 0.3), radius=0.9))
        canvas.path("M-100 56 Q-50 16 0 52 T100 46 Q92 140 0 146 Q-92 140 -100 56Z", "#8ecae6", opacity=0.75)
        canvas.path("M-72 -18 A98 98 0 0 1 6 -60", stroke="#ffffff", stroke_width=11, stroke_linecap="round", opacity=0.6)
        for x in (-160, 126):
            canvas.rect(x, 216, 34, 18, "#6b7078", rx=5)


def pram(canvas: Canvas) -> None:
    """A pushchair."""
    paint = _stage(canvas)
    with canvas.moved(canvas.width / 2, canvas.height * 0.52, canvas.height / 760):
        canvas.stroke("M190 -40 L286 -170 h40", INK, 15)
        canvas.path("M-210 -40 A210 210 0 0 1 0 -250 V-40Z", paint)
        for angle in (30, 60):
            x, y = -210 * math.cos(math.radians(angle)), -40 - 210 * math.sin(math.radians(angle))
            canvas.stroke(f"M0 -40 L{x} {y}", dark(paint, 0.22), 6)
        canvas.path("M-226 -40 H206 Q190 96 70 108 H-96 Q-212 96 -226 -40Z",
            canvas.linear(light(paint, 0.28), light(paint, 0.08)))
        canvas.rect(-232, -54, 446, 30, dark(paint, 0.16), rx=14)
        canvas.stroke("M-100 104 L60 180 M80 104 L-90 180", INK, 11)
        for x in (-110, 96):
            canvas.circle(x, 188, 52, INK)
            canvas.circle(x, 188, 36, "#e4e7ea")
            canvas.circle(x, 188, 10, INK)


def jar(canvas: Canvas) -> None:
    """Jars of honey."""
    _stage(canvas)
    scale = canvas.height / 760
    for x, size in ((-170, 0.82), (160, 0.88), (0, 1.1)):
        with canvas.moved(canvas.width / 2 + x * scale, canvas.height * 0.56, scale * size):
            shadow(canvas, 8, 190, 150, 30)
            canvas.rect(-112, -130, 224, 318, canvas.linear("#f6c453", "#d98e1f", "#b86e12"), rx=44)
            canvas.rect(-100, -150, 200, 52, "#ffffff", rx=16, opacity=0.55)
            canvas.rect(-106, -196, 212, 64, canvas.linear("#d9b98a", "#a9764b"), rx=14)
            canvas.rect(-90, -16, 180, 112, "#fdf6e3", rx=12)
            for dx, dy in ((-26, 20), (26, 20), (0, 62), (0, -2)):
                points = [(dx + 24 * math.cos(math.radians(a)),
                    dy + 20 + 24 * math.sin(math.radians(a))) for a in range(30, 390, 60)]
                canvas.polygon(points, "none", stroke="#d98e1f", stroke_width=5)
            canvas.rect(-92, -110, 20, 220, "#ffffff", rx=10, opacity=0.35)


def saffron(canvas: Canvas) -> None:
    """A bowl of saffron threads."""
    rng = canvas.rng
    _stage(canvas)
    with canvas.moved(canvas.width / 2, canvas.height * 0.5, canvas.height / 760):
        shadow(canvas, 10, 40, 330, 250)
        canvas.circle(0, 0, 250, canvas.radial("#c08a5a", "#8f5f3a", at=(0.4, 0.35), radius=0.8))
        canvas.circle(0, 0, 214, "#6f4629")
        for _ in range(420):
            angle, reach = rng.uniform(0, 6.283), 196 * math.sqrt(rng.random())
            x, y, turn = reach * math.cos(angle), reach * math.sin(angle), rng.uniform(0, 360)
            with canvas.moved(x, y, turn=turn):
                canvas.stroke("M-20 0 q14 -12 26 -2 q8 6 16 -4",
                    rng.choice(("#a4161a", "#ba181b", "#e5383b", "#d1590b", "#7f1014")), 4.2)
    for dx, dy in ((-0.36, -0.26), (0.37, 0.3), (0.36, -0.3)):
        with canvas.moved(canvas.width * (0.5 + dx), canvas.height * (0.5 + dy), canvas.height / 900):
            for n in range(6):
                with canvas.moved(0, 0, turn=n * 60):
                    canvas.path("M0 0 Q34 -36 0 -96 Q-34 -36 0 0Z", ("#9d6bbf", "#8250a8")[n % 2])
            canvas.stroke("M0 0 l-14 -34 M0 0 l16 -32 M0 0 l2 -40", "#e5383b", 6)
            canvas.circle(0, 0, 9, "#f2c14e")


def car(canvas: Canvas) -> None:
    """A family car."""
    paint = _stage(canvas)
    with canvas.moved(canvas.width / 2, canvas.height * 0.62, canvas.height / 760):
        canvas.path("M-370 60 Q-380 -30 -300 -44 L-214 -56 Q-150 -168 -40 -170 H70 Q150 -168 220 -62 L320 -40 Q376"
            " -24 372 60Z", canvas.linear(light(paint, 0.3), paint, dark(paint, 0.2)))
        canvas.path("M-186 -58 Q-136 -142 -46 -144 H-14 V-58Z", "#cfe6f0")
        canvas.path("M10 -144 H66 Q126 -142 184 -58 H10Z", "#b9d7e5")
        canvas.stroke("M-2 -144 V50 M-200 -44 H200", dark(paint, 0.3), 4)
        for x in (-74, 60):
            canvas.rect(x, -24, 44, 9, light(paint, 0.6), rx=4)
        canvas.ellipse(352, -8, 18, 14, "#fff0b8")
        canvas.ellipse(-362, -6, 12, 18, "#d62828")
        canvas.rect(-376, 44, 752, 22, dark(paint, 0.35), rx=9)
        for x in (-220, 220):
            canvas.circle(x, 66, 72, INK)
            canvas.circle(x, 66, 42, STEEL)
            for n in range(5):
                with canvas.moved(x, 66, turn=n * 72):
                    canvas.path("M-7 -6 L-11 -38 H11 L7 -6Z", "#8b939b")


def flat(canvas: Canvas) -> None:
    """A block of flats with balconies."""
    rng, w, h = canvas.rng, canvas.width, canvas.height
    canvas.ground(canvas.linear("#7db9de", "#d4ebf5", "#fbf1e0"))
    wall = rng.choice(("#e6d5bd", "#d9c4a9", "#e3dcd2", "#d4c6c0"))
    paint = rng.choice(PAINTS)
    x0, x1, top, ground = w * 0.2, w * 0.8, h * 0.1, h * 0.86
    canvas.rect(x0, top, x1 - x0, ground - top, canvas.linear(light(wall, 0.2), wall))
    canvas.rect(x0 - 14, top - 16, x1 - x0 + 28, 24, dark(wall, 0.2))
    columns, floors = 4, 5
    step_x, step_y = (x1 - x0) / columns, (ground - top) / (floors + 0.4)
    for floor in range(floors):
        for column in range(columns):
            x, y = x0 + column * step_x, top + 26 + floor * step_y
            if floor == floors - 1 and column in (1, 2):
                canvas.rect(x + step_x * 0.2, y + 10, step_x * 0.6, ground - y - 10, dark(paint, 0.2), rx=6)
                continue
            canvas.rect(x + step_x * 0.18, y, step_x * 0.64, step_y * 0.62, dark(wall, 0.3), rx=4)
            glass = rng.choice(("#9cc4d6", "#bcd9e4", "#f7e3b2"))
            canvas.rect(x + step_x * 0.21, y + 5, step_x * 0.58, step_y * 0.62 - 10, glass)
            canvas.rect(x + step_x * 0.48, y, 6, step_y * 0.62, dark(wall, 0.3))
            if column % 2 == floor % 2:
                canvas.rect(x + step_x * 0.08, y + step_y * 0.44, step_x * 0.84, step_y * 0.3, paint, rx=4)
                canvas.rect(x + step_x * 0.08, y + step_y * 0.44, step_x * 0.84, 7, light(paint, 0.4))
    canvas.rect(0, ground, w, h - ground, "#a7b97a")
    for x in (0.08, 0.92):
        canvas.rect(w * x - 8, h * 0.7, 16, h * 0.18, "#5c4433")
        for dx, dy, radius in ((-40, -20, 60), (40, -16, 62), (0, -76, 72)):
            canvas.circle(w * x + dx, h * 0.66 + dy, radius, rng.choice(("#588157", "#6a994e", "#4f772d")))


def notebook(canvas: Canvas) -> None:
    """An exercise book, pencils and a globe."""
    paint = _stage(canvas)
    with canvas.moved(canvas.width / 2, canvas.height * 0.52, canvas.height / 760):
        with canvas.moved(-70, 20, turn=-8):
            canvas.rect(-200, -180, 400, 330, dark(paint, 0.1), rx=12)
            canvas.rect(-188, -172, 186, 314, "#fdfbf4", rx=6)
            canvas.rect(2, -172, 186, 314, "#fdfbf4", rx=6)
            for n in range(9):
                canvas.stroke(f"M-170 {-138 + n * 31} h150 M20 {-138 + n * 31} h{(150, 96, 138)[n % 3]}", "#b5c7d8", 4)
        for n, colour in enumerate(("#e9c46a", "#e63946", "#2a9d8f")):
            with canvas.moved(60 + n * 62, 150, turn=-34 + n * 13):
                canvas.rect(-12, -190, 24, 190, colour)
                canvas.polygon([(-12, -190), (12, -190), (0, -226)], "#f3d9b1")
                canvas.polygon([(-4, -214), (4, -214), (0, -226)], INK)
                canvas.rect(-12, -6, 24, 18, "#f4a7a7", rx=5)
        canvas.circle(208, -120, 104, canvas.radial("#bfe3f2", "#4d9ac6", at=(0.36, 0.32), radius=0.8))
        canvas.path("M150 -176 q40 -30 72 0 q10 40 -24 52 q-50 8 -48 -52Z M214 -96 q46 -10 60 22 q-20 46 -52 34Z", "#6a994e")
        canvas.stroke("M120 -196 A120 120 0 0 0 290 -34", "#a9764b", 11)


def thread(canvas: Canvas) -> None:
    """Reels of thread, scissors, a piece of cloth."""
    paint = _stage(canvas)
    rng = canvas.rng
    with canvas.moved(canvas.width / 2, canvas.height * 0.5, canvas.height / 760):
        canvas.path("M-330 120 Q-180 60 -40 130 T330 110 V240 Q160 200 20 238 T-330 230Z", light(paint, 0.1))
        for n in range(15):
            canvas.stroke(f"M{-300 + n * 42} {150 + (n % 3) * 12} l16 16 m0 -16 l-16 16", light(paint, 0.6), 4)
        for n, x in enumerate((-240, -90, 60)):
            colour = rng.choice(PAINTS)
            with canvas.moved(x, -30 + (n % 2) * 34):
                canvas.rect(-58, -120, 116, 26, "#c9986a", rx=8)
                canvas.rect(-58, 84, 116, 26, "#c9986a", rx=8)
                canvas.rect(-48, -94, 96, 178, canvas.linear(light(colour, 0.3), colour, dark(colour, 0.2), across=True), rx=8)
                for line in range(11):
                    canvas.stroke(f"M-46 {-84 + line * 16} q46 10 92 0", dark(colour, 0.18), 2)
        canvas.stroke("M176 -190 L286 60 M300 -190 L190 60", STEEL, 19)
        for x in (170, 306):
            canvas.circle(x, 104, 44, "none", stroke=dark(paint, 0.1), stroke_width=19)
        canvas.circle(238, -46, 10, INK)


def tools(canvas: Canvas) -> None:
    """A drill and what goes with it."""
    paint = _stage(canvas)
    with canvas.moved(canvas.width / 2, canvas.height * 0.5, canvas.height / 760):
        canvas.rect(-200, -160, 300, 128, canvas.linear(light(paint, 0.25), paint), rx=36)
        canvas.path("M-150 -44 H-10 L20 150 H-100Z", dark(paint, 0.1))
        canvas.rect(-136, 138, 176, 70, INK, rx=16)
        canvas.path("M100 -140 L168 -124 V-70 L100 -54Z", "#5d636b")
        canvas.rect(166, -106, 150, 20, STEEL, rx=5)
        for n in range(6):
            canvas.stroke(f"M{176 + n * 24} -104 l14 16", "#838b94", 5)
        canvas.path("M-10 -30 q38 4 26 54 h-26Z", INK)
        canvas.circle(-146, -96, 26, dark(paint, 0.25))
        for n in range(5):
            canvas.rect(110 + n * 44, 60 - n * 8, 16, 140 + n * 8, STEEL, rx=6)
            canvas.polygon([(110 + n * 44, 60 - n * 8), (126 + n * 44, 60 - n * 8), (118 + n * 44, 32 - n * 8)], "#838b94")


def sapling(canvas: Canvas) -> None:
    """Young trees in pots."""
    _stage(canvas)
    rng = canvas.rng
    scale = canvas.height / 760
    for x, size in ((-210, 0.86), (210, 0.9), (0, 1.08)):
        leaf = rng.choice(("#6a994e", "#588157", "#7fa650"))
        with canvas.moved(canvas.width / 2 + x * scale, canvas.height * 0.8, scale * size):
            canvas.stroke("M0 -110 Q-8 -240 4 -380", "#6f4e37", 11)
            for n in range(14):
                y, side = -180 - n * 16, -1 if n % 2 else 1
                with canvas.moved(0, y, 1 - n * 0.025, side * (58 - n * 1.5)):
                    canvas.path("M0 0 Q28 -34 0 -92 Q-28 -34 0 0Z", light(leaf, 0.04 * (n % 5)))
                    canvas.stroke("M0 -6 V-74", dark(leaf, 0.18), 2.5)
            canvas.path("M-92 -124 H92 L66 16 H-66Z", canvas.linear("#d98762", "#b0603f"))
            canvas.rect(-102, -142, 204, 34, "#e29a77", rx=9)


def panel(canvas: Canvas) -> None:
    """A solar panel in the sun."""
    _stage(canvas)
    w, h = canvas.width, canvas.height
    canvas.circle(w * 0.82, h * 0.2, h * 0.2, canvas.radial("#fff1b8ee", "#fff1b800"))
    canvas.circle(w * 0.82, h * 0.2, h * 0.07, "#ffd166")
    with canvas.moved(w * 0.47, h * 0.5, h / 760):
        canvas.stroke("M-150 60 L-210 262 M170 60 L230 262 M0 80 V262", "#7b828a", 15)
        canvas.polygon([(-210, -210), (270, -210), (330, 140), (-300, 140)], "#d5dae0")
        canvas.polygon([(-198, -198), (258, -198), (314, 128), (-284, 128)], "#16325c")
        for row in range(4):
            for column in range(6):
                t0, t1 = row / 4, (row + 1) / 4

                def at(t: float, u: float) -> tuple[float, float]:
                    left, right = -198 - 86 * t, 258 + 56 * t
                    return left + (right - left) * u, -198 + 326 * t

                cell = [at(t0 + 0.02, column / 6 + 0.008), at(t0 + 0.02, (column + 1) / 6 - 0.008)]
                cell += [at(t1 - 0.02, (column + 1) / 6 - 0.008), at(t1 - 0.02, column / 6 + 0.008)]
                canvas.polygon(cell, canvas.rng.choice(("#1f4e8c", "#24579c", "#1b4580")))
        canvas.polygon([(-150, -198), (-10, -198), (-130, 128), (-284, 128)], "#ffffff", opacity=0.1)
