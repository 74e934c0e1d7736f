"""Merge files, the environment and flags into the configuration.

Precedence, strongest first: flag > ``FACEPREP_*`` > ``-c FILE`` > ``./faceprep.toml`` > what the
workspace remembers (`faceprep.config.record`) or, in a workspace without results and where no file
and no dataset is named, the built-in demo pipeline > the defaults of `faceprep.config`.
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
from faceprep.config.pipeline import fill_in
from faceprep.config.record import FILE, TABLE, Record, kept
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
    remembered: Callable[[Path], Record | None] | None = None,
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
    remembered
        Function that returns the settings of a workspace
        (`faceprep.workspace.remembered.remembered`), None without results.

    Raises
    ------
    UsageError
        For an unreadable file, an unknown key (with the nearest known one) or a bad value, each
        with the source it came from.
    """
    files: list[tuple[dict[str, Any], str]] = []
    if local_file.is_file():
        files.append((read_settings(local_file)[0], f"./{local_file.name}"))
    if file is not None:
        files.append((read_settings(file)[0], str(file)))
    typed: list[tuple[dict[str, Any], str]] = []
    for key, value, variable in _from_environment(
        os.environ if environment is None else environment
    ):
        typed.append(({key: value}, variable))
    for key, (value, flag) in (flags or {}).items():
        typed.append(({key: value}, flag))
    given = {key: value for values, _ in files + typed for key, value in values.items()}
    filed = {key: value for values, _ in files for key, value in values.items()}
    base, source, record, place = _base(given, filed if files else None, remembered)
    merged: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for values, origin in [(base, source), *files, *typed]:
        merged |= values
        sources |= dict.fromkeys(values, origin)
    for key in ("select.root", "select.table", "workspace"):
        if merged.get(key) == "":
            raise UsageError(f"{key} is empty (from {sources[key]})", "is a variable unset?")
    if place is not None:  # a recorded name is no other workspace
        merged.setdefault("workspace", place)
    named = str(merged.get("workspace", ""))
    if not is_utf8(named):
        shown = named.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        raise UsageError(f"workspace {shown}: its name is not UTF-8", "choose another name")
    if named and Path(named).is_file():
        folder = Path(named).with_suffix(".faceprep" if Path(named).suffix else ".d")
        message = f"workspace {named} is a file, not a folder"
        raise UsageError(message, Again({"workspace": folder}))
    try:
        config = Config.model_validate(nest(merged, sources))
    except ValidationError as error:
        raise _explain(error, merged, sources) from None
    plain = flatten(config.model_dump())
    by_hand = {key for values, _ in typed for key in values}
    inherited = {key for key in record.values if sources.get(key) == source}
    by_hand |= record.typed & inherited
    values = kept({key: plain.get(key, value) for key, value in merged.items()})
    sets = (frozenset(keys & values.keys()) for keys in (by_hand, inherited))
    config = config.with_given(Record(values, *sets))
    return Resolved(config, {key: sources.get(key, "default") for key in plain})


def _base(
    given: Mapping[str, Any],
    filed: Mapping[str, Any] | None,
    remembered: Callable[[Path], Record | None] | None,
) -> tuple[dict[str, Any], str, Record, Path | None]:
    """Return the settings below all files, with their source, their record and the workspace.

    They are those of the workspace or, if it has none and no file and dataset is named, the demo's.
    """
    named = "select.dataset" in given or "select.root" in given
    demo = {} if filed is not None or named else flatten(BUILT_IN)
    try:
        place = Path(str(fill_in(nest({**demo, **given}))["workspace"]))
    except (UsageError, TypeError):  # explained when all sources are merged
        return demo, "", Record(), None
    record = remembered(place) if remembered is not None and is_utf8(str(place)) else None
    if record is None:
        return demo, "built-in demo pipeline", Record(), place
    return record.base(given, filed), f"{FILE} of {place}", record, place


def read_settings(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return dotted key → value of a pipeline file, and its table ``[record]``, if any.

    Raises
    ------
    UsageError
        The file is missing, unreadable or not TOML.
    """
    values = _read_toml(path)
    table = values.pop(TABLE, {})
    table = table if isinstance(table, dict) else {}
    return flatten(values) | dict.fromkeys(table.get("none", ())), table


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


def nest(flat: Mapping[str, Any], sources: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the sections of dotted keys with their values: the inverse of `flatten`.

    Raises
    ------
    UsageError
        A key is both a value and a section; the message names its source.
    """
    nested: dict[str, Any] = {}
    for key in sorted(flat, key=lambda name: name.count(".")):
        *sections, name = key.split(".")
        node = nested
        for section in sections:
            node = node.setdefault(section, {})
            if not isinstance(node, dict):
                raise UsageError(f"{key} ({(sources or {}).get(key)}): {section} has no keys")
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
            hint = hint or (f"one of: {', '.join(words)}" if words else _ALL_KEYS)
    return UsageError("; ".join(lines), hint)


def _renamed(key: str, given: Mapping[str, Any], source: str, names: Sequence[str]) -> Hint | None:
    """Return the hint with the known key that was meant; a key of a file is only named."""
    section, _, last = key.rpartition(".")
    same = [name for name in names if name.rpartition(".")[2] == last]
    # The section alone would make any two of its keys similar.
    own = {name.rpartition(".")[2]: name for name in names if name.rpartition(".")[0] == section}
    meant = own.get(nearest(last, own) or "") if own else nearest(key, names)
    near = same[0] if len(same) == 1 else meant
    if near is None or key not in given or not source.startswith("--"):
        return None if near is None else f"did you mean {near}?"
    return Again({key: None, near: given[key]}, note=f"did you mean {near}?")


def _corrected(given: Any, wrong: Any, right: str) -> Any:
    """Return a value, or a list of words, with the right word for a wrong one."""
    if isinstance(given, list | tuple):
        return [right if word == wrong else word for word in given]
    words = [word.strip() for word in given.split(",")] if isinstance(given, str) else []
    return ",".join(right if word == wrong else word for word in words) or right
