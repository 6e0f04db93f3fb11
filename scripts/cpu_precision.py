"""Print the faster training precision of this CPU: `python scripts/cpu_precision.py`.

bfloat16 needs the processor's own instructions; emulated it is several times slower than float32.
"""

from pathlib import Path

BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16"}


def cpu_flags(cpuinfo: Path = Path("/proc/cpuinfo")) -> set[str]:
    """Features that Linux reports of the first processor; none elsewhere."""
    if not cpuinfo.is_file():
        return set()
    lines = cpuinfo.read_text(encoding="utf-8").splitlines()
    flags = (line.partition(":")[2] for line in lines if line.startswith("flags"))
    return set(next(flags, "").split())


if __name__ == "__main__":
    print("bf16-mixed" if cpu_flags() & BFLOAT16_FLAGS else "32-true")
