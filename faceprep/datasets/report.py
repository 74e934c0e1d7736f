"""Report of a dataset reader: excluded entries, and notes for the user."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from faceprep.core.errors import Shell
from faceprep.core.tree import NOT_UTF8

#: Number of example paths kept for each reason.
EXAMPLES = 3


@dataclass
class Tally:
    """Count occurrences of one reason or note.

    Attributes
    ----------
    count
        Number of occurrences.
    examples
        The first few paths, relative to the root.
    commands
        Commands that make the first example readable.
    """

    count: int = 0
    examples: list[str] = field(default_factory=list)
    commands: tuple[Shell, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-ready values; ``commands`` only where there are some."""
        values: dict[str, Any] = {"count": self.count, "examples": self.examples}
        if self.commands:
            values["commands"] = [str(one) for one in self.commands]
        return values

    def add(self, example: str | None, count: int) -> None:
        """Add `count` occurrences."""
        self.count += count
        if example is not None and len(self.examples) < EXAMPLES:
            self.examples.append(printable(example))


@dataclass
class People:
    """Say where the subjects come from, and how many rows name none.

    Attributes
    ----------
    source
        Origin of the subjects, for the user: ``the file names of JAFFE``, ``column subject``;
        ``None`` if no person is known.
    unknown
        Rows whose person is unknown. Each of them (or each of their sequences) counts as a subject
        of its own.
    """

    source: str | None = None
    unknown: int = 0


@dataclass
class Report:
    """Collect the entries that a reader leaves out and its notes for the user.

    Attributes
    ----------
    people
        Whether the subjects are people; every reader sets it.
    left_out
        Reason → number and examples.
    notes
        Sentence → number and examples, in order of first occurrence.
    """

    people: People = field(default_factory=People)
    left_out: dict[str, Tally] = field(default_factory=dict)
    notes: dict[str, Tally] = field(default_factory=dict)

    def leave_out(
        self, reason: str, example: str, count: int = 1, commands: tuple[Shell, ...] = ()
    ) -> None:
        """Count entries that are not selected."""
        self.left_out.setdefault(reason, Tally(commands=commands)).add(example, count)

    def note(
        self, sentence: str, example: str | None = None, commands: tuple[Shell, ...] = ()
    ) -> None:
        """Record a remark about data that is used."""
        self.notes.setdefault(sentence, Tally(commands=commands)).add(example, 1)

    def mend_names(self, root: Path) -> tuple[Shell, ...]:
        """Attach the command that renames to UTF-8 to names that are not, and return it."""
        words = ("convmv", "-r", "-f", "cp1252", "-t", "utf8", str(root))
        note = "shows the new names, --notest renames; cp1252: Western Europe, else gbk, sjis, …"
        tallies = [self.left_out[reason] for reason in NOT_UTF8 if reason in self.left_out]
        for tally in tallies[:1]:
            tally.commands = (Shell(words, note),)
        return tallies[0].commands if tallies else ()

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON-compatible values."""
        return {
            "people": vars(self.people),
            "left_out": [
                {"reason": reason, **tally.as_dict()}
                for reason, tally in sorted(self.left_out.items())
            ],
            "notes": [{"text": text, **tally.as_dict()} for text, tally in self.notes.items()],
        }


def printable(text: str) -> str:
    """Return a name with every byte that is not UTF-8 written as an escape sequence."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
