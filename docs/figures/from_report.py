"""Figures of a report side by side in one SVG for README.md: from_report.py REPORT.html OUT.svg TITLE...

Each TITLE is the heading of a figure in the report. The picture brings its own background, and follows the reader's
light or dark scheme."""
import html
import re
import sys

WIDTH, HEIGHT, HEAD, GAP = 620, 390, 34, 24
STYLE = """.all { color: #1c2127; } .paper { fill: #ffffff; } .rule { stroke: #dde2e7; }
@media (prefers-color-scheme: dark) { .all { color: #e4e7ea; } .paper { fill: #14171b; } .rule { stroke: #2c333a; } }
text { font-family: system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif; } .gridline { opacity: 0.35; }"""


def panel(page, title, number):
    found = re.search(rf"<h4>{re.escape(html.escape(title))}</h4>.*?(<svg.*?</svg>)", page, re.S)
    if found is None:
        sys.exit(f"no figure '{title}' in the report")
    svg = re.sub(r"<title>.*?</desc>\s*", "", found[1], flags=re.S)
    svg = re.sub(r"gpPt", f"p{number}_gpPt", re.sub(r"id=([\"'])(?!gpPt)", rf"id=\1p{number}_", svg))
    x = GAP + number * (WIDTH + GAP)
    svg = svg.replace("<svg", f'<svg x="{x}" y="{HEAD}" width="{WIDTH}" height="{HEIGHT}"', 1)
    head = f'<text x="{x + 10}" y="{HEAD - 6}" font-size="17" font-weight="600" fill="currentColor">{html.escape(title)}</text>'
    return head + "\n" + re.sub(r"[ \t]+$", "", svg, flags=re.M)


def main(report, out, *titles):
    with open(report, encoding="utf-8") as file:
        page = file.read()
    width, height = GAP + len(titles) * (WIDTH + GAP), HEAD + HEIGHT + 12
    panels = "\n".join(panel(page, title, number) for number, title in enumerate(titles))
    with open(out, "w", encoding="utf-8") as file:
        file.write(f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
                   f'viewBox="0 0 {width} {height}" width="{width}" height="{height}">\n<style>\n{STYLE}\n</style>\n'
                   f'<rect class="paper rule" x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="10"/>\n'
                   f'<g class="all">\n{panels}\n</g>\n</svg>\n')


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
