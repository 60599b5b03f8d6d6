"""Portraits: friendly people in a flat style, or a geometric sign for those who show no face."""

import math
import random

from majlis.demo.art.canvas import Canvas, dark, light, mix

# fmt: off
# One stroke per line: spread out by the formatter a drawing cannot be read any more.

SIZE = 400
SKIN = ("#f3d3b5", "#eac4a0", "#e0b48c", "#d4a276", "#c48f64", "#b57f55", "#9c6b46")
HAIR = ("#1c1614", "#2b1f1a", "#3a271d", "#4e3524", "#5f4630")
GREY = ("#8d8a88", "#b9b5b1", "#d9d6d2")
GROUNDS = (
    "#f6c8a8", "#a9d6d5", "#f4d58d", "#b7c9e2", "#d5c6e0", "#bcd9b0", "#f2b5a7", "#9fc5d8", "#e8d3b9", "#c9dfc4", "#f0bfcf",
    "#a8c5b5",
)
CLOTHES = (
    "#2f4858", "#5b3a52", "#7a3b2e", "#2e5e4e", "#8c6a3f", "#3f5170", "#6d2f45", "#36607a", "#4a4a52", "#a2553a", "#e9e2d5",
    "#53704a",
)
SCARVES = (
    "#1f6f78", "#8f2d56", "#d81e5b", "#3c6e71", "#5e4b8b", "#c8553d", "#e0a458", "#264653", "#2a9d8f", "#b56576", "#355070",
    "#ede6db", "#6b8f71", "#7b2d26", "#3d3a4b",
)


def portrait(seed: str, gender: str, age: int, *, local: bool) -> bytes:
    """A person of this gender and age; `local` people often wear what is worn here."""
    rng = random.Random(seed)
    canvas = Canvas(rng, SIZE, SIZE)
    _background(canvas)
    skin = rng.choice(SKIN)
    hair = rng.choice(GREY) if age > 55 or (age > 45 and rng.random() < 0.4) else rng.choice(HAIR)
    covered = gender == "female" and rng.random() < (0.68 if local else 0.08)
    scarf = rng.choice(SCARVES)
    if gender == "female" and not covered:
        _long_hair_behind(canvas, hair)
    _shoulders(canvas, skin, gender)
    if covered:
        _scarf_behind(canvas, scarf)
    _head(canvas, skin, ears=not covered)
    _features(canvas, skin, hair, age, gender)
    if gender == "male":
        _beard(canvas, hair, age)
    if covered:
        _scarf(canvas, scarf, hair)
    elif gender == "female":
        _long_hair(canvas, hair)
    else:
        _top(canvas, hair, age, local)
    if rng.random() < (0.4 if age > 45 else 0.2):
        _glasses(canvas)
    return canvas.png()


def sign(seed: str) -> bytes:
    """A symmetric pattern in two tones, of no person in particular."""
    rng = random.Random(seed)
    canvas = Canvas(rng, SIZE, SIZE)
    ground = rng.choice(GROUNDS)
    tone = dark(mix(ground, rng.choice(SCARVES[:11]), 0.75), 0.1)
    canvas.ground(canvas.linear(light(ground, 0.45), ground))
    folds = rng.choice((6, 8, 8, 10, 12))
    with canvas.moved(SIZE / 2, SIZE / 2, turn=rng.choice((0, 180 / folds))):
        for ring, radius in enumerate((150, 112, 74, 40)):
            colour = mix(tone, light(ground, 0.5), ring * 0.24)
            _ring(canvas, folds, radius, colour, rng.choice(("petal", "star", "dots", "star")))
        canvas.circle(0, 0, 17, light(ground, 0.6))
        canvas.circle(0, 0, 8, tone)
    return canvas.png()


