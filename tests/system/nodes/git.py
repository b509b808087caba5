# SPDX-License-Identifier: AGPL-3.0-or-later
"""git.test: repositories over HTTPS with a certificate of a private authority, as a small git host serves them."""
import os
import pathlib

from .proc import run

NGINX_SITE = r'''# Only what a fetch needs is served; nothing can be pushed over HTTP.
server {
        listen 443 ssl;
        server_name git.test;
        ssl_certificate /etc/nginx/server.pem;
        ssl_certificate_key /etc/nginx/server.key;
        location ~ ^/[a-z0-9-]+\.git/(HEAD|info/refs|git-upload-pack)$ {
                include fastcgi_params;
                fastcgi_pass unix:/run/fcgiwrap.socket;
                fastcgi_read_timeout 120s;
                fastcgi_param SCRIPT_FILENAME /usr/lib/git-core/git-http-backend;
                fastcgi_param GIT_PROJECT_ROOT /srv/git;
                fastcgi_param GIT_HTTP_EXPORT_ALL "";
                fastcgi_param PATH_INFO $uri;
                fastcgi_param HTTP_GIT_PROTOCOL $http_git_protocol;
                # fcgiwrap runs as www-data, the repositories are root's.
                fastcgi_param GIT_CONFIG_COUNT 3;
                fastcgi_param GIT_CONFIG_KEY_0 safe.directory;
                fastcgi_param GIT_CONFIG_VALUE_0 "*";
                fastcgi_param GIT_CONFIG_KEY_1 uploadpack.allowFilter;
                fastcgi_param GIT_CONFIG_VALUE_1 true;
                fastcgi_param GIT_CONFIG_KEY_2 uploadpack.allowAnySHA1InWant;
                fastcgi_param GIT_CONFIG_VALUE_2 true;
        }
        location / {
                return 404;
        }
}
'''
SKIP = {'node_modules', '.next', '.git', '__pycache__'}


class Link(str):
    """A symbolic link as content of a file: {'up': Link('/etc/shadow')}."""


def files_of(directory):
    """{path: bytes} of a directory of the repository, such as examples/nextjs, without what a build leaves."""
    directory, files = pathlib.Path(directory), {}
    for parent, names, leaves in os.walk(directory):
        names[:] = [n for n in names if n not in SKIP]
        for leaf in leaves:
            path = pathlib.Path(parent) / leaf
            key = str(path.relative_to(directory))
            files[key] = Link(os.readlink(path)) if path.is_symlink() else path.read_bytes()
    return files


class GitServer:
    host = 'git.test'

    def __init__(self, lab, node):
        self.lab, self.node = lab, node
        self.trees = lab.directory / 'trees'
        self.trees.mkdir(exist_ok=True)

    def url(self, name):
        return f'https://{self.host}/{name}.git'

    def _bare(self, name):
        return self.node.root / 'srv/git' / f'{name}.git'

    def _git(self, name, *argv, env=None):
        return run(['git', '-C', self.trees / name, '-c', 'safe.directory=*', '-c', 'core.fsync=none', *argv],
                   env={'GIT_CONFIG_NOSYSTEM': '1', 'GIT_CONFIG_GLOBAL': '/dev/null', **(env or {})}).stdout.strip()

    def create_repo(self, name, files, branch='main', message='first', author='Ada Byron <ada@example.test>'):
        """A new repository with one commit; returns its hash. One of that name that another file's tests have left is gone."""
        self.remove_repo(name)
        bare = self._bare(name)
        run(['git', 'init', '-q', '--bare', f'--initial-branch={branch}', bare])
        run(['git', 'init', '-q', f'--initial-branch={branch}', self.trees / name])
        return self.push(name, files, message, author, branch)

    def push(self, name, files, message='change', author='Ada Byron <ada@example.test>', branch='main'):
        """A commit on `branch` (made from the present one where it is new); a file whose content is None is deleted. Returns the hash."""
        tree = self.trees / name
        if self._git(name, 'branch', '--list', branch):
            self._git(name, 'checkout', '-q', branch)
        elif self._git(name, 'branch', '--list'):
            self._git(name, 'checkout', '-q', '-b', branch)
        for path, content in files.items():
            target = tree / path
            if target.is_symlink() or target.exists():
                target.unlink()
            if content is None:
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, Link):
                target.symlink_to(content)
            else:
                target.write_bytes(content.encode() if isinstance(content, str) else content)
        who, mail = author.rsplit(' <', 1)
        person = {f'GIT_{role}_{field}': value for role in ('AUTHOR', 'COMMITTER') for field, value in (('NAME', who), ('EMAIL', mail.rstrip('>')))}
        # --force: files that the tree's own .gitignore names are wanted here all the same.
        self._git(name, 'add', '--all', '--force')
        self._git(name, 'commit', '-q', '--allow-empty', '--cleanup=verbatim', '-m', message, env=person)
        self._git(name, 'push', '-q', '--force', self._bare(name), f'HEAD:refs/heads/{branch}')
        return self._git(name, 'rev-parse', 'HEAD')

    def remove_repo(self, name):
        run(['rm', '-rf', self._bare(name), self.trees / name])
