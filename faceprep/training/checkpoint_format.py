"""The format of checkpoints: names of tensors, and one JSON document in the metadata.

========================  ====================================================================
``network/N/KEY``         tensor KEY of the network (or averaged state) N
``optimizer/N/I/FIELD``   state of the I-th parameter of the optimizer N
``random/NAME``           random states (bytes)
metadata ``faceprep``     JSON: kind, preset, configuration, progress, settings of the optimizers,
                          SHA-256 of all tensors and of this document
========================  ====================================================================
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

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
