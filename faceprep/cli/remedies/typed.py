"""The command line that was typed, taken apart and written again with changes."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from faceprep.cli.remedies.words import commands, flags, join, parameter_of, settings_of
from faceprep.core.errors import Again, commented


@dataclass(frozen=True)
class Line:
    """A command line.

    Attributes
    ----------
    verb
        Verb, e.g. ``align`` or ``evaluate aus``.
    options
        Parameter and words of every option, in the order in which they were typed.
    arguments
        Parameter and text of every positional argument.
    """

    verb: str
    options: list[tuple[str, list[str]]]
    arguments: list[tuple[str, str]]


def take_apart(words: Sequence[str]) -> Line | None:
    """Return the parts of a command line without the program's name; None without a verb."""
    verb, rest = "", list(words)
    while rest and f"{verb} {rest[0]}".strip() in commands():
        verb = f"{verb} {rest.pop(0)}".strip()
    if not verb or hasattr(commands()[verb], "commands"):
        return None
    command = commands()[verb]
    parser = command.make_parser(command.context_class(command, info_name=verb))
    values, _, order = parser.parse_args(rest)
    options: list[tuple[str, list[str]]] = []
    arguments: list[tuple[str, str]] = []
    taken: dict[str, int] = {}
    for parameter in order:
        value = values.get(parameter.name)
        if parameter.param_type_name == "argument":
            several = value if isinstance(value, list | tuple) else [value]
            arguments += [(parameter.name, one) for one in several if isinstance(one, str)]
            continue
        if parameter.multiple:
            number = taken[parameter.name] = taken.get(parameter.name, -1) + 1
            value = value[number]
        flag = max(parameter.opts, key=len)
        options.append((parameter.name, [flag] if parameter.is_flag else [flag, str(value)]))
    return Line(verb, options, arguments)


def with_changes(line: Line, again: Again) -> str:
    """Return the command line with other flags, settings and arguments."""
    overrides = dict(again.overrides)
    names = {parameter_of(line.verb, name): name for name in overrides}
    arguments = [
        str(overrides.pop(names[parameter])) if parameter in names else text
        for parameter, text in line.arguments
    ]
    elsewhere: Mapping[str, str] = {}
    if isinstance(again.arguments, Mapping):
        if not again.arguments.keys() & set(arguments):  # as in transfer --from
            elsewhere = again.arguments
        arguments = [again.arguments.get(text, text) for text in arguments]
    elif again.arguments is not None:
        arguments = list(again.arguments)
    if "path" in names and names["path"] in overrides:  # the workspace, which was not named
        arguments.append(str(overrides.pop(names["path"])))
    settings = settings_of(line.verb)
    new = {*overrides, *(settings[name] for name in names if name in settings)}
    kept = [
        word
        for parameter, option in line.options
        if parameter not in names and not _replaced(settings.get(parameter), option, new)
        for word in (option[0], *(elsewhere.get(value, value) for value in option[1:]))
    ]
    words = ["faceprep", *line.verb.split()]
    if any(text.startswith("-") for text in arguments):
        words += [*kept, *flags(overrides, line.verb), "--", *arguments]
    else:
        words += [*arguments, *kept, *flags(overrides, line.verb)]
    return commented(join(words), again.note)


def _replaced(setting: str | None, option: list[str], new: Collection[str]) -> bool:
    """Return whether an option sets something that is set otherwise now."""
    if option[0] == "--set":
        setting = option[1].partition("=")[0].strip()
    return setting is not None and any(f"{setting}.".startswith(f"{name}.") for name in new)


def in_words(again: Again) -> str:
    """Return the advice where no command was typed, e.g. for users of the Python functions."""
    changes = join(flags(again.overrides))
    text = f"the same again with {changes}" if changes else "the same again"
    return f"{text}: {again.note}" if again.note else text
