#!/usr/bin/python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Writes the templates as C strings: embed.py OUTPUT FILE … A line `#!include NAME` stands for the lines of the file of that name beside it; other
lines that start with `#!` are for readers of the template and are left out."""
import pathlib
import re
import sys


def lines_of(path):
    for line in path.read_text(encoding='ascii').splitlines():
        if line.startswith('#!include '):
            yield from lines_of(path.parent / line.split()[1])
        elif not line.startswith('#!'):
            yield line


output, *inputs = map(pathlib.Path, sys.argv[1:])
text = ['/* Made by embed.py. */', '#include "helper/render.h"', '']
for path in inputs:
    text.append(f'const char template_{re.sub("[^a-z]", "_", path.name)}[] =')
    for line in lines_of(path):
        line = line.replace('\\', '\\\\').replace('"', '\\"')
        text.append(f'        "{line}\\n"')
    text[-1] += ';'
output.write_text('\n'.join(text) + '\n', encoding='ascii')
