"""Dated results of long campaigns: a row each in a Markdown table, appended; what stands there is not run again."""

from dataclasses import dataclass
from pathlib import Path

_FOLDER = Path(__file__).resolve().parents[2] / "docs" / "results"


@dataclass(frozen=True)
class Results:
    """One file of docs/results. `head` is its text above the rows, `today` the date of the rows that are written."""

    name: str
    head: str
    today: str

    @property
    def path(self) -> Path:
        """The file."""
        return _FOLDER / self.name

    def stands(self, *cells: str) -> bool:
        """Whether a row of today begins with these cells."""
        return any(row[: len(cells)] == list(cells) for row in self.rows())

    def rows(self) -> list[list[str]]:
        """The rows of today, without their date."""
        if not self.path.exists():
            return []
        lines = self.path.read_text().splitlines()
        split = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| 20")]
        return [cells[1:] for cells in split if cells[0] == self.today]

    def add(self, *cells: str) -> None:
        """Append one row."""
        text = self.path.read_text() if self.path.exists() else self.head
        self.path.parent.mkdir(parents=True, exist_ok=True)
        row = " | ".join(" ".join(cell.replace("|", "/").split()) for cell in (self.today, *cells))
        self.path.write_text(f"{text}| {row} |\n")
