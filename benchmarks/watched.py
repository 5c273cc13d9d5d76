"""python -m benchmarks.watched STOP_AFTER_S COMMAND...: run a command and print what was seen of it, as JSON.

A small process of its own, because Linux counts what a parent holds when it starts a child into the child's peak.
STOP_AFTER_S 0 lets the command end by itself.
"""

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

KIB_PER_MIB = 1024.0


def main(stop_after_s: float, command: list[str]) -> None:
    start_ns = time.perf_counter_ns()

    def elapsed_s() -> float:
        return (time.perf_counter_ns() - start_ns) / 1e9

    with subprocess.Popen(  # noqa: S603  # what benchmarks.process puts together
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        output = process.stdout
        first_line = b"" if output is None else output.readline()
        first_line_s, now_mib = elapsed_s(), 0.0
        drain = threading.Thread(target=lambda: None if output is None else output.read())
        drain.start()
        if stop_after_s:
            time.sleep(max(0.0, stop_after_s - elapsed_s()))
            now_mib = resident_mib(process.pid)
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        _, status, usage = os.wait4(process.pid, 0)
        whole_s = elapsed_s()
        process.returncode = os.waitstatus_to_exitcode(status)
        drain.join()
    seen = {
        "code": process.returncode, "spoke": bool(first_line), "first_line_s": first_line_s, "whole_s": whole_s,
        "peak_mib": usage.ru_maxrss / KIB_PER_MIB, "now_mib": now_mib,
    }  # fmt: skip
    print(json.dumps(seen))


def resident_mib(pid: int) -> float:
    """Memory a process holds now; 0 when it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    held = [line.split()[1] for line in lines if line.startswith("VmRSS:")]
    return float(held[0]) / KIB_PER_MIB if held else 0.0


if __name__ == "__main__":
    main(float(sys.argv[1]), sys.argv[2:])
