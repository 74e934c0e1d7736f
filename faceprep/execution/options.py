"""Options of a run that do not change its output."""

from dataclasses import dataclass, replace

from faceprep.core.errors import UsageError


@dataclass(frozen=True)
class Options:
    """Options of a run, none of which changes the output.

    Attributes
    ----------
    overwrite
        Redo finished shards of the requested stage.
    retry_failed
        Redo rows whose status is not ``ok``.
    dry_run
        Change nothing; report what would be done.
    shard
        ``(i, n)``: only shards whose number is ``i - 1`` modulo ``n``.
    only
        Only these shards.
    wait
        Wait for the cluster's jobs; otherwise submit them and return.
    """

    overwrite: bool = False
    retry_failed: bool = False
    dry_run: bool = False
    shard: tuple[int, int] | None = None
    only: frozenset[int] | None = None
    wait: bool = True

    def for_upstream(self) -> "Options":
        """Return the options for the stages before the requested one."""
        return replace(self, overwrite=False)

    def refuse_leaving(self, engine: str) -> None:
        """Raise `UsageError` if ``--no-wait`` is given with an engine that has no queue."""
        if not self.wait and engine != "slurm":
            raise UsageError("--no-wait leaves jobs to Slurm", "add --engine slurm")

    def mine(self, shard: int) -> bool:
        """Return whether this process is responsible for a shard."""
        if self.only is not None and shard not in self.only:
            return False
        return self.shard is None or shard % self.shard[1] == self.shard[0] - 1
