"""The nouns and plain functions of the hardware.

| file | content |
|---|---|
| `kinds` | the kinds of operators; to add a kind, begin there |
| `graph`, `file` | operators in order, their evaluation, and their JSON |
| `names`, `schedule`, `wiring`, `cost` | their names, clock cycles, sites and FPGA resources |
| `prove` | the proof that a graph computes its circuit; no code in common with `netgen.lower` |
| `forms`, `symbols`, `wanted`, `tournament` | its parts: functions, those of operators, those of neurons, the class |
| `design` | the hardware of a circuit, as the HDL writers and simulators exchange it |

Import from the modules: this package loads none of them.
"""
