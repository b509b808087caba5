#!/usr/bin/python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Writes the migrations as a C table: embed.py OUTPUT NNNN_name.sql … The numbers must be 1, 2, 3, … without a gap."""
import pathlib
import re
import sys

output, *inputs = map(pathlib.Path, sys.argv[1:])
lines = ['/* Made by embed.py. */', '#include "store/internal.h"', '', 'const Migration store_migrations[] = {']
for wanted, path in enumerate(inputs, 1):
    match = re.fullmatch(r'(\d{4})_([a-z0-9_]+)\.sql', path.name)
    if not match or int(match[1]) != wanted:
        sys.exit(f'{path}: migration {wanted:04} is expected here, named {wanted:04}_WORDS.sql')
    lines.append(f'        {{ "{match[2]}",')
    for line in path.read_text(encoding='ascii').splitlines():
        line = line.replace('\\', '\\\\').replace('"', '\\"')
        lines.append(f'          "{line}\\n"')
    lines.append('        },')
lines += ['};', f'const size_t store_n_migrations = {len(inputs)};', '']
output.write_text('\n'.join(lines), encoding='ascii')
