"""Makes the pictures of the documentation from a real run of the demo.

python docs/images/record.py          # demo.svg and, where a Chromium is found, report.png
"""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme

from sheets_catalog.cli.demo import tour
from sheets_catalog.cli.demo.story import Story
from sheets_catalog.database import Audit
from sheets_catalog.flows import reporting
from sheets_catalog.sandbox import Sandbox

HERE = Path(__file__).parent
WIDTH = 104
SHOWN = ("plan", "interrupt", "resume", "conflict", "export_again", "stage", "deliver")
"""Steps of the story in the picture, by name."""

SPEED = 20.0
"""Times as fast as life: so slow that our own computing hardly counts in the durations shown."""

LINES = 16
"""Changed fields shown of the plan."""

COLOURS = (
    "484f58 ff7b72 3fb950 d29922 58a6ff bc8cff 39c5cf b1bac4 6e7681 ffa198 56d364 e3b341 79c0ff d2a8ff 56d4dd f0f6fc"
)


def _rgb(text: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(text)
    return red, green, blue


_ALL = [_rgb(each) for each in COLOURS.split()]
THEME = TerminalTheme(_rgb("161b22"), _rgb("e6edf3"), _ALL[:8], _ALL[8:])


class _Silent:
    """Shows no progress."""

    def phase(self, name: str, done: int, total: int) -> None:
        """Nothing."""

    def remark(self, text: str) -> None:
        """Nothing."""


def tell(audit: Path, record: Console) -> None:
    """The whole story; the steps that are shown go to `record`."""
    with Sandbox.start("sample", speed=SPEED, seed=1) as sandbox:
        story = Story(sandbox, lambda _, systems: Audit(audit, now=systems.clock.now))
        steps = [step(_Silent()) for step in story.steps()]
    tour.SHOWN = LINES
    record.print("$ make demo", style="bold")
    for number, step in enumerate(steps, 1):
        if step.name in SHOWN:
            record.print(tour.panel(number, step, WIDTH))
    record.print(tour.ending(steps))


def svg(record: Console) -> str:
    """The picture, without fonts from elsewhere."""
    text = record.export_svg(title="make demo", theme=THEME)
    text = re.sub(r"@font-face \{.*?\}\s*", "", text, flags=re.DOTALL)
    return re.sub(r"Fira Code", "ui-monospace, SFMono-Regular, Menlo, Consolas, DejaVu Sans Mono", text)


def png(page: Path) -> None:
    """A picture of the HTML report."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        sys.stderr.write("No Chromium found: report.png stays as it is.\n")
        return
    picture = HERE / "report.png"
    command = [chromium, "--headless", "--no-sandbox", "--hide-scrollbars", "--window-size=1200,800"]
    subprocess.run(  # noqa: S603 - the browser of this machine, on a page of our own
        [*command, f"--screenshot={picture}", page.as_uri()], check=True, capture_output=True
    )


def main() -> None:
    """Make both pictures."""
    record = Console(record=True, file=io.StringIO(), width=WIDTH, force_terminal=True, highlight=False)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tell(folder / "audit.sqlite3", record)
        (HERE / "demo.svg").write_text(svg(record), "utf-8")
        with Audit(folder / "audit.sqlite3") as audit:
            session = next(each for each in reversed(audit.sessions(limit=20)) if each.flow == "export")
            (folder / "report.html").write_text(reporting.as_html(audit.report(session.session_id)), "utf-8")
        png(folder / "report.html")


if __name__ == "__main__":
    main()
