"""`python -m netgen.search.worker`: read one job per line, run it, and write one outcome per line.

The worker ends with its search, even if that is killed: when stdin closes, the running trial is dropped.
"""

import os
import queue
import sys
import threading


def main() -> None:
    """Work until stdin closes."""
    jobs: queue.SimpleQueue[str] = queue.SimpleQueue()
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # so that text which a library prints is not read as an outcome

    def listen() -> None:
        for line in sys.stdin:
            jobs.put(line)
        os._exit(1)

    threading.Thread(target=listen, daemon=True).start()
    from netgen.search.trial import run_text

    while True:
        print(run_text(jobs.get()), file=out, flush=True)


if __name__ == "__main__":
    main()