def _ring(canvas: Canvas, folds: int, radius: float, colour: str, kind: str) -> None:
    step = 360 / folds
    if kind == "star":
        inner = radius * canvas.rng.uniform(0.66, 0.82)
        points = []
        for n in range(folds * 2):
            reach = radius if n % 2 == 0 else inner
            angle = math.radians(n * step / 2)
            points.append((reach * math.sin(angle), -reach * math.cos(angle)))
        canvas.polygon(points, colour)
        return
    for n in range(folds):
        with canvas.moved(0, 0, turn=n * step):
            if kind == "petal":
                width = radius * math.pi / folds * 0.95
                canvas.path(f"M0 {-radius} Q{width} {-radius * 0.62} 0 {-radius * 0.3} Q{-width} {-radius * 0.62} 0"
                    f" {-radius}Z", colour)
            else:
                canvas.circle(0, -radius * 0.82, radius * 0.16, colour)
    canvas.circle(0, 0, radius * 0.62, colour)


def _background(canvas: Canvas) -> None:
    rng = canvas.rng
    ground = rng.choice(GROUNDS)
    canvas.ground(canvas.linear(light(ground, 0.35), ground))
    kind = rng.choice(("sun", "hills", "arch", "dots", "plain"))
    soft = light(ground, 0.45)
    if kind == "sun":
        canvas.circle(200, 195, rng.uniform(140, 175), soft, opacity=0.7)
    elif kind == "hills":
        deep = dark(ground, 0.12)
        canvas.path("M0 300 Q70 190 150 270 T300 235 T400 290 V400 H0Z", deep, opacity=0.55)
        canvas.path("M0 340 Q90 260 180 320 T400 310 V400 H0Z", dark(ground, 0.2), opacity=0.5)
    elif kind == "arch":
        canvas.path("M75 400 V190 Q75 70 200 30 Q325 70 325 190 V400Z", soft, opacity=0.75)
        canvas.path("M95 400 V196 Q95 92 200 54 Q305 92 305 196 V400Z", light(ground, 0.2), opacity=0.8)
    elif kind == "dots":
        for row in range(8):
            for column in range(8):
                canvas.circle(column * 56 + (28 if row % 2 else 0), row * 56 + 8, 7, soft, opacity=0.8)


def _shoulders(canvas: Canvas, skin: str, gender: str) -> None:
    rng = canvas.rng
    cloth = rng.choice(CLOTHES)
    shade = dark(cloth, 0.22)
    canvas.path("M40 400 Q48 322 128 304 Q165 296 200 296 Q235 296 272 304 Q352 322 360 400Z", canvas.linear(cloth, shade))
    neck = dark(skin, 0.12)
    canvas.path("M164 238 H236 V296 Q236 326 200 334 Q164 326 164 296Z", neck)
    style = rng.choice(("round", "placket", "vest", "lapel"))
    trim = rng.choice(("#e8c468", "#e9e2d5", light(cloth, 0.35)))
    if style == "round":
        canvas.stroke("M160 298 Q200 352 240 298", trim, 7)
    elif style == "placket":
        canvas.path("M158 298 Q200 346 242 298 L236 292 Q200 330 164 292Z", light(cloth, 0.25))
        canvas.rect(191, 334, 18, 70, light(cloth, 0.18), rx=4)
        for y in (350, 372, 394):
            canvas.circle(200, y, 3.5, trim)
    elif style == "vest":
        canvas.path("M166 296 L200 352 L234 296 L262 302 L226 400 H174 L138 302Z", "#f1ece1")
        canvas.stroke("M140 303 L178 400 M260 303 L222 400", dark(cloth, 0.35), 5)
    else:
        canvas.path("M162 296 L200 362 L238 296 L248 300 L214 400 H186 L152 300Z", light(rng.choice(GROUNDS), 0.5))
        canvas.path("M152 298 L126 318 L150 336 L188 400 L200 366 L164 300Z", shade)
        canvas.path("M248 298 L274 318 L250 336 L212 400 L200 366 L236 300Z", shade)


def _head(canvas: Canvas, skin: str, *, ears: bool) -> None:
    if ears:
        for x in (122, 278):
            canvas.ellipse(x, 192, 15, 22, dark(skin, 0.08))
            canvas.ellipse(x, 193, 7, 12, dark(skin, 0.2))
    jaw = canvas.rng.choice((262, 268, 274))
    canvas.path(
        f"M122 172 Q120 92 200 90 Q280 92 278 172 Q278 222 250 {jaw - 20} Q226 {jaw + 4} 200 {jaw + 4}"
        f" Q174 {jaw + 4} 150 {jaw - 20} Q122 222 122 172Z",
        canvas.radial(light(skin, 0.12), skin, at=(0.42, 0.4), radius=0.75),
    )


