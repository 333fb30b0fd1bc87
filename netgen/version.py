"""The version of netgen, for whoever writes it down: packaging, headers of emitted files, reports."""

__version__ = "0.1.0"
