# SPDX-License-Identifier: Apache-2.0
"""strace on all of the helper's processes and on what they start, to see what they call or to let calls fail."""
from lab import *


class Traced:
    """with Traced('-e', 'trace=fchown') as calls: …; then calls.lines()"""

    def __init__(self, *options):
        self.options, self.out = options, f'{WORLD}/strace.{os.urandom(4).hex()}'

    def __enter__(self):
        within(10, self._attach, 'a tracer of all')
        return self

    def _attach(self):
        """A supervisor that was made between the list and the tracer's start is not traced: then once more."""
        pids = [arg for pid in helper_pids() if is_alive(pid) for arg in ('-p', str(pid))]
        self.strace = subprocess.Popen(['strace', '-f', '-qq', '-y', '-s', '256', '-o', self.out, *self.options, *pids],
                                       stderr=subprocess.DEVNULL)
        end = time.monotonic() + 1
        while time.monotonic() < end:
            if self._attached():
                return True
            time.sleep(0.02)
        self.__exit__()
        return False

    def _attached(self):
        try:
            return all(status_of(pid)['TracerPid'] != '0' for pid in helper_pids() if is_alive(pid))
        except OSError:
            return False

    def __exit__(self, *_):
        self.strace.terminate()
        self.strace.wait()

    def lines(self):
        with open(self.out, errors='replace') as f:
            return f.read().splitlines()


def failing(call, error='EPERM'):
    """with failing('setresuid'): …"""
    return Traced('-e', 'trace=' + call, '-e', f'inject={call}:error={error}')


def calls_on(lines, name):
    """The system calls that name this file, pipe or socket as strace -y writes it."""
    found = set()
    for line in lines:
        match = re.match(r'^\d+\s+(\w+)\((.*)', line)
        if match and f'<{name}' in match[2]:
            found.add(match[1])
    return found
