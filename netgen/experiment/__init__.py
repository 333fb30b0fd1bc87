"""Experiments: tables that answer a question, from trials that are identified by their specs, run once and kept."""

from netgen.experiment.energy import compare_energy
from netgen.experiment.experiment import EXPERIMENTS, Experiment, run

__all__ = ["EXPERIMENTS", "Experiment", "compare_energy", "run"]
