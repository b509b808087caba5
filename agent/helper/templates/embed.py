#!/usr/bin/python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Writes the templates as C strings: embed.py OUTPUT FILE … Lines that start with `#!` are for readers of the template and are left out."""
import pathlib
import re
import sys

output, *inputs = map(pathlib.Path, sys.argv[1:])
lines = ['/* Made by embed.py. */', '#include "helper/render.h"', '']
for path in inputs:
    lines.append(f'const char template_{re.sub("[^a-z]", "_", path.name)}[] =')
    for line in path.read_text(encoding='ascii').splitlines():
        if not line.startswith('#!'):
            line = line.replace('\\', '\\\\').replace('"', '\\"')
            lines.append(f'        "{line}\\n"')
    lines[-1] += ';'
output.write_text('\n'.join(lines) + '\n', encoding='ascii')
