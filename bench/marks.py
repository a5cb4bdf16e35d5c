"""A measured figure, and the table and JSON they are reported in."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.table import Table

Reach = Literal["at least", "at most", "exactly"]


@dataclass(frozen=True)
class Mark:
    """``value`` beside what it should reach. Ratios come from one run, side by side; without a reach it informs."""

    name: str
    value: float
    unit: str = "ratio"
    sense: Reach = "at least"
    reach: float | None = None
    note: str = ""

    @property
    def reached(self) -> bool | None:
        """Whether the value is where it should be; None when it only informs."""
        if self.reach is None:
            return None
        if self.sense == "at least":
            return self.value >= self.reach
        if self.sense == "at most":
            return self.value <= self.reach
        return self.value == self.reach


def report(marks: Iterable[Mark], path: Path) -> bool:
    """Print the table, write the JSON, and say whether every mark was reached."""
    found = list(marks)
    table = Table("mark", "value", "reach", "", "how", title="make bench")
    for mark in found:
        verdict = {True: "[green]reached[/]", False: "[red]missed[/]", None: ""}[mark.reached]
        reach = "" if mark.reach is None else f"{mark.sense} {mark.reach:g}"
        table.add_row(mark.name, f"{mark.value:,.3g} {mark.unit}", reach, verdict, mark.note)
    Console().print(table)
    machine = {"python": platform.python_version(), "machine": platform.machine(), "system": platform.system()}
    rows = [{**asdict(mark), "reached": mark.reached} for mark in found]
    path.write_text(json.dumps({"machine": machine, "marks": rows}, indent=2, default=float) + "\n")
    return all(mark.reached is not False for mark in found)
