"""The version of netgen, which packaging, headers of emitted files and reports name."""

__version__ = "0.1.0"