def _features(canvas: Canvas, skin: str, hair: str, age: int, gender: str) -> None:
    rng = canvas.rng
    ink = "#2a2024"
    cheeks = mix(skin, "#d9534f", 0.3)
    for x in (154, 246):
        canvas.circle(x, 218, 19, cheeks, opacity=0.4)
    brow = dark(hair, 0.1) if age < 60 else hair
    arch = rng.uniform(3, 9)
    for side in (-1, 1):
        centre = 200 + side * 36
        canvas.stroke(f"M{centre - 17} 163 Q{centre} {163 - arch - 4} {centre + 17} 163", brow, 6 if gender == "male" else 4.2)
    eyes = rng.choice(("round", "round", "smile", "wide"))
    for side in (-1, 1):
        centre = 200 + side * 36
        if eyes == "smile":
            canvas.stroke(f"M{centre - 12} 190 Q{centre} 176 {centre + 12} 190", ink, 5)
            continue
        if eyes == "wide":
            canvas.ellipse(centre, 187, 12.5, 8.5, "#fffaf3")
        canvas.circle(centre, 187, 7.2, ink)
        canvas.circle(centre + 2.6, 184, 2.5, "#ffffff")
        if gender == "female":
            canvas.stroke(f"M{centre - 13} 183 Q{centre} 171 {centre + 13} 181", ink, 3.4)
    canvas.stroke(f"M200 192 Q{207 + rng.uniform(0, 5)} 214 197 217", dark(skin, 0.28), 4)
    mouth = rng.choice(("smile", "smile", "open", "calm"))
    lips = mix(skin, "#a33a3a", 0.62)
    if mouth == "open":
        canvas.path("M174 234 Q200 242 226 234 Q220 258 200 258 Q180 258 174 234Z", "#7c2f33")
        canvas.path("M179 237 Q200 243 221 237 Q219 244 200 245 Q181 244 179 237Z", "#ffffff")
    else:
        canvas.stroke(f"M176 236 Q200 {254 if mouth == 'smile' else 243} 224 236", lips, 5)
    if age > 50:
        canvas.stroke("M160 226 Q156 236 162 244 M240 226 Q244 236 238 244", dark(skin, 0.18), 2.6)


def _beard(canvas: Canvas, hair: str, age: int) -> None:
    rng = canvas.rng
    kind = rng.choice(("none", "none", "stubble", "full", "short", "moustache") if age < 40 else ("none", "full",
        "short", "full", "moustache"))
    if kind == "none":
        return
    if kind in ("full", "short"):
        deep = 304 if kind == "full" else 282
        with canvas.group(opacity=0.96):
            canvas.path(
                f"M122 188 Q124 {deep - 38} 158 {deep - 14} Q200 {deep + 12} 242 {deep - 14} Q276 {deep - 38} 278 188"
                " Q268 224 238 224 Q200 214 162 224 Q132 224 122 188Z",
                hair,
            )
        canvas.path("M178 238 Q200 250 222 238 Q200 246 178 238Z", mix(hair, "#a33a3a", 0.5))
        canvas.stroke("M180 238 Q200 252 220 238", "#9a4a44", 4.5)
    elif kind == "stubble":
        canvas.path(
            "M124 196 Q126 250 160 270 Q200 288 240 270 Q274 250 276 196 Q266 228 236 228 Q200 220 164 228 Q134 228 124 196Z",
            hair, opacity=0.16,
        )
    canvas.path("M166 231 Q182 218 200 224 Q218 218 234 231 Q216 233 200 230 Q184 233 166 231Z", hair,
        opacity=0.3 if kind == "stubble" else 1)


