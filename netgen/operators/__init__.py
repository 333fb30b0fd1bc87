"""The nouns and plain functions of the hardware: operator graphs, their names, schedules, costs, wires and proofs."""
