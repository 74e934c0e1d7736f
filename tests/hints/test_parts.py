"""Every part of the package with hints has trials."""

from builders.hint_cases import ALL
from builders.hint_trials import inventory


def test_every_part_of_the_package_is_tried() -> None:
    parts = tuple(ending for part in ALL for ending in (f"{part}/", f"{part}.py"))
    assert not {place for place, _ in inventory() if not place.startswith(parts)}
