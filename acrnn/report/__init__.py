"""Results → tables and texts for people: as Markdown in documents, as widgets on the page, as CSV.

Comes in: what `acrnn.results` read. Goes out: tables, frames and sentences. Imports results and what results may.
"""
