"""Words that the shell completes besides verbs, flags and choices."""


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
