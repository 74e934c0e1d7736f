"""Tables that hold images: CSV with pixels, Parquet with embedded files."""

import json
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

CLASSES = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")


def grey(number: int, side: int = 48) -> np.ndarray:
    """Return a picture of its own for each number."""
    return np.random.default_rng(number).integers(0, 256, (side, side), np.uint8)


def png(number: int) -> bytes:
    """Return a picture as the bytes of a PNG."""
    return cv2.imencode(".png", grey(number))[1].tobytes()


def fer2013(path: Path, rows: int = 14, header: str = "emotion,pixels,Usage") -> Path:
    """Write pixels as FER2013 does; columns in the order of the header."""
    usage = ("Training", "PublicTest", "PrivateTest")
    lines = [header]
    for k in range(rows):
        values = {
            "emotion": str(k % 7),
            "pixels": " ".join(map(str, grey(k).ravel())),
            "Usage": usage[k % 3],
        }
        lines.append(",".join(values[name.strip()] for name in header.split(",")))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    return path


def hugging_face(
    path: Path, numbers: Sequence[int], plain: bool = False, names: bool = False
) -> Path:
    """Write embedded images: structs, or plain bytes; with names of files if asked for."""
    files = [png(k) for k in numbers]
    structs = [
        {"bytes": data, "path": f"{k}.png" if names else None}
        for k, data in zip(numbers, files, strict=True)
    ]
    table = pa.table({"image": files if plain else structs, "label": [k % 7 for k in numbers]})
    features = {
        "image": {"_type": "Image"},
        "label": {"names": list(CLASSES), "_type": "ClassLabel"},
    }
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table.replace_schema_metadata(metadata), path)
    return path
