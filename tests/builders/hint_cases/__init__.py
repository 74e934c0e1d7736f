"""Trials of hints: part of the package → commands that provoke its hints."""

from builders.hint_cases import command_line, crops, generators, results, settings

#: Trials of every part of the package.
ALL = {
    part: trials
    for module in (command_line, crops, generators, results, settings)
    for part, trials in module.TRIALS.items()
}
