"""What ``faceprep augment`` prints: faces by expression, and what the filter rejected."""

from typing import TYPE_CHECKING, Any

from faceprep.report.tables import plain_table

if TYPE_CHECKING:
    from rich.console import RenderableType

    from faceprep.stages.augment import Augmented


def augment_tables(
    result: "Augmented", dry_run: bool = False
) -> "tuple[list[RenderableType], dict[str, Any]]":
    """Return renderables and plain data."""
    data = {**vars(result), "folder": str(result.folder)}
    table = plain_table(None, "augment", "")
    table.add_row("folder", str(result.folder))
    if dry_run:
        table.add_row("faces", f"{result.asked}, {result.before} of them are there")
        if result.replaced:
            table.add_row("replaced", f"{result.replaced} that are there now")
        table.add_row("shards", f"{len(result.todo)} of {result.shards} to make")
        table.add_row("disk", f"about {result.disk_bytes / 1e6:.1f} MB")
        table.add_row("device", result.device)
        return [table], data
    rate = result.made / result.seconds if result.made > 0 and result.seconds else 0.0
    data["images_per_second"] = rate
    modes = ", ".join(f"{mode} {count}" for mode, count in result.modes.items())
    table.add_row("faces", f"{result.images}: {modes}")
    speed = f"{result.made} in {result.seconds:.1f} s on {result.device}"
    table.add_row("made now", f"{speed}, {rate:.1f} a second" if rate else speed)
    columns = ("faces", "read otherwise", "unlike faces", "doubtful")
    faces = plain_table(None, "expression", *columns, right=columns)
    for name, count in sorted(result.faces.items()):
        kinds = result.rejected[name]
        faces.add_row(
            name,
            str(count),
            str(kinds["judge"]),
            str(kinds["features"]),
            str(result.doubtful.get(name, 0)),
        )
    return [table, faces], data
