# SPDX-License-Identifier: AGPL-3.0-or-later
"""Running programs: always an argument list, always a small environment of our own, never a shell."""
import os
import signal
import subprocess
import sys
import time

# The machine's environment is not passed on: variables such as GIT_SSL_CAINFO or SSL_CERT_FILE would change what programs in a node do.
ENVIRONMENT = {
    'PATH': '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    'HOME': '/root',
    'LANG': 'C.UTF-8',
    'TERM': 'dumb',
    'DEBIAN_FRONTEND': 'noninteractive',
}


# How long is waited for what must come. Only a hang takes so long, so it is far more than a busy machine needs.
PATIENCE = 180


class CommandFailed(Exception):
    """A program ended with another code than 0; the message has its last lines, so that a test's report is readable."""

    def __init__(self, argv, result):
        self.result = result
        text = f'{" ".join(map(str, argv))}\nexit code {result.returncode}'
        for name in ('stdout', 'stderr'):
            lines = (getattr(result, name) or '').splitlines()[-40:]
            if lines:
                text += f'\n{name}:\n  ' + '\n  '.join(lines)
        super().__init__(text)


class Result:
    def __init__(self, returncode, stdout, stderr):
        self.returncode, self.stdout, self.stderr = returncode, stdout, stderr

    @property
    def ok(self):
        return self.returncode == 0

    def __repr__(self):
        return f'Result({self.returncode}, {self.stdout[-200:]!r}, {self.stderr[-200:]!r})'


def say(text):
    """One line of progress. On stderr, so that it does not mix with what a program is asked to print."""
    print(f'  {text}', file=sys.stderr, flush=True)


class timed:
    """with timed('booting'): prints the line and how long it took, also when it failed."""

    def __init__(self, text):
        self.text = text

    def __enter__(self):
        self.start = time.monotonic()
        say(f'{self.text} …')
        return self

    def __exit__(self, kind, *_):
        say(f'{self.text}: {"failed after " if kind else ""}{time.monotonic() - self.start:.1f} s')


def run(argv, check=True, input=None, timeout=120, env=None, cwd=None, stream=None, binary=False):
    """Runs argv and returns a Result. `stream`: a file that stdout and stderr go to while it runs (then both are '' in the Result).

    The whole process group is ended when the time is up: nsenter leaves its child behind otherwise."""
    argv = [str(a) for a in argv]
    output = stream if stream is not None else subprocess.PIPE
    errors = subprocess.STDOUT if stream is not None else subprocess.PIPE
    if isinstance(input, str):
        input = input.encode()
    process = subprocess.Popen(argv, stdin=subprocess.PIPE if input is not None else subprocess.DEVNULL, stdout=output, stderr=errors,
                               env={**ENVIRONMENT, **(env or {})}, cwd=cwd, start_new_session=True)
    try:
        out, err = process.communicate(input, timeout)
    except BaseException as error:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        try:
            out, err = process.communicate(timeout=2)
        except subprocess.TimeoutExpired as late:
            # Someone else holds the pipes, such as the shared ssh connection of a virtual machine that hangs.
            out, err = late.stdout, late.stderr
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe:
                    pipe.close()
        if isinstance(error, subprocess.TimeoutExpired):
            text = ((out or b'') + (err or b'')).decode(errors='replace')[-2000:]
            raise TimeoutError(f'{" ".join(argv)}: not done after {timeout} s\n{text}') from None
        raise
    if not binary:
        out, err = (out or b'').decode(errors='replace'), (err or b'').decode(errors='replace')
    result = Result(process.returncode, out, err)
    if check and process.returncode != 0:
        if binary:
            result = Result(process.returncode, '', (err or b'').decode(errors='replace'))
        raise CommandFailed(argv, result)
    return result


def wait_until(question, timeout=PATIENCE, every=0.05, what='the condition'):
    """Asks until the answer is true and returns it; a question that raises counts as not yet true. timeout: for what may take longer than PATIENCE,
    which is the least: how fast something is, no test can say."""
    timeout = max(timeout, PATIENCE)
    end, last = time.monotonic() + timeout, None
    while True:
        try:
            answer = question()
            if answer:
                return answer
        except (OSError, CommandFailed, AssertionError) as error:
            last = error
        if time.monotonic() >= end:
            raise TimeoutError(f'{what} did not come true within {timeout} s' + (f'; last: {last}' if last else ''))
        time.sleep(every)


def until_interrupted():
    """Returns on Ctrl-C, and on SIGTERM and SIGHUP, which a lab turns into the same."""
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        pass
