"""Words that the shell completes besides verbs and flags: choices, and keys of ``--set``."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from faceprep.core.vocabulary import EXPRESSIONS


def complete_choices(verb: Callable[..., Any]) -> None:
    """Let the shell complete every flag of a verb whose help names its choices, as ``a|b``."""
    for parameter in inspect.signature(verb).parameters.values():
        for flag in getattr(parameter.annotation, "__metadata__", ()):
            metavar = getattr(flag, "metavar", None) or ""
            words = [word for word in metavar.split("|") if "|" in metavar and not word.isupper()]
            words = list(EXPRESSIONS) if metavar == "EXPRESSION" else words
            if words and flag.autocompletion is None:
                flag.autocompletion = _one_of(words)


def _one_of(words: Sequence[str]) -> Callable[[str], list[str]]:
    def complete(incomplete: str) -> list[str]:
        return [word for word in words if word.startswith(incomplete)]

    return complete


def complete_key(incomplete: str) -> list[str]:
    """Return the keys and sections of the configuration that begin with a word."""
    from faceprep.config.keys import known_keys  # takes a moment, which --help does not need

    names = known_keys()
    sections = {name.rpartition(".")[0] for name in names} - {""}
    return sorted(name for name in {*names, *sections} if name.startswith(incomplete))


def complete_assignment(incomplete: str) -> list[str]:
    """Return ``stage.key=``, and after the sign its choices."""
    from faceprep.config.keys import keys

    name, sign, value = incomplete.partition("=")
    if not sign:
        return [f"{key}=" for key in keys() if key.startswith(name)]
    found = keys().get(name)
    return [f"{name}={one}" for one in (found.choices if found else ()) if one.startswith(value)]
