"""Holdfast: the calendar that cannot double-book."""

__version__ = "0.1.0"
