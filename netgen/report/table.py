"""Tables for the terminal whose last row has the totals."""

from rich import box
from rich.table import Table

__all__ = ["totals_table"]


def totals_table(*, footer: bool = True) -> Table:
    """An empty table without frames whose footer is set apart; nine columns of seven digits fit into 80 characters.

    Args:
        footer: whether there is one.
    """
    return Table(
        box=box.SIMPLE_HEAD,
        show_footer=footer,
        footer_style="bold",
        header_style="dim",
        pad_edge=False,
        collapse_padding=True,
    )
