# SPDX-License-Identifier: Apache-2.0
"""systemd's part: the folders of tmpfiles.d, both listening sockets, and services that are started with them and started again
when they die. What is done here stands for the units in systemd/; a difference between the two is a defect of one of them."""
import fcntl
import grp
import os
import pwd
import shutil
import signal
import socket
import time

TEST = '/run/airlock-test'
RUN, ETC, LIB, STATE, LOG, LIBEXEC = (TEST + '/' + name for name in ('run', 'etc', 'lib', 'state', 'log', 'libexec'))
BIN = TEST + '/bin'
# (folder, mode, user, group), as systemd/airlock.tmpfiles has them.
FOLDERS = (
        (RUN, 0o750, 'root', 'airlock'),
        (RUN + '/broker', 0o750, 'airlock', 'airlock'),
        (RUN + '/session', 0o700, 'airlock-session', 'airlock'),
        (RUN + '/relay', 0o700, 'airlock', 'airlock'),
        (STATE, 0o700, 'airlock', 'airlock'),
        (LOG, 0o700, 'root', 'root'),
        (ETC, 0o755, 'root', 'root'),
        (ETC + '/policy.d', 0o755, 'root', 'root'),
        (ETC + '/seccomp.d', 0o755, 'root', 'root'),
        (LIB, 0o755, 'root', 'root'),
        (LIB + '/policy.d', 0o755, 'root', 'root'),
        (LIB + '/seccomp.d', 0o755, 'root', 'root'),
        (LIBEXEC, 0o755, 'root', 'root'),
        (BIN, 0o755, 'root', 'root'),
)
PROGRAMS = (('broker/airlockd', LIBEXEC), ('helper/airlock-helper', LIBEXEC), ('relay/airlock-relay', LIBEXEC), ('cli/airlock', BIN))
NEEDED = 3                      # airlock-relay may be absent
QUICK_DEATHS = 5                # in a row: after these a restart waits a little
PAUSE = 0.08                    # seconds, below the promised 100 ms


def user_id(name):
        return pwd.getpwnam(name).pw_uid


def group_id(name):
        return grp.getgrnam(name).gr_gid


def make_folders():
        for folder, mode, user, group in FOLDERS:
                os.makedirs(folder, exist_ok=True)
                os.chown(folder, user_id(user), group_id(group))
                os.chmod(folder, mode)


def copy_programs(build, locks):
        """The source tree may be closed to the people of a run, so they get copies; not while a build writes them."""
        held = [open_shared(folder) for folder in locks]
        for path, folder in PROGRAMS:
                program = os.path.join(build, path)
                if os.path.exists(program):
                        copy = shutil.copy(program, folder)
                        os.chmod(copy, 0o755)
                elif not path.startswith('relay/'):
                        raise FileNotFoundError(f'{program} is not built')
        for fd in held:
                os.close(fd)


def install_setuid(build):
        """In place of the helper that listens. Never the bit before the group: for that moment another group could start it."""
        copy = shutil.copy(build + '/helper/airlock-helper', LIBEXEC)
        os.chmod(copy, 0o750)
        os.chown(copy, 0, group_id('airlock'))
        os.chmod(copy, 0o4750)


def open_shared(folder):
        """The lock that scripts/setup and scripts/with-airlock hold alone while they build."""
        fd = os.open(folder, os.O_RDONLY)
        fcntl.flock(fd, fcntl.LOCK_SH)
        return fd


def listen(path, kind, mode, user, group, backlog=128):
        """A socket that stays here while its service comes and goes, so that nobody is refused in between."""
        sock = socket.socket(socket.AF_UNIX, kind)
        mask = os.umask(0o777)
        sock.bind(path)
        os.umask(mask)
        os.chown(path, user_id(user), group_id(group))
        os.chmod(path, mode)
        sock.listen(backlog)
        return sock


def plain_signals():
        """Python ignores two signals and init blocks some; a program must get none of that."""
        for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, [])


# Of the caller's environment services get this alone: the benchmark's wish for time stamps in the exit record.
PASSED_ON = {name: os.environ[name] for name in ('AIRLOCK_TRACE',) if name in os.environ}


class Service:
        def __init__(self, name, command, log, cgroup=None, sock=None, fd_name=None, environment=None):
                self.name, self.command, self.log, self.cgroup = name, command, log, cgroup
                self.sock, self.fd_name, self.environment = sock, fd_name, environment or {}
                self.pid = self.deaths = 0
                self.started = self.due = 0.0

        def start(self):
                self.started = time.monotonic()
                self.pid = os.fork()
                if self.pid == 0:
                        try:
                                self._become()
                        finally:
                                os._exit(127)

        def _become(self):
                os.setsid()
                plain_signals()
                out = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
                if self.cgroup:
                        with open(self.cgroup + '/cgroup.procs', 'w') as procs:
                                procs.write('0')
                os.dup2(os.open('/dev/null', os.O_RDONLY), 0)
                os.dup2(out, 1)
                os.dup2(out, 2)
                environment = {'PATH': '/usr/sbin:/usr/bin:/sbin:/bin', 'LANG': 'C.UTF-8', **self.environment, **PASSED_ON}
                if self.sock:
                        os.dup2(self.sock.fileno(), 3)
                        os.set_inheritable(3, True)
                        environment.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid()), LISTEN_FDNAMES=self.fd_name)
                os.closerange(4 if self.sock else 3, 65536)
                os.chdir('/')
                os.umask(0o022)
                os.execvpe(self.command[0], self.command, environment)

        def died(self, now):
                """Decides when it is started again: at once, or after a pause if it never stays."""
                self.deaths = self.deaths + 1 if now - self.started < 1 else 0
                self.pid = 0
                self.due = now + (PAUSE if self.deaths > QUICK_DEATHS else 0)


def without_rights(command, user, setuid=False):
        """What the broker's unit says: its user, no capability in any set, no_new_privs. In setuid mode it has no capability either,
        but what it starts may get them: neither no_new_privs nor an empty bounding set."""
        closed = [] if setuid else ['--bounding-set=-all', '--no-new-privs']
        return ['setpriv', '--reuid', user, '--regid', 'airlock', '--clear-groups', '--inh-caps=-all', '--ambient-caps=-all',
                *closed, '--', *command]
