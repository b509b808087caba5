# SPDX-License-Identifier: AGPL-3.0-or-later
"""Test nodes: Debian machines with systemd, in network namespaces of their own, on one machine. See ../README.md."""
from .cache import BASE_DOMAIN, REPOSITORY, configure, install, settings  # noqa: F401
from .git import Link, files_of  # noqa: F401
from .lab import Lab, new_artefacts  # noqa: F401
from .proc import CommandFailed, Result, run, say, timed, until_interrupted, wait_until  # noqa: F401
