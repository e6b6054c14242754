"""The results as one picture: how long every way takes, and how time and memory grow with the database."""

from database import MEGABYTE
from drawing import FAINT, Drawing
from experiments import Results
from figures import peak, seconds

BLUE, SKY, GREEN, GREY, ORANGE = "#0550ae", "#54aeff", "#1a7f37", "#8c959f", "#bc4c00"
COLOURS = {"gateway": BLUE, "grpc": SKY, "grpc-unchecked": GREEN, "curl-gateway": GREY, "curl-grpc": GREY}
LIMIT = 64  # MiB

WIDTH, ROW, LEFT = 1000, 26, 300


def plot(results: Results) -> str:
    """The whole SVG file."""
    bars = 70 + ROW * len(results.ways)
    drawing = Drawing(WIDTH, bars + 360)
    _bars(drawing, results)
    top, height = bars + 50, 230
    points = sorted(results.sizes.items())
    times: dict[str, list[tuple[float, float]]] = {
        name: [(size, seconds(costs[name]).middle) for size, costs in points] for name in COLOURS}
    peaks: dict[str, list[tuple[float, float]]] = {
        name: [(size, peak(costs[name])) for size, costs in points] for name in ("gateway", "grpc", "grpc-unchecked")}
    Chart(drawing, 60, top, 420, height, times).draw("Seconds by size of the database")
    memory = Chart(drawing, 560, top, 420, height, peaks, at_least=LIMIT * 1.25)
    memory.draw("Peak memory by size of the database, MiB")
    memory.limit(LIMIT, "limit")
    _legend(drawing, 60, top + height + 62)
    return drawing.svg()


def _bars(drawing: Drawing, results: Results) -> None:
    drawing.text(20, 32, f"Seconds to back up {results.size / MEGABYTE:,.0f} MB: median and range", size=16, bold=True)
    longest = max(cost.seconds for costs in results.comparison.values() for cost in costs)
    scale = (WIDTH - LEFT - 90) / longest
    for number, way in enumerate(results.ways):
        spread = seconds(results.comparison[way.name])
        y = 50 + ROW * number
        middle = y + ROW * 0.45
        colour = BLUE if way.is_ours else GREY if way.floor == way.name else ORANGE
        drawing.text(LEFT - 10, middle + 4, way.title.strip("*"), anchor="end", bold=way.is_ours)
        drawing.bar(LEFT, y + 3, spread.middle * scale, ROW - 8, colour)
        drawing.line((LEFT + spread.lowest * scale, middle), (LEFT + spread.highest * scale, middle), width=1.5)
        drawing.text(LEFT + spread.highest * scale + 8, middle + 4, f"{spread.middle:.2f}")


def _legend(drawing: Drawing, x: float, y: float) -> None:
    for label, colour, dashed in (
        ("etcd-backup, gateway", BLUE, False), ("etcd-backup, gRPC", SKY, False),
        ("etcd-backup, gRPC, pages not checked", GREEN, False), ("curl to nowhere", GREY, True),
    ):
        drawing.line((x, y - 4), (x + 28, y - 4), colour=colour, width=2.5, dashed=dashed)
        drawing.text(x + 36, y, label)
        x += 70 + 7.5 * len(label)


class Chart:
    """Lines over the size of the database; both axes begin at zero, so that a straight line through it is linear."""

    def __init__(
        self, drawing: Drawing, left: float, top: float, width: float, height: float,
        lines: dict[str, list[tuple[float, float]]], at_least: float = 0,
    ):
        self._drawing = drawing
        self._left, self._top, self._width, self._height = left, top, width, height
        self._lines = lines
        points = [point for line in lines.values() for point in line]
        self._most_x = max(x for x, _ in points)
        self._most_y = max([at_least, *(y for _, y in points)])

    def draw(self, title: str) -> None:
        right, bottom = self._left + self._width, self._top + self._height
        self._drawing.text(self._left, self._top - 16, title, size=14, bold=True)
        for tick in ticks(self._most_y):
            _, y = self._place(0, tick)
            self._drawing.line((self._left, y), (right, y), colour=FAINT)
            self._drawing.text(self._left - 8, y + 4, f"{tick:g}", anchor="end", size=12)
        for tick in ticks(self._most_x / MEGABYTE):
            x, _ = self._place(tick * MEGABYTE, 0)
            self._drawing.line((x, bottom), (x, bottom + 5))
            self._drawing.text(x, bottom + 20, f"{tick:,.0f}" + (" MB" if tick == 0 else ""), anchor="middle", size=12)
        self._drawing.line((self._left, bottom), (right, bottom))
        for name, line in self._lines.items():
            points = [self._place(x, y) for x, y in line]
            self._drawing.line(*points, colour=COLOURS[name], width=2.5, dashed=COLOURS[name] == GREY)
            for x, y in points:
                self._drawing.dot(x, y, COLOURS[name])

    def limit(self, value: float, label: str) -> None:
        x, y = self._place(0, value)
        self._drawing.line((x, y), (x + self._width, y), colour=ORANGE, width=1.5, dashed=True)
        self._drawing.text(x + self._width, y - 6, label, anchor="end", size=12)

    def _place(self, x: float, y: float) -> tuple[float, float]:
        return (self._left + self._width * x / self._most_x,
                self._top + self._height * (1 - y / self._most_y))


def ticks(most: float) -> list[float]:
    """From zero in steps of 1, 2 or 5 times a power of ten; about five of them."""
    power = 10.0
    while power * 10 <= most:
        power *= 10
    while power > most:
        power /= 10
    step = next(step for step in (power / 5, power / 2, power, power * 2, power * 5) if most / step <= 6)
    return [step * number for number in range(int(most / step) + 1)]
