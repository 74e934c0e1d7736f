"""Distribution of shards over the tasks of an array."""

from collections.abc import Iterator, Mapping


def group_shards(
    seconds: Mapping[int, float], minutes: float, at_once: int = 1
) -> Iterator[list[int]]:
    """Group shards into tasks of about equal, requested duration.

    `seconds`: shard → expected seconds on one core.
    `minutes`: requested duration of a task.
    `at_once`: number of shards that a task makes in parallel.
    """
    total = sum(seconds.values())
    tasks = min(max(-(-total // (minutes * 60 * at_once)), 1), len(seconds))
    share, taken, group = total / tasks if tasks else 0.0, 0.0, list[int]()
    ends = 1
    for shard in sorted(seconds):
        if group and taken + seconds[shard] / 2 > ends * share:
            yield group
            group, ends = [], ends + 1
        group.append(shard)
        taken += seconds[shard]
    if group:
        yield group
