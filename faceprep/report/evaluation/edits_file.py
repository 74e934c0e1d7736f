"""Write the result of ``faceprep evaluate edits`` as Parquet."""

import json
import shlex
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from faceprep.core.errors import FaceprepError, UsageError
from faceprep.evaluation.edits.result import EditReport
from faceprep.report.evaluation.edits_table import edit_data


def check_table(out: Path) -> None:
    """Refuse a file name that is not Parquet, before anything is computed.

    Raises
    ------
    UsageError
        The file is not ``.parquet``.
    """
    if out.suffix.lower() != ".parquet":
        raise UsageError(
            f"the table is Parquet, not {out.name}", f"--table {shlex.quote(out.stem)}.parquet"
        )


def write_table(report: EditReport, out: Path) -> None:
    """Write the rows as Parquet, one column per number, and the rest as JSON metadata.

    Raises
    ------
    FaceprepError
        It cannot be written.
    """
    data = edit_data(report)
    rows = []
    for row in data.pop("rows"):
        agreement, rho = row.pop("agreement"), row.pop("rho")
        row |= {f"agreement {name}": value for name, value in agreement.items()}
        for name in report.row("edit").rho:
            for way in ("within", "pooled"):
                row[f"rho {name} {way}"] = rho[name][way] if name in rho else None
        rows.append(row)
    fields = [
        pa.field(name, _type(name), nullable=name not in ("kind", "expression", "faces"))
        for name in rows[0]
    ]
    table = pa.Table.from_pylist(rows, pa.schema(fields))
    about = json.dumps(data, sort_keys=True, ensure_ascii=False)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table.replace_schema_metadata({b"faceprep": about.encode()}), out)
    except OSError as error:
        raise FaceprepError(f"cannot write {out}: {error.strerror or error}") from error


def _type(name: str) -> Any:
    if name in ("kind", "expression"):
        return pa.string()
    return pa.int64() if name == "faces" else pa.float64()
