#!/usr/bin/python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The scripts that each page of a build of the dashboard asks for in its HTML, compressed: no page may need more than the budget."""
import gzip
import re
import sys
import tarfile

BUDGET = 260 * 1024

with tarfile.open(sys.argv[1]) as tar:
    files = {m.name: tar.extractfile(m).read() for m in tar if m.isfile()}
pages = [name for name in sorted(files) if name.endswith('.html')]
assert len(pages) >= 5, pages
over = []
for page in pages:
    tags = re.findall(r'<script([^>]*)\ssrc="/([^"]+)"([^>]*)>', files[page].decode())
    scripts = {path for before, path, after in tags if 'nomodule' not in (before + after).lower()}
    assert scripts, page
    size = sum(len(gzip.compress(files[path], 9)) for path in scripts)
    print(f'{page}: {len(scripts)} scripts, {size / 1024:.1f} KiB')
    if size > BUDGET:
        over.append(page)
if over:
    sys.exit(f'over {BUDGET >> 10} KiB: {", ".join(over)}')
