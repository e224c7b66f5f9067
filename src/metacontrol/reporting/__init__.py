"""From fits to a page for readers: figures, tables, methods and references in one folder."""

from metacontrol.reporting.writing import report

__all__ = ["report"]
