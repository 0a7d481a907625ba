# SPDX-License-Identifier: Apache-2.0
"""What the helper's tests share: containers of their own, the probe in them, and the helper's own processes. Runs in with-airlock."""
import ctypes
import fcntl
import glob
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
for _folder in ('../lib', '../harness'):
    sys.path.insert(0, os.path.normpath(os.path.join(HERE, _folder)))

import cgroups
import engines
from airlock_wire import *
from check import contains, equal, fail, main, service_test, setup, skip, test, within
from check import BUILD, SETUID

WORLD = os.environ.get('AIRLOCK_TEST_DIR', '/nonexistent')
CGROUP = os.environ.get('AIRLOCK_CGROUP', '/nonexistent')
HYBRID = CGROUP.endswith('/unified')
CEILING = '/run/airlock-test/etc/ceiling.conf'
LOG = '/run/airlock-test/log/helper.log'
PROBE = BUILD + '/tests/helper/probe'
CAP = {name: 1 << i for i, name in enumerate(
    'CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST '
    'NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE '
    'SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG '
    'WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE'.split())}


def status_of(pid):
    """/proc/PID/status as a dictionary of texts."""
    with open(f'/proc/{pid}/status') as f:
        return dict(line.rstrip('\n').split(':\t', 1) for line in f if ':\t' in line)


def cgroup_lines(pid):
    """{'' or controllers: path}"""
    with open(f'/proc/{pid}/cgroup') as f:
        return {line.split(':')[1]: line.rstrip('\n').split(':', 2)[2] for line in f}


def is_alive(pid):
    try:
        return status_of(pid)['State'][0] not in 'ZX'
    except (OSError, KeyError):
        return False


class Target:
    """A container by its init's pid, and commands in it."""

    def __init__(self, name, pid, root):
        self.name, self.pid, self.root = name, pid, root

    def session(self, argv, streams=(None, None, None), filter_fd='all', extra=(), sock=None, **plan):
        own = filter_fd == 'all'
        fd = allow_all() if own else filter_fd
        try:
            return Session(Plan(self.pid, argv, **plan), self.pid, filter_fd=fd, streams=streams, extra=extra, sock=sock)
        finally:
            if own:
                os.close(fd)

    def run(self, argv, stdin=b'', **how):
        """(status of wait(2) as waitstatus_to_exitcode has it, stdout, stderr)"""
        s = self.session(argv, **how)
        try:
            s.started()
            if s.stdin is not None and stdin:
                os.write(s.stdin, stdin)
            s.close_stdin()
            out = read_all(s.stdout) if s.stdout is not None else b''
            err = read_all(s.stderr) if s.stderr is not None else b''
            return s.exited().code, out.decode(errors='replace'), err.decode(errors='replace')
        finally:
            s.close()

    def see(self, **how):
        code, out, err = self.run(['/bin/probe'], **how)
        if code:
            fail(f'the probe ended with {code}: {err}')
        return json.loads(out)

    def probe(self, *argv, **how):
        """A verb that prints one JSON object; None where it was ended by a signal."""
        code, out, err = self.run(['/bin/probe', *map(str, argv)], **how)
        return json.loads(out) if code == 0 and out else (None if code < 0 else fail(f'probe {argv} ended with {code}: {err}'))

    def refusal(self, argv=('true',), **how):
        s = self.session(list(argv), **how)
        try:
            started = s.started()
        except Refused as why:
            return why
        finally:
            s.close()
        fail(f'it was started as process {started.pid}')

    def refused(self, reason, argv=('true',), err=None, step=None, **how):
        why = self.refusal(argv, **how)
        equal(why.reason, reason, f'reason ({why})')
        if err is not None:
            equal(why.err, err, 'errno')
        if step is not None:
            equal(why.step, step, 'step')
        return why

    def sessions(self):
        """The cgroups of running sessions, below the target's."""
        return sorted(glob.glob(CGROUP + cgroup_lines(self.pid)[''] + '/airlock-*'))

    def end(self):
        try:
            os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        within(5, lambda: not is_alive(self.pid), f'the end of {self.name}')


def install_probe(root):
    shutil.copy(PROBE, root + '/bin/probe')
    os.chmod(root + '/bin/probe', 0o755)


def demo(name='demo'):
    """A container that the harness has made."""
    bundle = f'{WORLD}/bundle/{name}'
    if os.path.exists(bundle + '/pid'):
        pid = int(open(bundle + '/pid').read())
    else:
        state = subprocess.run(['runc', 'state', name], capture_output=True, text=True, check=True)
        pid = json.loads(state.stdout)['pid']
    install_probe(bundle + '/rootfs')
    return Target(name, pid, bundle + '/rootfs')


def container(name, userns=False, args=None, change=None, cgroup=None, **process):
    """One more container by crun; change(config) may bend its configuration."""
    bundle = f'{WORLD}/bundle/{name}'
    root = bundle + '/rootfs'
    engines.make_root(root, engines.SUB_ID if userns else 0)
    install_probe(root)
    path = cgroup or '/targets/' + name
    config = engines.bundle_config(root, path, userns, args, **process)
    if change:
        change(config)
    with open(bundle + '/config.json', 'w') as f:
        json.dump(config, f)
    command = [shutil.which('crun'), 'run', '-d', '-b', bundle, '--pid-file', bundle + '/pid', name]
    log = f'{bundle}/log'
    if HYBRID:
        engines.call(log, 'unshare', '--mount', '--propagation', 'private', sys.executable, '-s', engines.__file__, 'in-v2', *command)
    else:
        engines.call(log, *command)
    pid = int(open(bundle + '/pid').read())
    if HYBRID:
        cgroups.join_v1(pid, path)
    return Target(name, pid, root)


# --- the helper's own processes

