"""Published figures of energy and accuracy, each with its conditions and source, to stand beside netgen's own."""

from dataclasses import dataclass

from netgen.ir.energy import Picojoules

__all__ = ["PUBLISHED", "Published"]


@dataclass(frozen=True)
class Published:
    """A published figure.

    Attributes:
        name: of the design, as short as a label.
        task: the data set, and the network where it is known.
        accuracy: 0 to 1, on test data; None where none is published beside the energy.
        picojoules: of one sample; None for a figure that is relative.
        relative: energy against the same network without the technique; empty for an absolute figure.
        conditions: how the energy was found.
        source: where it is published. Every one was read.
    """

    name: str
    task: str
    accuracy: float | None
    picojoules: Picojoules | None
    relative: str
    conditions: str
    source: str


_TINY = "MLPerf Tiny v1.3, closed division, STMicroelectronics, {0}: median of five runs in energy/results.txt"
_BOARD = "the whole microcontroller, measured by the benchmark's energy runner, one sample at a time"


def _tiny(name: str, task: str, accuracy: float, microjoules: float, board: str, place: str) -> Published:
    energy = 1e6 * microjoules
    return Published(name, task, accuracy, (energy, energy), "", f"{board}: {_BOARD}", _TINY.format(place))


PUBLISHED: tuple[Published, ...] = (
    Published(
        "logic gates, Sky130",
        "MNIST, differentiable logic gate network",
        0.97,
        (83.88e9 / 41.8e6, 83.88e9 / 41.8e6),
        "",
        "130 nm, hard macro laid out, power analysed after layout in simulation: 83.88 mW at 41.8 million images/s",
        "Silicon Aware Neural Networks, arXiv 2604.19334, 2026",
    ),
    _tiny("MCU, keywords", "Speech Commands, DS-CNN", 0.902, 245.3412, "STM32U385", "NUCLEO_U385RG_Q/kws"),
    _tiny("MCU, persons", "Visual Wake Words, MobileNet", 0.852, 518.9761, "STM32U385", "NUCLEO_U385RG_Q/vww"),
    _tiny("MCU, images", "CIFAR-10, ResNet-8", 0.87, 965.5817, "STM32U385", "NUCLEO_U385RG_Q/ic"),
    _tiny("older MCU, images", "CIFAR-10, ResNet-8", 0.87, 5495.915, "STM32L4R5", "NUCLEO_L4R5ZI-P/ic"),
    Published(
        "EnergyNet, CIFAR-10",
        "CIFAR-10, residual network with learned skips",
        None,
        None,
        "up to 40 % less at the same accuracy; up to 27 % less with 0.7 points more",
        "computation and data movement, by the paper's model of energy",
        "Wang et al., EnergyNet, NIPS 2018 workshop CDNNRIA, abstract",
    ),
    Published(
        "EnergyNet, Tiny ImageNet",
        "Tiny ImageNet, residual network with learned skips",
        None,
        None,
        "up to 65 % less at the same accuracy; up to 50 % less with 1.0 points more (top 5)",
        "computation and data movement, by the paper's model of energy",
        "Wang et al., EnergyNet, NIPS 2018 workshop CDNNRIA, abstract",
    ),
)
"""MLPerf Tiny states accuracies on the benchmark's own subsets of the test data."""
