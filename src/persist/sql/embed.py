#!/usr/bin/env python3
"""embed.py OUT FILE...: each SQL file, named after its model, as a line of a C table."""
import json
import pathlib
import sys

lines = ["/* Made by embed.py from the SQL files of this folder. */"]
for name in sys.argv[2:]:
    path = pathlib.Path(name)
    text = [line for line in path.read_text().splitlines() if not line.startswith("--")]
    pieces = "\n".join(f"    {json.dumps(line + chr(10))}" for line in text)
    lines.append(f'{{"{path.stem}",\n{pieces}}},')
pathlib.Path(sys.argv[1]).write_text("\n".join(lines) + "\n")
