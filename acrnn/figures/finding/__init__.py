"""Findings as a page for a browser: one file that needs no server, no internet and no library.

`picture` draws a clip as PNG and SVG, `page` puts the file together from `finding.html`, its style and its script.
"""

from acrnn.figures.finding.page import LONGEST_S, Finding, findings_html, write_findings

__all__ = ["LONGEST_S", "Finding", "findings_html", "write_findings"]
