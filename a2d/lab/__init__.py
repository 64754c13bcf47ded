"""The laboratory: recipes, trained models, runs, and what a lecture's cells use (set-up, figures, numbers)."""

from a2d.lab.answers import written
from a2d.lab.notebook import Finding, environment, record, results, setup, show

__all__ = ["Finding", "environment", "record", "results", "setup", "show", "written"]
