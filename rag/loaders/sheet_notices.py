"""What is said of the hidden parts of sheets: they are read like the rest."""

from dataclasses import dataclass, field

from rag.documents import Notice

MOST_NAMES = 20


@dataclass(slots=True)
class Hidden:
    """The sheets that are hidden, and those with hidden rows or columns."""

    sheets: list[str] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    rows: int = 0
    columns: int = 0

    def add(self, name: str, *, sheet: bool, rows: int, columns: int) -> None:
        """Count what is hidden in one sheet that holds text."""
        if sheet:
            self.sheets.append(name)
        if rows or columns:
            self.parts.append(name)
            self.rows += rows
            self.columns += columns


def notices(hidden: Hidden) -> tuple[Notice, ...]:
    """What the user should know of it."""
    found = []
    if hidden.sheets:
        found.append(
            Notice("Hidden sheets were read like the others: {sheets}.", {"sheets": names(hidden.sheets)})
        )
    if hidden.parts:
        values: dict[str, str | int | Notice] = {
            "rows": hidden.rows,
            "columns": hidden.columns,
            "sheets": names(hidden.parts),
        }
        found.append(
            Notice(
                "{rows} hidden rows and {columns} hidden columns were read like the others, on: {sheets}.",
                values,
            )
        )
    return tuple(found)


def names(listed: list[str]) -> str:
    """The first of many names."""
    return ", ".join(listed[:MOST_NAMES]) + (" …" if len(listed) > MOST_NAMES else "")
