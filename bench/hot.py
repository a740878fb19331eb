"""Where the time goes: the functions that a py-spy profile (`--profile`) found most often.

python -m bench.hot PROFILE [LINES]
"""

import sys
from collections import Counter
from pathlib import Path


def main(path: Path, lines: int) -> None:
    """Shares of all samples: on top of the stack, and anywhere in it."""
    own: Counter[str] = Counter()
    whole: Counter[str] = Counter()
    for line in path.read_text().splitlines():
        stack, _, samples = line.rpartition(" ")
        frames = stack.split(";")
        own[frames[-1]] += int(samples)
        for frame in set(frames):
            whole[frame] += int(samples)
    for title, found in (("on top", own), ("anywhere", whole)):
        print(f"-- {title}")
        for frame, times in found.most_common(lines):
            print(f"{times / own.total():6.1%}  {frame}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 30)
