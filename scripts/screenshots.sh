#!/bin/bash
# SPDX-License-Identifier: AGPL-3.0-or-later
#
# Makes the pictures of docs/ui-specification.md anew; see --help.
set -euo pipefail
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8
ROOT=$(cd "$(dirname "$0")/.." && pwd)
readonly ROOT
readonly PICTURES=$ROOT/docs/screenshots
readonly SPECIFICATION=$ROOT/docs/ui-specification.md
readonly MOST_BYTES=$((3 << 20))

usage() {
        cat <<'TEXT'
usage: scripts/screenshots.sh

Takes pictures of every page of the dashboard, in both themes, on a desktop's screen and on a phone's, as the browser of the system tests shows
them (tests/system/test_dashboard.py: an orchestrator and a worker are booted and used), and puts those that docs/ui-specification.md shows into
docs/screenshots with 256 colours. The pictures that are there are replaced when all is done; where a test fails, they stay. With
NANOSCALE_SCREENSHOTS=DIRECTORY, all of them stay there, too, as they were taken. Needs root and what scripts/test.sh needs.
TEXT
}

if [ $# != 0 ]; then
        usage
        case $1 in
        --help | -h) exit 0 ;;
        *) exit 2 ;;
        esac
fi
if [ "$(id -u)" != 0 ]; then
        echo 'scripts/screenshots.sh needs root: it boots containers. Run it again as root.' >&2
        exit 1
fi

WORK=$(mktemp -d)
trap 'rm -rf -- "$WORK"' EXIT
TAKEN=${NANOSCALE_SCREENSHOTS:-$WORK/taken}
NANOSCALE_SCREENSHOTS=$TAKEN "$ROOT/scripts/test.sh" test_dashboard
echo 'Making them small'
mkdir "$WORK/shown"
grep -o 'screenshots/[a-z0-9-]*\.png' "$SPECIFICATION" | sort -u | while IFS=/ read -r _ name; do
        cp -- "$TAKEN/$name" "$WORK/shown"
done
/usr/bin/python3 "$ROOT/scripts/lib/small_png.py" "$WORK/shown" "$WORK/small"
size=$(du -cb "$WORK"/small/*.png | tail -n 1 | cut -f 1)
if [ "$size" -gt "$MOST_BYTES" ]; then
        echo "The pictures have $size bytes, more than the $MOST_BYTES that the repository should carry. Nothing was changed." >&2
        exit 1
fi
rm -rf -- "$PICTURES"
mkdir -p -- "$PICTURES"
cp -- "$WORK"/small/*.png "$PICTURES"
echo "$(find "$PICTURES" -name '*.png' | wc -l) pictures, $((size / 1024)) KiB, in docs/screenshots"
