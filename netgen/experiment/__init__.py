"""Experiments: tables that answer a question, from trials that are run once, kept, and told apart by their specs."""

from netgen.experiment.experiment import EXPERIMENTS, Experiment, run

__all__ = ["EXPERIMENTS", "Experiment", "run"]