def parent(pid):
    return int(status_of(pid)['PPid'])


def helper_cgroup():
    return CGROUP + '/airlock-helper'


def helper_pids():
    found = []
    for procs in glob.glob(helper_cgroup() + '/**/cgroup.procs', recursive=True):
        try:
            with open(procs) as f:
                found += [int(line) for line in f]
        except OSError:
            pass
    return found


def listener():
    """The one whose cgroup carries its number; its orphans are children of process 1 too. A new one soon takes a dead one's place."""
    def look():
        for folder in glob.glob(helper_cgroup() + '/airlock-listener-*'):
            pid = int(folder.rsplit('-', 1)[1])
            if pid in helper_pids() and is_alive(pid):
                return pid
        return None
    return within(5, look, 'a listener')


def log_text():
    with open(LOG) as f:
        return f.read()


class LogMark:
    """What was written to the helper's log since."""

    def __init__(self):
        self.at = os.stat(LOG).st_size

    def text(self):
        with open(LOG) as f:
            f.seek(self.at)
            return f.read()

    def wait(self, part, seconds=5):
        within(seconds, lambda: part in self.text(), f'{part!r} in the log')
        return self.text()


class Helper:
    """A second listener, started as a test wants it: inherit() runs in the new process before the program does."""

    def __init__(self, name, inherit=lambda: None, environment=None, arguments=('airlock-helper',), fds=3, kind=socket.SOCK_SEQPACKET,
                 program='/run/airlock-test/libexec/airlock-helper', listening=True, listen_fds='1', listen_pid=None):
        self.path = f'{WORLD}/{name}.sock'
        self.log = f'{WORLD}/{name}.err'
        sock = socket.socket(socket.AF_UNIX, kind)
        sock.bind(self.path)
        os.chmod(self.path, 0o777)
        os.chmod(WORLD, 0o755)
        if listening:
            sock.listen(16)
        self.folder = f'{CGROUP}/airlock-{name}'
        os.makedirs(self.folder, exist_ok=True)
        sock.set_inheritable(True)
        self.pid = os.fork()
        if self.pid == 0:
            self._become(sock, inherit, environment, arguments, program, listen_fds, listen_pid)
        sock.close()

    def _become(self, sock, inherit, environment, arguments, program, listen_fds, listen_pid):
        try:
            with open(self.folder + '/cgroup.procs', 'w') as procs:
                procs.write('0')
            err = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.dup2(err, 2)
            high = fcntl.fcntl(sock.fileno(), fcntl.F_DUPFD, 100)
            os.dup2(high, 3)
            os.closerange(4, 1000)
            env = {'LISTEN_FDS': listen_fds, 'LISTEN_PID': str(listen_pid or os.getpid()), **(environment or {})}
            inherit()
            exec_raw(program, arguments, env)
        except BaseException as why:
            os.write(2, f'{why}\n'.encode())
        finally:
            os._exit(99)

    def said(self):
        try:
            with open(self.log) as f:
                return f.read()
        except FileNotFoundError:
            return ''

    def connect(self):
        return connect(self.path)

    def ended(self, seconds=5):
        """Its exit status, as waitstatus_to_exitcode has it."""
        def look():
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            return (os.waitstatus_to_exitcode(status),) if pid else None
        return within(seconds, look, 'the end of the helper')[0]

    def wait(self):
        """Until it has answered: an unknown operation is refused."""
        s = self.connect()
        send(s, head(99, 16, 0))
        kind, data, _ = receive(s, 5)
        s.close()
        equal((kind, Refused(data).reason if kind == REFUSED else None), (REFUSED, 'MSG_OP'), f'first answer ({self.said()})')
        return self

    def stop(self):
        """When it has cleared up after its sessions, as nobody would after it."""
        end = time.monotonic() + 2
        while is_alive(self.pid) and glob.glob(CGROUP + '/targets/*/airlock-*') and time.monotonic() < end:
            time.sleep(0.01)
        try:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass
        within(5, lambda: _remove_tree(self.folder), 'an empty cgroup')


def exec_raw(program, arguments, environment):
    """execve(2) without Python's opinion of what a list of arguments must have."""
    strings = lambda items: (ctypes.c_char_p * (len(items) + 1))(*[i.encode() for i in items], None)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.execve(program.encode(), strings(arguments), strings([f'{k}={v}' for k, v in environment.items()]))
    raise OSError(ctypes.get_errno(), 'execve')


def _remove_tree(folder):
    for path, _, _ in os.walk(folder, topdown=False):
        try:
            os.rmdir(path)
        except OSError:
            return False
    return True


_default_ceiling = None


def set_ceiling(text=''):
    """The default ceiling and these lines, read again by the running listener. '' restores it."""
    global _default_ceiling
    if _default_ceiling is None:
        with open(CEILING) as f:
            _default_ceiling = f.read()
    return write_ceiling(_default_ceiling + text, 'ceiling: read again')


def write_ceiling(text, answer):
    mark = None if SETUID else LogMark()
    with open(CEILING, 'w') as f:
        f.write(text)
    os.chmod(CEILING, 0o644)
    if SETUID:      # each connection's helper reads it itself
        return ''
    os.kill(listener(), signal.SIGHUP)
    return mark.wait(answer)


class ceiling:
    """with ceiling('AllowUid0=no\n'): …"""

    def __init__(self, text):
        self.text = text

    def __enter__(self):
        set_ceiling(self.text)

    def __exit__(self, *_):
        set_ceiling()


def open_fds(pid):
    """{number: what readlink says}"""
    found = {}
    for name in os.listdir(f'/proc/{pid}/fd'):
        try:
            found[int(name)] = os.readlink(f'/proc/{pid}/fd/{name}')
        except OSError:
            pass
    return found
