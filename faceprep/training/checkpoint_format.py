"""The format of checkpoints: a safetensors file with one JSON document in the metadata.

========================  ====================================================================
``network/N/KEY``         tensor KEY of the network (or averaged state) N
``optimizer/N/I/FIELD``   state of the I-th parameter of the optimizer N
``random/NAME``           random states (bytes)
metadata ``faceprep``     JSON: kind, preset, configuration, progress, settings of the optimizers,
                          SHA-256 of all tensors and of this document
========================  ====================================================================

Headers of untrusted files are validated before their data are used. A safetensors file
(huggingface/safetensors, README) has eight bytes with the length of the header, little endian; a
JSON header ``{name: {dtype, shape, data_offsets}}`` with ``__metadata__`` of strings; then the data
without gaps. It cannot run code.
"""

import hashlib
import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import torch
from torch import Tensor, nn

from faceprep.core.errors import FaceprepError, Hint, Remedy
from faceprep.workspace.artifacts import RESUME, TRAIN, USE

#: Version of the format.
FORMAT = 1

#: Key of the document in the metadata of the file.
DOCUMENT = "faceprep"

#: Names of the networks of a generator: raw and averaged weights.
GENERATOR, AVERAGE = "generator", "average"

#: A module, or tensors by name (an average), restored in place.
State = nn.Module | Mapping[str, Tensor]

#: A value of ``progress``.
Scalar = int | float | str | bool | None

DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
DTYPE_NAMES = {dtype: name for name, dtype in DTYPES.items()}


def plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return JSON values after a round trip, with tuples as lists."""
    return dict(json.loads(json.dumps(values, allow_nan=False)))


def tensors_of(state: State) -> Mapping[str, Tensor]:
    """Return the tensors of a module or of an average by name."""
    return state.state_dict() if isinstance(state, nn.Module) else state


def finite(value: Tensor) -> bool:
    """Whether a tensor holds neither NaN nor infinite values."""
    return not value.is_floating_point() or bool(torch.isfinite(value).all())


def digest(tensors: Mapping[str, Tensor], document: Mapping[str, Any]) -> str:
    """Hash the tensors and the document, without its own ``sha256``."""
    hashed = {key: value for key, value in document.items() if key != "sha256"}
    sha256 = hashlib.sha256(json.dumps(hashed, sort_keys=True).encode())
    for name in sorted(tensors):
        sha256.update(name.encode())
        sha256.update(tensors[name].reshape(-1).view(torch.uint8).numpy().data)
    return sha256.hexdigest()


def train_again(path: Path) -> Hint:
    """Return the command that makes the file of a generator again, from its checkpoint if any."""
    folder = path.absolute().parent
    if folder.parent.name != TRAIN:
        return "take another file"
    lost = path.name != USE or not (folder / RESUME).is_file()
    wanted = {"generator": folder.name, "overwrite": lost}
    return Remedy("train", folder.parent.parent, wanted, resume=True)


#: Largest accepted header, bytes; checkpoints have some 500 names of 150 bytes.
MAX_HEADER = 8 * 2**20

#: Largest accepted nesting of JSON; checkpoints have 5 levels.
MAX_DEPTH = 32

#: First bytes of other formats, to name them in the error.
_OTHER_FORMATS = (
    (b"PK\x03\x04", "a zip archive, as torch.save writes"),
    (b"\x80", "a pickle"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"version https://git-lfs", "a pointer of Git LFS, not the file itself"),
    (b"<", "a web page"),
)


@dataclass(frozen=True)
class TensorInfo:
    """Type (in safetensors' names, e.g. ``F32``) and shape of one tensor."""

    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Header:
    """Tensors and metadata of a file whose sizes match its length."""

    tensors: dict[str, TensorInfo]
    metadata: dict[str, str]


class DamagedCheckpoint(FaceprepError):
    """Error for a file that must be replaced."""


def refuse(path: Path, reason: str, hint: Hint | None = None) -> NoReturn:
    """Raise `FaceprepError` with the hint or, without a hint, `DamagedCheckpoint`."""
    message = f"{path} is not a usable checkpoint: {reason}"
    if hint is not None:
        raise FaceprepError(message, hint)
    raise DamagedCheckpoint(message, train_again(path))


def read_header(path: Path) -> Header:
    """Read and validate the header, without the data.

    Raises
    ------
    FaceprepError
        The file is missing or has another format, the header is too long or damaged, or the
        tensors do not fill the file exactly.
    """
    try:
        with path.open("rb") as file:
            length = os.fstat(file.fileno()).st_size
            first = file.read(32)
            _check_start(path, first, length)
            size = int.from_bytes(first[:8], "little")
            if not 2 <= size <= min(MAX_HEADER, length - 8):
                refuse(
                    path, f"its header claims {size} bytes in a file of {length}: cut or damaged"
                )
            file.seek(8)
            raw = file.read(size)
    except OSError as error:
        refuse(path, error.strerror or "it cannot be read")
    return _parse(path, raw, length - 8 - size)


def parse_json(raw: bytes | str) -> Any | None:
    """Parse untrusted JSON; return None if it is broken, nested too deeply, or has NaN."""
    try:
        value = json.loads(raw, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return None
    level = [value]
    for _ in range(MAX_DEPTH):
        inner = [each for each in level if isinstance(each, dict | list)]
        level = [
            child for each in inner for child in (each.values() if isinstance(each, dict) else each)
        ]
        if not level:
            return value
    return None


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _check_start(path: Path, first: bytes, length: int) -> None:
    if length < 10:
        refuse(path, f"it has {length} bytes")
    # A header begins with a brace as ninth byte.
    if first[8:9] == b"{":
        return
    for magic, name in _OTHER_FORMATS:
        if first.startswith(magic):
            refuse(path, f"it is {name}; only safetensors files are read, as they cannot run code")
    refuse(path, "it is no safetensors file, or its beginning is damaged")


def _parse(path: Path, raw: bytes, data: int) -> Header:
    entries = parse_json(raw)
    if not isinstance(entries, dict):
        refuse(path, "its header is damaged")
    metadata = entries.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        refuse(path, "its metadata are damaged")
    spans, tensors = [], {}
    for name, entry in entries.items():
        info, span = _tensor(path, name, entry)
        tensors[name] = info
        spans.append(span)
    end = 0
    for start, stop in sorted(spans):
        if start != end:
            refuse(path, "its tensors overlap or leave gaps")
        end = stop
    if end != data:
        refuse(path, f"its tensors need {end} bytes, it has {data}: cut or damaged")
    return Header(tensors, metadata)


def _tensor(path: Path, name: str, entry: Any) -> tuple[TensorInfo, tuple[int, int]]:
    entry = entry if isinstance(entry, dict) else {}
    dtype, shape, offsets = (entry.get(key) for key in ("dtype", "shape", "data_offsets"))
    good = (
        isinstance(dtype, str)
        and dtype in DTYPES
        and _whole_numbers(shape)
        and _whole_numbers(offsets)
        and len(offsets) == 2
        and len(shape) <= 8
        and offsets[1] - offsets[0] == math.prod(shape) * DTYPES[dtype].itemsize
    )
    if not good:
        refuse(path, f"what its header says of '{name[:80]}' makes no sense")
    return TensorInfo(dtype, tuple(shape)), (offsets[0], offsets[1])


def _whole_numbers(values: Any) -> bool:
    return isinstance(values, list) and all(type(v) is int and 0 <= v < 2**63 for v in values)
