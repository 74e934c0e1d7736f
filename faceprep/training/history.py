"""Losses and health of every step of a training, in ``history.parquet``."""

from pathlib import Path
from typing import TYPE_CHECKING

from faceprep.core.errors import Again
from faceprep.core.files import output_file

if TYPE_CHECKING:
    import pyarrow as pa

_COLUMNS_FIRST = ("step", "stage", "seconds")
_Value = int | float | str


class History:
    """Rows in memory and on disk; the file is always replaced as a whole.

    `path`: ``history.parquet``.
    `steps`: number of steps of the checkpoint; later rows, from a killed process, are dropped.
    """

    def __init__(self, path: Path, steps: int) -> None:
        self.path = path
        self._rows: list[dict[str, _Value]] = []
        self._table = _earlier(path, steps) if steps else None

    def add(self, row: dict[str, _Value]) -> None:
        """Add a step; missing columns are null."""
        self._rows.append(row)

    def extend_last(self, values: dict[str, float]) -> None:
        """Add columns to the last step."""
        self._rows[-1].update(values)

    def means(self, steps: int) -> dict[str, float]:
        """Return the means of the losses over the last steps in memory."""
        rows = self._rows[-steps:]
        names = {name for row in rows for name, value in row.items() if isinstance(value, float)}
        return {
            name: sum(float(row[name]) for row in rows) / len(rows)
            for name in names
            if all(name in row for row in rows)
        }

    def step_seconds(self) -> dict[str, float]:
        """Return the mean time of a step by phase, of earlier commands; empty if unknown."""
        if self._table is None or not {"stage", "seconds"} <= {*self._table.column_names}:
            return {}
        means = self._table.group_by("stage").aggregate([("seconds", "mean")])
        return dict(zip(means["stage"].to_pylist(), means["seconds_mean"].to_pylist(), strict=True))

    def table(self) -> "pa.Table | None":
        """Return all rows so far; None without rows."""
        import pyarrow as pa

        if self._rows:
            names = list(dict.fromkeys(name for row in self._rows for name in row))
            new = pa.table({name: [row.get(name) for row in self._rows] for name in names})
            both = [new] if self._table is None else [self._table, new]
            table = pa.concat_tables(both, promote_options="default")
            first = [name for name in _COLUMNS_FIRST if name in table.column_names]
            self._table = table.select(
                [*first, *(name for name in table.column_names if name not in first)]
            )
            self._rows = []
        return self._table

    def write(self) -> None:
        """Write all rows to the file.

        Raises `FaceprepError`: it cannot be written.
        """
        import pyarrow.parquet as pq

        table = self.table()
        if table is None:
            return
        again = Again({"overwrite": False}, note="when there is space")
        with output_file(self.path, again) as temporary:
            pq.write_table(table, temporary)


def _earlier(path: Path, steps: int) -> "pa.Table | None":
    """Read the rows up to a step; None if the file is missing or damaged."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
        return table.filter(pc.less_equal(table["step"], steps))
    except (OSError, pa.ArrowException, KeyError):
        return None
