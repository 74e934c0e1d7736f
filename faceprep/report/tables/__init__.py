"""Tables of the command line: the same facts for people (rich) and for programs (JSON)."""

from faceprep.report.tables.console import as_text, plain_table

__all__ = ["as_text", "plain_table"]