def _top(canvas: Canvas, hair: str, age: int, local: bool) -> None:
    kinds = ["short", "short", "side", "side", "curls"] if age < 45 else ["short", "side", "bald"]
    if local:
        kinds += ["pakol", "cap"] if age < 45 else ["pakol", "turban", "cap", "karakul"]
    kind = canvas.rng.choice(kinds)
    if kind == "bald":
        canvas.path("M121 186 Q112 142 134 122 Q130 150 132 180Z", hair)
        canvas.path("M279 186 Q288 142 266 122 Q270 150 268 180Z", hair)
        return
    if kind in ("pakol", "turban", "cap", "karakul"):
        canvas.path("M119 176 Q116 128 142 112 H258 Q284 128 281 176 Q272 150 262 132 H138 Q128 150 119 176Z", hair)
        {"pakol": _pakol, "turban": _turban, "cap": _cap, "karakul": _karakul}[kind](canvas)
    elif kind == "short":
        canvas.path("M118 182 Q104 92 172 72 Q252 52 278 106 Q292 138 282 182 Q272 142 256 126 Q206 134 148 122 Q128"
            " 142 118 182Z", hair)
    elif kind == "side":
        canvas.path("M118 182 Q102 98 160 72 Q258 44 284 124 Q290 152 282 182 Q274 142 258 118 Q188 146 146 108 Q126"
            " 140 118 182Z", hair)
    else:
        for x, y, radius in ((134, 128, 26), (150, 98, 30), (186, 80, 32), (226, 82, 32), (256, 104, 28), (268, 134, 22)):
            canvas.circle(x, y, radius, hair)
        canvas.path("M120 176 Q118 120 200 100 Q282 120 280 176 Q268 138 200 132 Q132 138 120 176Z", hair)


def _pakol(canvas: Canvas) -> None:
    wool = canvas.rng.choice(("#8a6f4d", "#6f5a45", "#b29b79", "#5f5348", "#a89c8a"))
    canvas.ellipse(200, 92, 96, 40, light(wool, 0.08))
    canvas.ellipse(200, 84, 88, 30, light(wool, 0.2))
    canvas.path("M106 118 Q110 92 200 92 Q290 92 294 118 Q296 140 200 138 Q104 140 106 118Z", wool)
    canvas.path("M108 124 Q200 104 292 124 Q290 136 200 134 Q110 136 108 124Z", dark(wool, 0.18))


def _turban(canvas: Canvas) -> None:
    cloth = canvas.rng.choice(("#f1ede2", "#3d4650", "#8a8f93", "#d9cdb4", "#57665a"))
    shape = "M104 134 Q92 62 200 50 Q308 62 296 134 Q280 150 200 140 Q120 150 104 134Z"
    canvas.path(shape, cloth)
    with canvas.clip(shape):
        for n in range(5):
            y = 134 - n * 15
            canvas.stroke(f"M{96 + n * 4} {y} Q200 {y - 38 + n * 4} {304 - n * 4} {y - 12}", dark(cloth, 0.16), 3.5)
    canvas.path("M266 120 Q312 150 300 232 Q286 240 280 226 Q288 168 254 136Z", dark(cloth, 0.08))


def _cap(canvas: Canvas) -> None:
    cloth = canvas.rng.choice(("#f4efe4", "#2d3142", "#7b2d26", "#1f5f5b", "#c9a45c"))
    trim = "#e8c468" if cloth != "#c9a45c" else "#7b2d26"
    canvas.path("M116 132 Q112 62 200 58 Q288 62 284 132 Q242 118 200 118 Q158 118 116 132Z", cloth)
    canvas.path("M115 134 Q113 112 118 104 Q200 76 282 104 Q287 112 285 134 Q242 119 200 119 Q158 119 115 134Z",
        dark(cloth, 0.14))
    for n in range(9):
        x = 128 + n * 18
        y = 112 - 14 * math.sin(math.pi * (n + 0.5) / 9)
        canvas.polygon([(x - 7, y), (x, y - 8), (x + 7, y), (x, y + 8)], trim)


def _karakul(canvas: Canvas) -> None:
    wool = canvas.rng.choice(("#4a4a4d", "#6d5d4f", "#8f8a83", "#2f2d30"))
    canvas.path("M112 130 Q124 84 150 58 Q200 36 250 58 Q276 84 288 130 Q240 116 200 116 Q160 116 112 130Z", wool)
    canvas.path("M150 58 Q200 92 250 58 Q236 46 200 44 Q164 46 150 58Z", dark(wool, 0.25))
    for n in range(26):
        x, y = canvas.rng.uniform(136, 262), canvas.rng.uniform(72, 112)
        canvas.stroke(f"M{x} {y} q4 -6 8 0", light(wool, 0.16) if n % 2 else dark(wool, 0.2), 2.2)


