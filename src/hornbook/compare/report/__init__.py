"""The report of a race: one HTML file that needs nothing else."""

from hornbook.compare.report.page import render

__all__ = ["render"]
