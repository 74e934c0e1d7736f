"""Imitate CelebA: photographs of many people with 40 attributes, five points and a box."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from faceprep.demo.identity import Identity
from faceprep.demo.layouts.base import (
    Layout,
    PlannedSequence,
    Row,
    truth_row,
    write_image,
    write_text,
)
from faceprep.demo.sequence import Frame, render_sequence, sample_subject
from faceprep.demo.settings import DemoSettings

ATTRIBUTES = [
    "5_o_Clock_Shadow", "Arched_Eyebrows", "Attractive", "Bags_Under_Eyes", "Bald", "Bangs",
    "Big_Lips", "Big_Nose", "Black_Hair", "Blond_Hair", "Blurry", "Brown_Hair", "Bushy_Eyebrows",
    "Chubby", "Double_Chin", "Eyeglasses", "Goatee", "Gray_Hair", "Heavy_Makeup", "High_Cheekbones",
    "Male", "Mouth_Slightly_Open", "Mustache", "Narrow_Eyes", "No_Beard", "Oval_Face", "Pale_Skin",
    "Pointy_Nose", "Receding_Hairline", "Rosy_Cheeks", "Sideburns", "Smiling", "Straight_Hair",
    "Wavy_Hair", "Wearing_Earrings", "Wearing_Hat", "Wearing_Lipstick", "Wearing_Necklace",
    "Wearing_Necktie", "Young",
]  # fmt: skip

FIVE_POINTS = "lefteye_x lefteye_y righteye_x righteye_y nose_x nose_y leftmouth_x leftmouth_y " \
              "rightmouth_x rightmouth_y"  # fmt: skip

# Expressions in photographs → their frequencies.
_EXPRESSIONS = {
    "happiness": 0.48, "neutral": 0.36, "surprise": 0.05, "contempt": 0.04, "sadness": 0.02,
    "anger": 0.02, "fear": 0.015, "disgust": 0.015,
}  # fmt: skip

PARTITION_EVERY = 5
"""The third of every five subjects is in the test part, the sixth of every ten in validation."""


class CelebA(Layout):
    """Write ``img_celeba/000001.jpg`` and the text files of the real dataset."""

    def sequences(self, settings: DemoSettings, subject: int) -> list[PlannedSequence]:
        """List ``frames`` unrelated photographs of each person."""
        rng = np.random.default_rng((settings.seed, subject, 4))
        first = subject * settings.frames + 1
        shown = rng.choice([*_EXPRESSIONS], settings.frames, p=[*_EXPRESSIONS.values()])
        return [
            PlannedSequence(subject, number, str(expression), f"{first + number:06d}")
            for number, expression in enumerate(shown)
        ]

    def render(self, root: Path, settings: DemoSettings, planned: PlannedSequence) -> Iterator[Row]:
        """Write one photograph, between rest and peak."""
        person = sample_subject(settings.seed, planned.subject, settings.difficulty)
        frames = render_sequence(
            person, planned.expression, seed=settings.seed, number=planned.number, frames=1,
            size=settings.size, plain=False,
        )  # fmt: skip
        path = f"img_celeba/{planned.name}.jpg"
        for frame in frames:
            write_image(root, path, frame.image, frame.quality)
            row = truth_row(
                path, str(planned.subject + 1), planned.name, 0, planned.expression, frame
            )
            yield row | {"attributes": attributes(person.identity, frame)}

    def finish(self, root: Path, settings: DemoSettings, rows: list[Row]) -> None:
        """Write partition, identities, attributes, five points and boxes of all images."""
        names = [Path(row["path"]).name for row in rows]
        people = [int(row["subject"]) for row in rows]
        points = [np.array(row["landmarks68"]).reshape(68, 2) for row in rows]

        def write(file: str, heading: str, width: int, values: Iterable[Iterable[int]]) -> None:
            lines = [" ".join([name, *(f"{v:{width}d}" for v in one)])
                     for name, one in zip(names, values, strict=True)]  # fmt: skip
            count = f"{len(rows)}\n" if heading else ""
            write_text(root, file, count + heading + "".join(f"{line}\n" for line in lines))

        write("list_eval_partition.txt", "", 1, ([partition(p - 1)] for p in people))
        write("identity_CelebA.txt", "", 1, ([person] for person in people))
        flags = (row["attributes"] for row in rows)
        write("list_attr_celeba.txt", " ".join(ATTRIBUTES) + " \n", 2, flags)
        write("list_landmarks_celeba.txt", f"{FIVE_POINTS}\n", 4, map(_five_points, points))
        boxes = (_box(p, settings.size) for p in points)
        write("list_bbox_celeba.txt", "image_id x_1 y_1 width height\n", 5, boxes)


def partition(index: int) -> int:
    """Return the part of a person: 0 train, 1 validation, 2 test."""
    if index % PARTITION_EVERY == 2:
        return 2
    return 1 if index % (2 * PARTITION_EVERY) == 5 else 0


def _five_points(p: np.ndarray) -> list[int]:
    five = np.stack([p[36:42].mean(0), p[42:48].mean(0), p[30], p[48], p[54]])
    return [int(v) for v in np.round(five).ravel()]


def _box(p: np.ndarray, size: int) -> list[int]:
    """Return x, y, width, height of a box around hair and chin, inside the image."""
    low, high = p.min(axis=0), p.max(axis=0)
    top = low[1] - 0.45 * (high[1] - low[1])
    x, y = max(0, round(low[0])), max(0, round(top))
    return [x, y, min(size, round(high[0])) - x, min(size, round(high[1])) - y]


def attributes(person: Identity, frame: Frame) -> list[int]:
    """Return the 40 attributes, 1 or -1; attributes that the renderer does not model are -1."""
    units = frame.units
    male = person.masculinity > 0.5
    true = {
        "5_o_Clock_Shadow": person.beard == "stubble",
        "Arched_Eyebrows": person.brow_arch < -1.0,
        "Bags_Under_Eyes": person.age > 0.6,
        "Bald": person.hair_style == "bald",
        "Bangs": person.hair_style == "bangs",
        "Big_Lips": person.lip_fullness > 1.2,
        "Big_Nose": person.nose_width > 1.1,
        "Black_Hair": person.hair_name == "black" and person.hair_style != "bald",
        "Blond_Hair": person.hair_name == "blond" and person.hair_style != "bald",
        "Brown_Hair": "brown" in person.hair_name and person.hair_style != "bald",
        "Gray_Hair": person.hair_name in ("gray", "white") and person.hair_style != "bald",
        "Bushy_Eyebrows": person.brow_thickness > 1.3,
        "Chubby": person.fullness > 0.85,
        "Eyeglasses": person.glasses != "none",
        "Goatee": person.beard == "goatee",
        "Heavy_Makeup": not male and person.lip_colour > 0.9,
        "High_Cheekbones": person.cheekbones > 0.7,
        "Male": male,
        "Mouth_Slightly_Open": max(units["AU25"], units["AU26"]) > 1.0,
        "Mustache": person.beard in ("moustache", "goatee", "full"),
        "Narrow_Eyes": person.eye_height < 0.92 or units["AU07"] > 3.5 or units["AU45"] > 2.5,
        "No_Beard": person.beard in ("none", "moustache"),
        "Pale_Skin": min(person.skin) > 168,
        "Receding_Hairline": male and person.hairline < -8,
        "Rosy_Cheeks": person.redness > 0.65 and max(person.skin) > 200,
        "Smiling": units["AU12"] > 1.5,
        "Straight_Hair": person.hair_style in ("short", "long", "bangs", "tied", "side"),
        "Wavy_Hair": person.hair_style == "curly",
        "Wearing_Lipstick": person.lip_colour > 0.8,
        "Young": person.age < 0.55,
    }
    return [1 if true.get(name, False) else -1 for name in ATTRIBUTES]
