"""Page of one manifest, or any other Parquet file."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from faceprep.config import STAGES
from faceprep.core.disk import size_text
from faceprep.core.errors import ManifestError, Remedy
from faceprep.report.show.formats import line, short
from faceprep.report.tables.console import Page, Renderables, plain_table
from faceprep.workspace import artifacts, manifest
from faceprep.workspace.schemas import SCHEMAS


def show_manifest(path: Path, rows: int = 3) -> Page:
    """Return columns, provenance, counts and the first rows of one Parquet file.

    Any Parquet file can be shown; a manifest is also checked against its schema. ManifestError if
    the file is not readable Parquet.
    """
    provenance = manifest.read_provenance(path)
    stage = str(provenance.get("stage", ""))
    try:
        with pq.ParquetFile(path) as file:
            total, schema = file.metadata.num_rows, file.schema_arrow
            if artifacts.verb_of(stage) in SCHEMAS:
                table = file.read()
            else:
                first = next(file.iter_batches(batch_size=rows), None)
                table = schema.empty_table() if first is None else pa.Table.from_batches([first])
    except (pa.ArrowInvalid, OSError) as error:
        raise ManifestError(f"{path} is not readable Parquet: {error}", _redo(path)) from None
    ours = artifacts.verb_of(stage) in SCHEMAS
    data = {
        "kind": "manifest",
        "path": str(path),
        "stage": stage or None,
        "rows": total,
        "bytes": path.stat().st_size,
        "problem": _problem(path, stage),
        "provenance": provenance,
        "counts": _counts(table) if ours else {},
        "columns": [
            {
                "name": field.name,
                "type": _type_name(field.type),
                "nulls": table.column(field.name).null_count if ours else None,
            }
            for field in schema
        ],
        "first_rows": table.slice(0, rows).to_pylist(),
    }
    return _render(data), data


def _render(data: dict[str, Any]) -> Renderables:
    """Return the renderables of a manifest."""
    what = f"{data['stage']} manifest" if data["stage"] else "a table that faceprep did not write"
    head = f"   {what}, {data['rows']:,} rows, {size_text(data['bytes'])}"
    parts: Renderables = [line((data["path"], "bold"), (head, ""))]
    if data["problem"]:
        parts.append(line(("problem: ", "red"), (data["problem"], "")))
    for name, counts in data["counts"].items():
        words = ", ".join(f"{word} {rows:,}" for word, rows in counts.items())
        parts.append(line((f"{name}: ", "dim"), (words, "")))
    rows = data["first_rows"]
    columns = plain_table(
        None, "column", "type", "nulls", *(f"row {n}" for n in range(len(rows))), right=("nulls",)
    )
    for column in data["columns"]:
        nulls = "" if not column["nulls"] else f"{column['nulls']:,}"
        cells = [short(row.get(column["name"])) for row in rows]
        columns.add_row(column["name"], column["type"], nulls, *cells)
    parts.append(columns)
    if data["provenance"]:
        table = plain_table("provenance", "key", "value")
        for key, value in _flat(data["provenance"]):
            table.add_row(key, str(value))
        parts.append(table)
    return parts


def _flat(values: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    pairs: list[tuple[str, Any]] = []
    for key, value in values.items():
        if isinstance(value, dict):
            pairs += _flat(value, f"{prefix}{key}.")
        else:
            pairs.append((f"{prefix}{key}", value))
    return pairs


def _problem(path: Path, stage: str) -> str | None:
    if artifacts.verb_of(stage) not in SCHEMAS:
        return None
    try:
        manifest.read_part(path, stage)
    except ManifestError as error:
        return error.message
    return None


def _counts(table: Any) -> dict[str, dict[str, int]]:
    """Return the number of rows by value, for columns with few distinct values."""
    found = {}
    for name in ("status", "expression", "mode", "role", "split", "detector", "backend"):
        if name in table.column_names:
            values = table.column(name).value_counts().to_pylist()
            counts = {str(value["values"] or "none"): value["counts"] for value in values}
            found[name] = dict(sorted(counts.items()))
    return found


def _type_name(kind: Any) -> str:
    """Return Arrow's name of a type; a list of fixed size is ``float[4]``."""
    size = getattr(kind, "list_size", None)
    return str(kind) if size is None else f"{kind.value_type}[{size}]"


def _redo(path: Path) -> Remedy | None:
    """Return the command that rebuilds the manifest of a stage."""
    stage = path.parent.name
    return Remedy(stage, path.parent.parent, resume=True) if stage in STAGES else None
