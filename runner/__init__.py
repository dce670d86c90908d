"""Traspaso's runner: moves a legacy database phase by phase and proves that nothing was lost."""

__version__ = "0.1.0"
