"""Merge files, the environment and flags into the configuration.

Precedence, strongest first: flag > ``FACEPREP_*`` > ``-c FILE`` > ``./faceprep.toml`` > the
built-in demo pipeline (only where no file and no dataset is named, and the workspace holds no
other) > the defaults of `faceprep.config`.
"""

import os
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from faceprep.config import Config
from faceprep.config.keys import PREFIX, keys, known_keys
from faceprep.config.section import IMPOSSIBLE
from faceprep.config.toml import parse_toml
from faceprep.core.errors import Again, Hint, Remedy, Shell, UsageError
from faceprep.core.files import nearest_path
from faceprep.core.tree import is_utf8
from faceprep.core.vocabulary import did_you_mean, nearest

_ALL_KEYS = Remedy("config show", note="lists every key with its value")

LOCAL_FILE = Path("faceprep.toml")

#: Start of the variables of the test suite: paths of files that are not in the repository.
FOR_TESTS = "FACEPREP_TEST_"

#: Variables with another name than that of their key.
ALIASES = {"FACEPREP_OPENFACE": "aus.openface_bin"}
BUILT_IN: dict[str, Any] = {"name": "demo", "demo": {}, "train": {"preset": "tiny"}}


@dataclass(frozen=True)
class Resolved:
    """A validated configuration and the source of each of its values."""

    config: Config
    sources: dict[str, str]  # dotted key → ``"default"``, a file, a variable or a flag


def resolve(
    file: Path | None = None,
    flags: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
    local_file: Path = LOCAL_FILE,
    holds_dataset: Callable[[Path], bool] | None = None,
) -> Resolved:
    """Merge all sources into one configuration.

    Parameters
    ----------
    file
        File of ``-c``.
    flags
        Dotted key → (value, name of the flag); values may be strings.
    environment
        Defaults to ``os.environ``.
    local_file
        Read when it exists.
    holds_dataset
        Function that returns whether a workspace has a dataset other than the demo
        (`faceprep.workspace.discover.holds_dataset`), which disables the demo pipeline.

    Raises
    ------
    UsageError
        For an unreadable file, an unknown key (with the nearest known one) or a bad value, each
        with the source it came from.
    """
    layers: list[tuple[dict[str, Any], str]] = []
    if local_file.is_file():
        layers.append((flatten(_read_toml(local_file)), f"./{local_file.name}"))
    if file is not None:
        layers.append((flatten(_read_toml(file)), str(file)))
    environment = os.environ if environment is None else environment
    for key, value, variable in _from_environment(environment):
        layers.append(({key: value}, variable))
    for key, (value, flag) in (flags or {}).items():
        layers.append(({key: value}, flag))

    given = {key: value for values, _ in layers for key, value in values.items()}
    named = "select.dataset" in given or "select.root" in given
    workspace = str(given.get("workspace") or "")
    other = workspace and holds_dataset is not None and holds_dataset(Path(workspace))
    if file is None and not local_file.is_file() and not named and not other:
        layers.insert(0, (flatten(BUILT_IN), "built-in demo pipeline"))
    merged: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for values, source in layers:
        merged |= values
        sources |= dict.fromkeys(values, source)
    for key in ("select.root", "select.table", "workspace"):
        if merged.get(key) == "":
            raise UsageError(f"{key} is empty (from {sources[key]})", "is a variable unset?")
    place = str(merged.get("workspace", ""))
    if not is_utf8(place):
        shown = place.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        raise UsageError(f"workspace {shown}: its name is not UTF-8", "choose another name")
    try:
        config = Config.model_validate(_nest(merged, sources))
    except ValidationError as error:
        raise _explain(error, merged, sources) from None
    defaults = dict.fromkeys(flatten(config.model_dump()), "default")
    return Resolved(config, {key: sources.get(key, defaults[key]) for key in defaults})


def parse_assignment(text: str) -> tuple[str, Any]:
    """Split ``stage.key=value`` of ``--set``.

    Raises
    ------
    UsageError
        When there is no ``=``.
    """
    key, separator, value = text.partition("=")
    if not separator or not key.strip():
        raise UsageError(
            f"--set {text}: expected stage.key=value", "for example align.detector=dlib"
        )
    return key.strip(), _value(value.strip())


