"""Tables in the signs of an encoding."""

from rich.console import Group
from rich.padding import Padding
from rich.text import Text

from faceprep.report.tables.console import as_text, plain_table
from faceprep.report.tables.signs import in_signs_of


def spell(text: str) -> str:
    return text.replace("…", "...").replace("→", "->")


def test_columns_have_the_width_of_the_spelling():
    table = plain_table("a → b", "interval", "n", right=("interval",))
    table.add_row("0.1…0.2", "1")
    table.add_row(Text("–0.1…0.2", "red"), Text("→"), style="bold")
    lines = as_text([in_signs_of(table, spell)]).splitlines()
    assert lines[0] == "a -> b"
    assert [line.rstrip() for line in lines[-3:-1]] == ["   0.1...0.2   1", "  –0.1...0.2   ->"]
    assert "…" in as_text([table])  # the table itself is left as it is


def test_styles_stay_on_their_words():
    text = in_signs_of(Text.assemble(("a → b", "red"), (" c", "bold")), spell)
    assert text.plain == "a -> b c"
    assert [(text.plain[one.start : one.end], one.style) for one in text.spans] == [
        ("a -> b", "red"),
        (" c", "bold"),
    ]


def test_what_is_inside_of_others_is_spelled():
    page = Group("…", Padding(Text("→"), (0, 0, 0, 2)))
    assert as_text([in_signs_of(page, spell)]).split() == ["...", "->"]


def test_a_title_may_be_wider_than_its_table_and_is_no_markup():
    table = plain_table("Gain over the row without [bold] faces", "N")
    assert as_text([table], 60).splitlines()[0] == "Gain over the row without [bold] faces"
