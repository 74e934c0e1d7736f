"""Words of a command line: flags, settings, quoting."""

import shlex
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

#: Parameter of the verbs that take ``--set`` → setting.
SETTINGS = {
    "workspace": "workspace",
    "workers": "workers",
    "engine": "engine",
    "scheduler": "dask.scheduler",
    "device": "device",
    "dataset": "select.dataset",
    "root": "select.root",
    "limit": "select.limit",
    "seed": "select.seed",
}

#: Verb → parameters with another setting than in `SETTINGS`.
_OWN = {
    "train": {"generator": "train.generator", "seed": "train.seed"},
    "augment": {
        "generator": "train.generator",
        "mode": "augment.mode",
        "seed": "augment.seed",
    },
    "classify": {
        name: f"classify.{name}"
        for name in ("sweep", "times", "arms", "seeds", "folds", "generator", "seed")
    },
    "demo": {
        **{name: f"demo.{name}" for name in ("layout", "subjects", "frames", "difficulty", "seed")},
        "directory": "select.root",
        "workers": "workers",
    },
}


@cache
def commands() -> dict[str, Any]:
    """Return verb → its command, groups (``evaluate``) and their verbs (``evaluate aus``) alike."""
    import typer

    from faceprep.cli import app

    found: dict[str, Any] = {}

    def add(group: Any, before: str) -> None:
        for name, command in group.commands.items():
            found[before + name] = command
            if hasattr(command, "commands"):
                add(command, f"{before}{name} ")

    add(typer.main.get_group(app), "")
    return found


def settings_of(verb: str) -> dict[str, str]:
    """Return parameter → setting for the parameters of a verb that set one."""
    names = {parameter.name for parameter in commands()[verb].params}
    usual = SETTINGS if "set_" in names else {}
    return {key: name for key, name in {**usual, **_OWN.get(verb, {})}.items() if key in names}


def options_of(verb: str) -> dict[str, Any]:
    """Return the options of a verb by parameter name."""
    parameters = commands()[verb].params if verb in commands() else []
    return {one.name: one for one in parameters if one.param_type_name == "option"}


def parameter_of(verb: str, name: str) -> str | None:
    """Return the parameter of a verb that a flag or a setting names; None for ``--set``."""
    if verb not in commands():
        return None
    plain = name.replace("-", "_")
    for parameter in commands()[verb].params:
        if name in parameter.opts or plain == parameter.name or f"--{name}" in parameter.opts:
            return str(parameter.name)
    by_setting = {setting: key for key, setting in settings_of(verb).items()}
    if name == "workspace" and "path" in {one.name for one in commands()[verb].params}:
        return "path"
    return by_setting.get(name)


def join(words: Iterable[str]) -> str:
    """Quote words for a shell."""
    return shlex.join(words)


def flags(overrides: Mapping[str, Any], verb: str = "") -> list[str]:
    """Convert flags and settings to command-line words; see `faceprep.core.errors.Remedy`.

    Parameters
    ----------
    verb
        Verb whose flags are used for the settings that have one.
    """
    return [word for name, value in overrides.items() for word in _flag(name, value, verb)]


def _flag(name: str, value: Any, verb: str) -> list[str]:
    if value is None or value is False:
        return []
    option = options_of(verb).get(parameter_of(verb, name) or "")
    if option is not None and not name.startswith("-"):
        flag = max(option.opts, key=len)
    elif option is None and ("." in name or "set_" in options_of(verb)):
        return ["--set", f"{name}={text_of(value)}"]
    else:
        flag = name if name.startswith("-") else f"--{name.replace('_', '-')}"
    if option is not None and option.multiple and isinstance(value, tuple):
        return [word for one in value for word in (flag, text_of(one))]
    return [flag] if value is True else [flag, text_of(value)]


def text_of(value: Any) -> str:
    """Format the value of a flag or setting."""
    from faceprep.config.section import spelled

    return str(value) if isinstance(value, Path) else spelled(value)
