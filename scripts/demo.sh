#!/bin/bash
# SPDX-License-Identifier: AGPL-3.0-or-later
#
# NanoScale on any machine, for a look: installed by scripts/install.sh in a container with its own systemd, the sample Next.js app deployed
# in it from a git URL, its page fetched through nginx. Runs until Ctrl-C and leaves nothing behind (a cached image below /var/cache apart).
# --check ends by itself: exit code 0 only if the page was served. The work is done by tests/system/nodes/demo.py.
set -euo pipefail
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8
ROOT=$(cd "$(dirname "$0")/.." && pwd)

case ${1:-} in
'' | --check | --help | -h) ;;
*)
        echo 'usage: scripts/demo.sh [--check]' >&2
        exit 2
        ;;
esac
if [ "$(id -u)" != 0 ]; then
        echo 'scripts/demo.sh needs root: it boots a container. Run it again as root.' >&2
        exit 1
fi
if [ ! -x /usr/bin/python3 ]; then
        apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends python3 git
fi
export PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PYTHONPATH=$ROOT/tests/system
exec /usr/bin/python3 -m nodes.demo "$@"
