"""From data to a circuit, step by step: what builds and experiments both do.

The package imports none of its modules, so that a stage that needs the warnings does not depend on training.
"""
