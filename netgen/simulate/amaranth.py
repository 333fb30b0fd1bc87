"""Amaranth's own simulator: interprets the component in Python, without any tool, for a few samples."""

from pathlib import Path

import numpy as np
from amaranth.hdl import ClockDomain, Module
from amaranth.sim import Simulator, SimulatorContext

from netgen.ir.fixed import Words
from netgen.operators.design import Design, Payloads, Simulated
from netgen.progress import Progress
from netgen.simulate.simulator import Cost


class Amaranth:
    """A `Simulator` without a build and without processes: `jobs` and `cache` make no difference."""

    cost = Cost(start=0.0, build=0.6e-3, run=25e-6, memory=20e3)
    """Processor seconds measured on 2026-11-26, on networks of 543, 2,119 and 13,284 wires: 0.4, 1.7 and 13 s to
    elaborate and translate; then 8, 40 and 500 ms a sample."""

    def is_built(self, design: Design, cache: Path | None) -> bool:
        """False: the component is translated anew in each run."""
        del design, cache
        return False

    def run(self, design: Design, inputs: Words, *, jobs: int, cache: Path | None, progress: Progress) -> Simulated:
        """Run samples, one in each clock cycle."""
        del jobs, cache
        return _run(design, inputs, progress)


AMARANTH = Amaranth()


def _run(design: Design, inputs: Words, progress: Progress) -> Simulated:
    top = design.component
    sent = [int.from_bytes(row.astype("<u4").tobytes(), "little") for row in design.pack_inputs(inputs)]
    taken: list[int] = []

    async def send(ctx: SimulatorContext) -> None:
        for payload in sent:
            ctx.set(top.i.valid, 1)
            ctx.set(top.i.payload.as_value(), payload)
            await ctx.tick().until(top.i.ready)
        ctx.set(top.i.valid, 0)

    async def take(ctx: SimulatorContext) -> None:
        ctx.set(top.o.ready, 1)
        for cycle in range(cycles := len(sent) + design.latency):
            _, _, valid, payload = await ctx.tick().sample(top.o.valid, top.o.payload.as_value())
            if valid:
                taken.append(payload)
            progress("simulate", (cycle + 1) / cycles)

    m = Module()
    m.domains.sync = ClockDomain()  # a pipeline without registers has none of its own
    m.submodules.top = top
    simulator = Simulator(m)
    simulator.add_clock(1e-6)
    simulator.add_testbench(send)
    simulator.add_testbench(take)
    simulator.run()
    row = -(-design.output_width // 32)
    joined = b"".join(payload.to_bytes(4 * row, "little") for payload in taken)
    received: Payloads = np.frombuffer(joined, dtype="<u4").reshape(-1, row).astype(np.uint32)
    return design.unpack_outputs(received)
