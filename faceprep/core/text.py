"""Numbers in words, for tables and sheets."""


def plural(count: int, noun: str) -> str:
    """Write ``1 face``, ``2,000 faces``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
