"""What a board answered to test samples, as data for the report."""

from dataclasses import dataclass

__all__ = ["HostReport"]


@dataclass(frozen=True)
class HostReport:
    """Test samples on a board, beside the same samples in integers.

    Attributes:
        name: of the build; board: by its name in netgen.
        port: of this computer, or `loopback` for the wrapper in Icarus.
        samples: that were sent; origin: what they are.
        equal: samples whose answer, every score and the class, is that of `evaluate`.
        difference: the first one that is not, in words; empty for none.
        accuracy: of the board; expected: of `evaluate`. None without labels, or where the circuit gives no class.
        seconds: from the first bit to the last answer, on the board's clock for `loopback`.
        baud: bits in a second on the line.
    """

    name: str
    board: str
    port: str
    samples: int
    origin: str
    equal: int
    difference: str
    accuracy: float | None
    expected: float | None
    seconds: float
    baud: float

    @property
    def samples_per_second(self) -> float:
        """The rate of the board with its serial line."""
        return self.samples / self.seconds