def _long_hair_behind(canvas: Canvas, hair: str) -> None:
    length = canvas.rng.choice((270, 320, 360))
    canvas.path(f"M106 180 Q96 70 200 66 Q304 70 294 180 Q300 250 306 {length} Q200 {length + 30} 94 {length} Q100"
        f" 250 106 180Z", dark(hair, 0.15))


def _long_hair(canvas: Canvas, hair: str) -> None:
    kind = canvas.rng.choice(("middle", "side", "fringe"))
    if kind == "middle":
        canvas.path("M200 94 Q150 104 134 168 Q122 214 126 262 Q96 214 106 150 Q118 68 200 66 Q282 68 294 150 Q304"
            " 214 274 262 Q278 214 266 168 Q250 104 200 94Z", hair)
    elif kind == "side":
        canvas.path("M160 98 Q134 118 128 176 Q122 222 128 262 Q96 214 106 150 Q118 66 204 66 Q284 70 294 150 Q304"
            " 214 276 262 Q280 196 262 160 Q224 140 160 98Z", hair)
    else:
        canvas.path("M128 262 Q96 214 106 150 Q118 66 200 66 Q282 66 294 150 Q304 214 272 262 Q282 206 272 150 Q200"
            " 128 128 150 Q118 206 128 262Z", hair)


def _scarf_behind(canvas: Canvas, scarf: str) -> None:
    canvas.path("M98 184 Q92 60 200 56 Q308 60 302 184 Q304 262 330 344 Q266 384 200 384 Q134 384 70 344 Q96 262 98"
        " 184Z", dark(scarf, 0.16))


def _scarf(canvas: Canvas, scarf: str, hair: str) -> None:
    rng = canvas.rng
    if rng.random() < 0.55:
        canvas.path("M136 138 Q150 100 200 98 Q250 100 264 138 Q236 112 200 116 Q164 112 136 138Z", hair)
    outer = "M100 184 Q94 58 200 56 Q306 58 300 184 Q300 236 286 276"
    inner = "Q262 318 200 318 Q138 318 114 276 Q100 236 100 184Z"
    hole = "M132 176 Q132 108 200 104 Q268 108 268 176 Q268 236 238 262 Q220 276 200 276 Q180 276 162 262 Q132 236 132 176Z"
    canvas.path(f"{outer} {inner} {hole}", canvas.linear(light(scarf, 0.1), scarf), fill_rule="evenodd")
    canvas.path("M112 268 Q150 318 200 320 Q262 320 288 268 Q312 330 292 400 H120 Q84 336 112 268Z",
        canvas.linear(scarf, dark(scarf, 0.18)))
    canvas.stroke("M126 292 Q176 340 262 318 M120 318 Q170 366 270 350", dark(scarf, 0.22), 4, opacity=0.7)
    canvas.stroke("M118 150 Q128 82 200 76 Q272 82 282 150", light(scarf, 0.22), 4, opacity=0.7)
    if rng.random() < 0.45:
        trim = rng.choice(("#f2e2b6", "#ffffff", "#f1b24a"))
        for n in range(15):
            angle = math.pi * (n + 0.5) / 15
            canvas.circle(200 - 83 * math.cos(angle), 176 - 96 * math.sin(angle), 3.4, trim, opacity=0.9)


def _glasses(canvas: Canvas) -> None:
    frame = canvas.rng.choice(("#2b2b2f", "#6b4a2f", "#8c2f39", "#4b5d67"))
    round_ones = canvas.rng.random() < 0.5
    for x in (164, 236):
        if round_ones:
            canvas.circle(x, 187, 25, "#ffffff", fill_opacity=0.14, stroke=frame, stroke_width=4.5)
        else:
            canvas.rect(x - 26, 168, 52, 40, "#ffffff", rx=13, fill_opacity=0.14, stroke=frame, stroke_width=4.5)
    canvas.stroke("M189 184 Q200 177 211 184 M138 184 L122 180 M262 184 L278 180", frame, 4)
