"""Where a Verilog text was edited."""

import pytest
from strategies import designed_as, random_circuit

from netgen.hdl import first_edit

WRITTEN = """// head
/* verilator lint_off WIDTH */
module top (
  input wire a
);

  wire b = ~a;  // 0 to 1
endmodule
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("// head\n", "// another\n// head\n"),
        ("/* verilator lint_off WIDTH */\n", ""),
        ("/* verilator lint_off WIDTH */\n", "/* one\ntwo */\n"),
        ("\n\n", "\n\n\n\n"),
        ("  wire b = ~a;", "wire\tb  =  ~a;   "),
        ("  // 0 to 1", ""),
        ("\n", "\r\n"),
        ("endmodule\n", "endmodule"),
    ],
)
def test_comments_and_spaces_are_no_code(old: str, new: str) -> None:
    assert old in WRITTEN
    assert first_edit(WRITTEN.replace(old, new), WRITTEN) is None


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("~a", "a", 7),
        ("// head\n", "// head\n// more\n", None),
        ("// head\n", "`define X\n// head\n", 1),
        ("  wire b = ~a;", "  // wire b = ~a;", 8),  # what should stand in line 7 is missing in front of line 8
        ("endmodule\n", "endmodule\nmodule more; endmodule\n", 9),
        ("  wire b = ~a;  // 0 to 1\nendmodule\n", "", 6),
        (WRITTEN, "", 1),
        ("/* verilator lint_off WIDTH */\n", "/* one\ntwo */ wire c;\n", 3),
    ],
)
def test_the_first_line_with_other_code_is_found(old: str, new: str, line: int | None) -> None:
    assert first_edit(WRITTEN.replace(old, new), WRITTEN) == line


def test_the_comments_that_a_spec_can_ask_for_are_no_edit() -> None:
    circuit = random_circuit((4, 3, 2), seed=8)
    plain, explained = designed_as(circuit).verilog, designed_as(circuit, comments=True).verilog
    assert plain != explained
    assert first_edit(explained, plain) is None
