"""Columns of the manifests, which are Parquet tables; `manifests/README.md` describes them."""

import pyarrow as pa

from faceprep.core.vocabulary import (
    COLUMNS_C,
    COLUMNS_R,
    EXPRESSIONS,
    MODES,
    ROLES,
    SPLITS,
    STATUSES,
)
from faceprep.workspace.artifacts import verb_of

SCHEMA_VERSION = 1

METADATA_KEY = b"faceprep"


def _field(name: str, kind: pa.DataType, nullable: bool = True) -> pa.Field:
    return pa.field(name, kind, nullable=nullable)


def _numbers(count: int) -> pa.DataType:
    return pa.list_(pa.float32(), count)


_OUTCOME = [
    _field("face_id", pa.string(), nullable=False),
    _field("status", pa.string(), nullable=False),
    _field("reason", pa.string()),
]

SCHEMAS: dict[str, pa.Schema] = {
    "select": pa.schema(
        [
            _field("face_id", pa.string(), nullable=False),
            _field("dataset", pa.string(), nullable=False),
            _field("subject", pa.string(), nullable=False),
            _field("sequence", pa.string()),
            _field("frame", pa.int32()),
            _field("path", pa.string(), nullable=False),
            _field("expression", pa.string()),
            _field("role", pa.string(), nullable=False),
            _field("split", pa.string(), nullable=False),
            _field("fold", pa.int8(), nullable=False),
            _field("attributes", pa.map_(pa.string(), pa.float32())),
            _field("box", _numbers(4)),
            _field("landmarks5", _numbers(10)),
            _field("landmarks68", _numbers(136)),
            _field("sha256", pa.string()),
        ]
    ),
    "align": pa.schema(
        [
            *_OUTCOME,
            _field("detector", pa.string(), nullable=False),
            _field("confidence", pa.float32()),
            _field("faces_found", pa.int16()),
            _field("box", _numbers(4)),
            _field("landmarks5", _numbers(10)),
            _field("landmarks68", _numbers(136)),
            _field("matrix", _numbers(6)),
            _field("crop", pa.string()),
            _field("crop_sha256", pa.string()),
        ]
    ),
    "heatmaps": pa.schema(
        [
            *_OUTCOME,
            _field("heatmap", pa.string()),
            _field("channels", pa.int16(), nullable=False),
            _field("sigma", pa.float32(), nullable=False),
        ]
    ),
    "aus": pa.schema(
        [
            *_OUTCOME,
            _field("backend", pa.string(), nullable=False),
            _field("confidence", pa.float32()),
            *[_field(name, pa.float32()) for name in COLUMNS_R],
            *[_field(name, pa.bool_()) for name in COLUMNS_C],
        ]
    ),
    "augment": pa.schema(
        [
            *_OUTCOME,
            _field("index", pa.int32(), nullable=False),
            _field("generator", pa.string(), nullable=False),
            _field("checkpoint", pa.string(), nullable=False),
            _field("mode", pa.string(), nullable=False),
            _field("expression", pa.string(), nullable=False),
            _field("intensity", pa.float32(), nullable=False),
            _field("code", pa.list_(pa.float32()), nullable=False),
            _field("source_face_id", pa.string()),
            _field("seed", pa.int64(), nullable=False),
            _field("rejected_judge", pa.int16(), nullable=False),
            _field("rejected_features", pa.int16(), nullable=False),
            _field("crop", pa.string(), nullable=False),
            _field("crop_sha256", pa.string(), nullable=False),
        ]
    ),
}

#: Column → allowed words.
COLUMN_WORDS = {
    "expression": EXPRESSIONS,
    "role": ROLES,
    "split": SPLITS,
    "status": STATUSES,
    "mode": MODES,
}


def schema_of(stage: str) -> pa.Schema:
    """Return the columns of a stage, given the name of its folder, e.g. ``augment/<generator>``."""
    return SCHEMAS[verb_of(stage)]
