# SPDX-License-Identifier: AGPL-3.0-or-later
"""scripts/test.sh --shell: nodes for a look around, up until Ctrl-C."""
import sys

from . import BASE_DOMAIN, REPOSITORY, Lab, files_of, new_artefacts, timed, until_interrupted


def main():
    with Lab(artefacts=new_artefacts()) as lab:
        with timed('booting the git server and a node with NanoScale'):
            git = lab.git
            node = lab.node('orch', 'installed')
        sample = REPOSITORY / 'examples/nextjs'
        example = ''
        if sample.is_dir():
            git.create_repo('shop', files_of(sample))
            example = f'''
    nanoscale deploy {git.url("shop")} --name shop
    and from this machine: curl --resolve shop.{BASE_DOMAIN}:80:{node.address} http://shop.{BASE_DOMAIN}/'''
        print(f'''
The nodes are up. A shell in one of them, from another terminal of this machine:
    {node.enter_script()}            (NanoScale, {node.address})
    {git.node.enter_script()}             (git server; repositories in /srv/git)
In the first one, for example:{example}
    journalctl -u nanoscale-agent -f

Ctrl-C removes everything.''', flush=True)
        until_interrupted()
        print('\nremoving the nodes', file=sys.stderr)


if __name__ == '__main__':
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
