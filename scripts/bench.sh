#!/bin/bash
# SPDX-License-Identifier: AGPL-3.0-or-later
#
# Measures NanoScale on a real node; see --help and docs/benchmarks.md. The last line of the output is one JSON object.
set -euo pipefail
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8
ROOT=$(cd "$(dirname "$0")/.." && pwd)
readonly ROOT
# The nodes bring what they need themselves (tests/system/nodes/machine.py).
readonly PACKAGES=(python3 git wrk gcc libc6-dev util-linux)

usage() {
        cat <<'TEXT'
usage: scripts/bench.sh NAME            measure
       scripts/bench.sh NAME --short    once and briefly, to see that the benchmark works; its figures mean little
       scripts/bench.sh --list          what there is, and what it should reach

Everything runs in containers on this machine: nothing is measured over a network, and no load leaves the machine. Progress goes to standard
error. The exit code is 0 when the measurement was done, whatever it says: on a shared machine a figure is for people to read.
TEXT
}

case ${1:---help} in
--help | -h)
        usage
        exit 0
        ;;
--list)
        set -- --list
        ;;
-*)
        usage >&2
        exit 2
        ;;
*)
        if [ "$(id -u)" != 0 ]; then
                echo 'scripts/bench.sh needs root: it boots containers. Run it again as root.' >&2
                exit 1
        fi
        # dpkg-query fails for a package that it never heard of.
        missing=$({ dpkg-query -W -f '${Package} ${db:Status-Status}\n' "${PACKAGES[@]}" 2>/dev/null || true; } |
                awk '$2 == "installed" { print $1 }' | sort | comm -13 - <(printf '%s\n' "${PACKAGES[@]}" | sort))
        if [ -n "$missing" ]; then
                echo "installing: ${missing//$'\n'/ }" >&2
                # shellcheck disable=SC2086 # one word a package
                { apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends $missing; } >&2 </dev/null
        fi
        ;;
esac
export PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PYTHONPATH=$ROOT/tests/system
exec /usr/bin/python3 "$ROOT/tests/bench/run.py" "$@"
