"""The live panel. Imported only when there is a terminal to draw on."""

from __future__ import annotations

import atexit
from typing import TYPE_CHECKING, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel as Frame
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from drillbook_steps.progress import Scene


class Panel:
    """Draws a scene four times a second below the lines that scroll by; leaves only the lines when it stops."""

    def __init__(self, stream: TextIO, scene: Scene) -> None:
        self._scene = scene
        self._console = Console(file=stream, force_terminal=True)
        self._live = Live(
            console=self._console,
            get_renderable=self.draw,
            refresh_per_second=4,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start()
        atexit.register(self.stop)  # an interrupted run must not leave the terminal without its cursor

    def say(self, words: str) -> None:
        self._console.print(Text(words), highlight=False)

    def stop(self) -> None:
        atexit.unregister(self.stop)
        self._live.stop()

    def draw(self) -> Frame:
        scene = self._scene
        rows: list[Table | Text] = [
            Text(f"{scene.stage}, {scene.since()}", style="bold"),
            *(self._step(name) for name in list(scene.steps)),
        ]
        if canary := scene.canary():
            rows.append(Text(canary, style="green" if " 0 bad " in canary else "red"))
        return Frame(Group(*rows), title=Text(scene.name or "drill"), title_align="left")

    def _step(self, name: str) -> Table | Text:
        began, budget = self._scene.steps.get(name, (self._scene.clock.monotonic(), None))
        elapsed = self._scene.clock.monotonic() - began
        if not budget:
            return Text(f"  {name} {elapsed:.1f} s")
        row = Table.grid(padding=(0, 1))
        bar = ProgressBar(total=budget, completed=min(elapsed, budget), width=24)
        told = Text(f"{elapsed:.1f} of {budget:g} s", style="red" if elapsed > budget else "")
        row.add_row(Text(f"  {name}"), bar, told)
        return row
