"""Refuse flags and settings that were typed and have no effect.

A file may hold settings for later use; what is typed is meant for this command.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from faceprep.cli.remedies.typed import take_apart
from faceprep.cli.remedies.words import settings_of
from faceprep.core.errors import TYPED, Again, UsageError

if TYPE_CHECKING:
    from faceprep.config import Config

#: Settings that tell the workspace, the dataset and the machine, for every verb.
_EVERY = ("workspace", "name", "workers", "engine", "device", "select.dataset", "select.root")

#: Settings that come with a section.
_WITH = {"select": ("demo", "shard_size")}

#: Sections with a part of ``[slurm]`` for their own job.
_JOBS = ("train", "augment", "classify")


def refuse_unused(why: str, *parameters: str) -> None:
    """Refuse those of the parameters of a verb that were typed.

    Parameters
    ----------
    why
        Reason why they have no effect, e.g. ``--grid draws five intensities``.

    Raises
    ------
    UsageError
        Any of them was typed.
    """
    line = take_apart(TYPED.get())
    options = dict(line.options) if line is not None else {}
    typed = [name for name in parameters if name in options]
    if typed:
        words = " and ".join(options[name][0] for name in typed)
        verb = "has" if len(typed) == 1 else "have"
        raise UsageError(f"{words} {verb} no effect: {why}", Again(dict.fromkeys(typed)))


def refuse_repeated() -> None:
    """Refuse a setting that is typed twice, of which one value would be ignored.

    Raises
    ------
    UsageError
        ``--set`` names a setting that another ``--set`` or its own flag gives another value.
    """
    line = take_apart(TYPED.get())
    if line is None:
        return
    names = settings_of(line.verb)
    given: dict[str, list[list[str]]] = {}
    for parameter, option in line.options:
        key = option[-1].partition("=")[0].strip() if parameter == "set_" else names.get(parameter)
        if key is not None:
            given.setdefault(key, []).append(option)
    for key, several in given.items():
        values = [o[1].partition("=")[2].strip() if o[0] == "--set" else o[-1] for o in several]
        if len({*values}) > 1 and any(option[0] == "--set" for option in several):
            words = " and ".join(" ".join(option) for option in several)
            raise UsageError(f"{key} is given twice: {words}", Again({key: values[-1]}))


def refuse_without_effect(
    config: "Config", typed: Mapping[str, tuple[Any, str]], read: Collection[str]
) -> None:
    """Refuse typed settings that a verb does not read, or that other settings switch off.

    A setting that is typed with its default is accepted.

    Parameters
    ----------
    typed
        Dotted key → its value and its flag.
    read
        Sections and settings that the verb reads.

    Raises
    ------
    UsageError
        A typed setting has no effect.
    """
    from faceprep.config import Config, DemoConfig
    from faceprep.config.sources import flatten

    usual = flatten(Config(demo=DemoConfig(), shard_size=config.shard_size).model_dump())
    usual["shard_size"] = Config().shard_size
    values = flatten(config.model_dump())
    reasons: dict[str, tuple[str, Mapping[str, Any]]] = {}
    for key in typed:
        if key not in usual or values.get(key) != usual[key]:
            found = next(_reasons(config, key, read), None)
            if found is not None:
                reasons[key] = found
    if not reasons:
        return
    lines = [
        f"{_spelled(key, *typed[key])} has no effect: {why}" for key, (why, _) in reasons.items()
    ]
    changes = [change for _, change in reasons.values() if change]
    without = Again(dict.fromkeys(reasons), note="leaves it out")
    raise UsageError("; ".join(lines), (*(Again(one) for one in changes[:1]), without))


def later_settings(
    typed: Collection[str], read: Collection[str], later: Collection[str]
) -> list[str]:
    """Return the typed settings of sections that are not read now but `later`."""
    return [
        key
        for key in typed
        if any(_within(key, section) for section in later if section not in read)
        and key not in _EVERY
    ]


def note_redundant(flags: Mapping[str, Any]) -> Iterator[str]:
    """Yield a note for each typed flag of a stage that another flag makes redundant."""
    if flags.get("retry_failed") and flags.get("overwrite"):
        yield "note: --retry-failed changes nothing here: --overwrite redoes every row"
    if flags.get("no_wait") and flags.get("dry_run"):
        yield "note: --no-wait changes nothing here: --dry-run submits nothing"


def machine_notes(config: "Config", typed: Collection[str], read: Collection[str]) -> Iterator[str]:
    """Yield a note for each typed setting of the machine that changes nothing for a verb."""
    if "device" in typed and config.device == "cuda" and not _uses_device(config, read):
        yield "note: --device cuda changes nothing here: this runs on the CPU"
    if "workers" in typed and config.engine == "slurm" and not {"train", "classify"} & {*read}:
        yield "note: --workers changes nothing here: slurm.cpus sets the shards of a task at once"


def _uses_device(config: "Config", read: Collection[str]) -> bool:
    from faceprep.faces.action_units.backend import choose
    from faceprep.faces.registry import DETECTORS

    if any(name in read for name in _JOBS):
        return True
    if "align" in read and DETECTORS[config.align.detector].uses_gpu:
        return True
    return "aus" in read and choose(config).backend.name == "openface-models"


def _spelled(key: str, value: Any, flag: str) -> str:
    return f"--set {key}={value}" if flag == "--set" else f"{flag} {value}"


def _reasons(
    config: "Config", key: str, read: Collection[str]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield why a setting has no effect, with settings that would give it one."""
    from faceprep.config.conditions import CONDITIONS

    section, _, name = key.partition(".")
    if key in _EVERY:
        return
    cluster = section in ("slurm", "dask")
    covered = [*read, *(more for one in read for more in _WITH.get(one, ()))]
    if not cluster and not any(_within(key, one) for one in covered):
        yield f"this command does not read {key}", {}
    job = name.partition(".")[0]
    if section == "slurm" and job in _JOBS and job not in read:
        yield f"it is for the jobs of {job}", {}
    for one in CONDITIONS:
        if any(_within(key, part) for part in one.keys) and not one.holds(config):
            yield f"it needs {one.needs}", one.change
    if section == "align":
        yield from _of_detector(config, name)
    if section == "aus" and name != "backend":
        yield from _of_backend(config, name)


def _within(key: str, section: str) -> bool:
    return key == section or key.startswith(f"{section}.")


def _of_detector(config: "Config", name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    from faceprep.faces.registry import DETECTORS, hashed_settings

    if name in hashed_settings(config.align):
        return
    others = [other for other, spec in DETECTORS.items() if name in spec.settings]
    if others:
        detector = config.align.detector
        yield f"align.detector={detector} does not read it", {"align.detector": others[0]}


def _of_backend(config: "Config", name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    from faceprep.faces.action_units.backend import BACKENDS, choose, load_backend

    backend = choose(config).backend
    if name in getattr(backend, "settings", (name,)):
        return
    others = [other for other in BACKENDS if name in getattr(load_backend(other), "settings", ())]
    change = {"aus.backend": others[0]} if others else {}
    yield f"aus.backend={backend.name} does not read it", change
