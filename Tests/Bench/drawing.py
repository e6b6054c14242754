"""Just enough SVG for a plot: shapes and texts in pixels, with the origin at the top left."""

from xml.sax.saxutils import escape

INK, FAINT = "#24292f", "#d0d7de"


class Drawing:
    """Collects shapes; `svg()` is the file."""

    def __init__(self, width: int, height: int):
        self._size = width, height
        self._parts = [f'<rect width="{width}" height="{height}" fill="white"/>']

    def text(self, x: float, y: float, text: str, anchor: str = "start", size: int = 13, bold: bool = False) -> None:
        weight = ' font-weight="600"' if bold else ""
        self._parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{INK}"{weight}>{escape(text)}</text>')

    def bar(self, x: float, y: float, width: float, height: float, colour: str) -> None:
        self._parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{colour}"/>')

    def line(self, *points: tuple[float, float], colour: str = INK, width: float = 1, dashed: bool = False) -> None:
        dashes = ' stroke-dasharray="5 4"' if dashed else ""
        joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self._parts.append(
            f'<polyline points="{joined}" fill="none" stroke="{colour}" stroke-width="{width}"{dashes}/>')

    def dot(self, x: float, y: float, colour: str) -> None:
        self._parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>')

    def svg(self) -> str:
        width, height = self._size
        head = (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
                'font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif">')
        return "\n".join([head, *self._parts, "</svg>", ""])