def _value(text: str) -> Any:
    """Parse a list as TOML; other values stay text, which the type of their field converts."""
    if text.startswith("["):
        try:
            return tomllib.loads(f"v = {text}")["v"]
        except tomllib.TOMLDecodeError:
            return text
    return text


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        near = nearest_path(path)
        folder = next((p for p in path.absolute().parents if p.is_dir()), Path("/"))
        hint = Again({"config": near}) if near else Shell(("ls", str(folder)))
        raise UsageError(f"no configuration file {path}", hint) from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error}") from None
    return parse_toml(data, path)


def _from_environment(environment: Mapping[str, str]) -> list[tuple[str, Any, str]]:
    by_variable = {key.variable: key.name for key in keys().values()}
    by_variable |= ALIASES
    found = []
    for variable in sorted(environment):
        if not variable.startswith(PREFIX) or variable.startswith(FOR_TESTS):
            continue
        if variable not in by_variable:
            raise UsageError(
                f"unknown variable {variable} in the environment",
                did_you_mean(variable, by_variable) or Shell(("unset", variable)),
            )
        found.append((by_variable[variable], _value(environment[variable]), variable))
    return found


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return dotted keys with their values."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            flat |= flatten(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat


def _nest(flat: Mapping[str, Any], sources: Mapping[str, str]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for key in sorted(flat, key=lambda name: name.count(".")):
        *sections, name = key.split(".")
        node = nested
        for section in sections:
            node = node.setdefault(section, {})
            if not isinstance(node, dict):
                raise UsageError(f"{key} ({sources[key]}): {section} has no keys")
        node[name] = dict(flat[key]) if isinstance(flat[key], Mapping) else flat[key]
    return nested


def _explain(
    error: ValidationError, given: Mapping[str, Any], sources: Mapping[str, str]
) -> UsageError:
    lines: list[str] = []
    hint: Hint | None = None
    names: Sequence[str] = known_keys()
    for problem in error.errors():
        # Numbers are elements of a list, which has one source.
        context = problem.get("ctx", {})
        place = [part for part in problem["loc"] if isinstance(part, str)]
        if problem["type"] == IMPOSSIBLE:
            place.append(context["key"])
        key = ".".join(place)
        source = next((sources[k] for k in sources if k == key or k.startswith(f"{key}.")), "")
        where = f" (from {source})" if source else ""
        if problem["type"] == "extra_forbidden":
            lines.append(f"unknown key {key}{where}")
            hint = _renamed(key, given, source, names) or _ALL_KEYS
        elif problem["type"] == IMPOSSIBLE:
            lines.append(f"{key}{where}: {problem['msg']}")
            hint = hint or context["hint"] or _ALL_KEYS
        else:
            lines.append(f"{key}{where}: {problem['msg']}, got {problem['input']!r}")
            words = re.findall(r"'([^']+)'", str(context.get("expected", "")))
            near = nearest(str(problem["input"]), words)
            if near is not None and key in given:
                right = _corrected(given[key], problem["input"], near)
                hint = hint or Again({key: right}, note=f"did you mean {near}?")
            hint = hint or _ALL_KEYS
    return UsageError("; ".join(lines), hint)


def _renamed(key: str, given: Mapping[str, Any], source: str, names: Sequence[str]) -> Hint | None:
    """Return the hint with the known key that was meant; a key of a file is only named."""
    near = nearest(key, names, cutoff=0.4)
    if near is None or key not in given or not source.startswith("--"):
        return did_you_mean(key, names, cutoff=0.4)
    return Again({key: None, near: given[key]}, note=f"did you mean {near}?")


def _corrected(given: Any, wrong: Any, right: str) -> Any:
    """Return a value, or a list of words, with the right word for a wrong one."""
    if isinstance(given, list | tuple):
        return [right if word == wrong else word for word in given]
    words = [word.strip() for word in given.split(",")] if isinstance(given, str) else []
    return ",".join(right if word == wrong else word for word in words) or right
