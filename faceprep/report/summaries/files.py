"""Read small records, and the time of the last change."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


def read_record(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file; an empty dict if it cannot be read."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def last_change(paths: list[Path]) -> dict[str, Any]:
    """Return the time of the newest of some files, and its age in seconds."""
    times = [path.stat().st_mtime for path in paths if path.is_file()]
    if not times:
        return {"updated": None, "age_seconds": None}
    newest = datetime.fromtimestamp(max(times), UTC).isoformat("T", "seconds")
    return {"updated": newest, "age_seconds": round(max(0.0, time.time() - max(times)))}
