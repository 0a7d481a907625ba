# SPDX-License-Identifier: Apache-2.0
"""The processes of one scripts/with-airlock. The script itself (outer) waits for init, PID 1 of a pid namespace, which sets
everything up in order, plays systemd and runs the command. A watcher outside removes the run's cgroups when init is gone, so that
a `kill -9` of the script leaves nothing: the kernel ends init with its parent and everything else with init.
What is made lies on file systems that are mounted in init's mount namespace alone."""
import argparse
import os
import pwd
import select
import shutil
import signal
import socket
import sys
import tempfile
import time
import traceback

import accounts
import bus
import cgroups
import engines
import services
import sys_calls

WORLD = services.TEST + '/world'
LOGS = WORLD + '/log'
HOME = services.TEST + '/home'
HERE = os.path.dirname(os.path.abspath(__file__))
READY_SECONDS = 15
SIGNALS = {signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM}


def options():
        parser = argparse.ArgumentParser(prog='with-airlock', add_help=False, allow_abbrev=False)
        parser.add_argument('--as', dest='user')
        parser.add_argument('--policy')
        parser.add_argument('--polkit-rules')
        parser.add_argument('--ceiling')
        parser.add_argument('--cgroup', choices=('v2', 'hybrid'), default='v2')
        parser.add_argument('--targets', default='crun')
        parser.add_argument('--roots', action='append', default=[])
        parser.add_argument('--userns', action='store_true')
        parser.add_argument('--setuid', action='store_true')
        parser.add_argument('--no-restart', dest='restart', action='store_false')
        parser.add_argument('command', nargs='+')
        split = sys.argv.index('--')
        chosen = parser.parse_args(sys.argv[1:split] + ['command'])
        chosen.command = sys.argv[split + 1:]
        chosen.targets = [name for name in chosen.targets.split(',') if name and name != 'none']
        for name in chosen.targets:
                if name not in ('crun', 'runc', 'podman', 'docker'):
                        parser.error(f'--targets: {name} is none of crun, runc, podman, docker')
        return chosen


def status_of(wait_status):
        code = os.waitstatus_to_exitcode(wait_status)
        return code if code >= 0 else 128 - code


# --- outer and watcher -------------------------------------------------------------------------------------------------------

def quiet_copy(keep):
        """A process that nobody waits for must not hold the caller's pipes open."""
        os.setsid()
        null = os.open('/dev/null', os.O_RDWR)
        for fd in (0, 1, 2):
                os.dup2(null, fd)
        for fd in [int(name) for name in os.listdir('/proc/self/fd')]:
                if fd > 2 and fd not in keep:
                        try:
                                os.close(fd)
                        except OSError:
                                pass


def watch(orders, done, folders):
        """Ends init when the script is gone, removes the cgroups when init is gone, then lets go of `done`."""
        quiet_copy((orders, done))
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
                signal.signal(number, signal.SIG_IGN)
        first = os.read(orders, 32)
        if first:
                try:
                        init = os.pidfd_open(int(first))
                except ProcessLookupError:
                        init = -1
                if init >= 0:
                        ready, _, _ = select.select([orders, init], [], [])
                        if init not in ready:
                                try:
                                        signal.pidfd_send_signal(init, signal.SIGKILL)
                                except ProcessLookupError:
                                        pass
                                select.select([init], [], [])
        os.write(done, b'y' if cgroups.remove(folders) else b'n')
        os._exit(0)


def outer(chosen):
        run = f'airlock-test-{os.getpid()}-{time.time_ns() & 0xffffffff:08x}'
        try:
                found = cgroups.hierarchies(chosen.cgroup)
                folders = [os.path.join(each.folder, run) for each in found]
        except OSError as error:
                sys.exit(refused(str(error)))
        orders_read, orders = os.pipe()
        done_read, done = os.pipe()
        if os.fork() == 0:
                try:
                        os.close(orders)
                        os.close(done_read)
                        watch(orders_read, done, folders)
                finally:
                        os._exit(1)
        os.close(orders_read)
        os.close(done)
        status = run_init(chosen, found, run, orders)
        os.close(orders)
        if os.read(done_read, 1) != b'y':
                print('with-airlock: a cgroup of the run is left: ' + ' '.join(folders), file=sys.stderr)
        sys.exit(status)


def refused(why):
        print('with-airlock: ' + why, file=sys.stderr)
        return 125


def run_init(chosen, found, run, orders):
        go_read, go = os.pipe()
        saved = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGQUIT)}
        try:
                cgroups.create(found, run)
                sys_calls.unshare(sys_calls.CLONE_NEWPID)
        except OSError as error:
                return refused(str(error))
        pid = os.fork()
        if pid == 0:
                os.close(orders)
                os.close(go)
                sys_calls.prctl(sys_calls.PR_SET_PDEATHSIG, signal.SIGKILL)
                if os.read(go_read, 1) != b'g':
                        os._exit(125)
                os.close(go_read)
                try:
                        Init(chosen, found, run, saved).run()
                finally:
                        os._exit(125)
        os.close(go_read)
        os.write(orders, str(pid).encode())
        os.write(go, b'g')
        # The terminal's signals are for the command; the others are passed on.
        for number in saved:
                signal.signal(number, signal.SIG_IGN)
        for number in (signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, lambda got, _: os.kill(pid, got))
        _, wait_status = os.waitpid(pid, 0)
        if os.WIFSIGNALED(wait_status):
                return refused('the process that holds the run was killed')
        return status_of(wait_status)


# --- init --------------------------------------------------------------------------------------------------------------------

class SetupFailed(Exception):
        pass


def rescue_roots(roots):
        """State folders below /run would be hidden by the run's own; they are held open until it is there."""
        return [(root, os.open(root, os.O_PATH)) for root in map(os.path.realpath, roots)
                if root.startswith('/run/') and os.path.isdir(root)]


class Init:
        def __init__(self, chosen, found, run, saved):
                self.chosen, self.found, self.run_name, self.saved = chosen, found, run, saved
                self.build = os.environ['AIRLOCK_BUILD']
                self.source = os.environ['AIRLOCK_SRC']
                self.daemons = []       # Service: bus, polkit and dockerd, which are not started again
                self.services = []      # Service: listener (not in setuid mode) and broker, which are
                self.engines = None
                self.command = 0

        def run(self):
                for number in (signal.SIGINT, signal.SIGQUIT):
                        signal.signal(number, signal.SIG_IGN)
                try:
                        self.set_up()
                except Exception as error:
                        os._exit(self.failed(error))
                signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
                self.command = self.start_command()
                status = self.loop()
                self.finish()
                os._exit(status)

        def failed(self, error):
                if not os.path.isdir(LOGS):
                        os.makedirs(LOGS)
                with open(LOGS + '/init.log', 'a') as log:
                        traceback.print_exception(error, file=log)
                kept = tempfile.mkdtemp(prefix='airlock-log.', dir=os.environ.get('TMPDIR', '/tmp'))
                shutil.copytree(LOGS, kept, dirs_exist_ok=True)
                if os.environ.get('AIRLOCK_LOGS'):
                        self.copy_logs()
                return refused(f'set-up failed: {error}; see {kept}')

        # --- set-up, in order

        def set_up(self):
                for step in (self.mounts, self.folders, self.configuration, self.start_bus, self.containers,
                             self.start_services, self.slow_containers, self.wait_ready):
                        step()

        def mounts(self):
                roots = rescue_roots(self.chosen.roots)
                cgroups.enter([os.path.join(each.folder, self.run_name) for each in self.found])
                sys_calls.unshare(sys_calls.CLONE_NEWNS)
                sys_calls.mount('none', '/', None, sys_calls.MS_REC | sys_calls.MS_PRIVATE)
                sys_calls.mount('proc', '/proc', 'proc', 0)
                cgroups.show(self.found, self.chosen.cgroup)
                # /var/lib and /etc of the engines too: what they write outside their state folders must not stay.
                if 'podman' in self.chosen.targets:
                        os.makedirs('/var/lib/containers', exist_ok=True)
                for folder in ('/run', '/dev/shm', '/var/lib/containers', '/var/lib/docker', '/etc/docker', '/var/lib/cni'):
                        if os.path.isdir(folder):
                                sys_calls.mount('tmpfs', folder, 'tmpfs', 0, 'mode=1777' if folder == '/dev/shm' else 'mode=755')
                for root, fd in roots:
                        os.makedirs(root)
                        sys_calls.mount(f'/proc/self/fd/{fd}', root, None, sys_calls.MS_BIND | sys_calls.MS_REC)
                        os.close(fd)
                # A leaf, so that the root of the run's hierarchy can have controllers for its children.
                with open(cgroups.leaf(self.chosen.cgroup, '/command') + '/cgroup.procs', 'w') as procs:
                        procs.write('0')

        def folders(self):
                for folder in (LOGS, HOME, '/run/dbus', '/run/lock', '/run/systemd'):
                        os.makedirs(folder)
                os.makedirs(WORLD + '/etc')
                os.mkdir(WORLD + '/tmp')
                os.chmod(WORLD + '/tmp', 0o1777)
                accounts.mount_over(WORLD + '/etc', HOME)
                if self.chosen.user and self.chosen.user not in [entry.pw_name for entry in pwd.getpwall()]:
                        raise SetupFailed(f'--as {self.chosen.user}: there is no such user')
                for user in accounts.PEOPLE:
                        os.mkdir(f'{HOME}/{user}')
                        os.chown(f'{HOME}/{user}', services.user_id(user), -1)
                os.chown('/run/dbus', services.user_id('messagebus'), -1)
                services.make_folders()
                services.copy_programs(self.build, (self.source + '/scripts', self.build))
                if self.chosen.setuid:
                        services.install_setuid(os.environ['AIRLOCK_BUILD_SETUID'])

        def configuration(self):
                self.engines = engines.Engines(WORLD, LOGS + '/engines.log', self.chosen.cgroup, self.chosen.userns)
                roots = [os.path.realpath(root) for root in self.chosen.roots]
                own = self.engines.folder
                keys = (('CrunRoot', 'crun'), ('RuncRoot', 'runc'), ('PodmanRoot', 'podman'), ('PodmanRunRoot', 'podman-run'),
                        ('DockerRoot', 'docker'), ('DockerExecRoot', 'docker-exec'))
                # Nobody says of which engine a further folder is: the broker looks for each one's files there.
                lines = [f'{key}={folder}' for key, name in keys for folder in [own[name], *roots]]
                if self.chosen.setuid:
                        lines.append('Helper=setuid')
                self.write(services.ETC + '/broker.conf', '\n'.join(lines) + '\n')
                if not self.chosen.policy:
                        shutil.copy(self.source + '/policy/rules/00-root.conf', services.LIB + '/policy.d')
                shutil.copy(self.chosen.policy or HERE + '/default-policy.conf', services.ETC + '/policy.d/50-test.conf')
                if self.chosen.ceiling:
                        shutil.copy(self.chosen.ceiling, services.ETC + '/ceiling.conf')
                else:
                        with open(HERE + '/default-ceiling.conf') as ceiling:
                                text = ceiling.read()
                        stores = [f'{own[name]}/{folder}' for name, folder in (
                                ('docker', 'containers'), ('podman', 'vfs-containers'), ('podman-run', 'vfs-containers'))]
                        open_dirs = ''.join(f'OpenDirs={folder}\n' for folder in [*own.values(), *roots, *stores])
                        self.write(services.ETC + '/ceiling.conf', text + open_dirs)
                profile = self.source + '/policy/seccomp/default.json'
                if os.path.exists(profile):
                        shutil.copy(profile, services.LIB + '/seccomp.d/default.json')
                bus.prepare(WORLD + '/bus', self.source, self.chosen.polkit_rules)

        def write(self, path, text):
                with open(path, 'w') as file:
                        file.write(text)
                os.chmod(path, 0o644)

        def daemon(self, name, command):
                service = services.Service(name, command, f'{LOGS}/{name}.log')
                service.start()
                self.daemons.append(service)

        def start_bus(self):
                self.daemon('dbus', bus.daemon_command(WORLD + '/bus'))
                if 'docker' in self.chosen.targets:
                        self.daemon('dockerd', self.engines.daemon_command())

        def containers(self):
                for name in ('crun', 'runc'):
                        if name in self.chosen.targets:
                                getattr(self.engines, name)()

        def start_services(self):
                if not bus.wait_until(lambda: os.path.exists(bus.SOCKET), READY_SECONDS):
                        raise SetupFailed('the system bus did not start')
                self.daemon('polkitd', bus.polkit_command())
                # The queue of this one holds every supervisor that outlived a broker.
                sessions = services.listen(services.RUN + '/broker/sessions.sock', socket.SOCK_SEQPACKET, 0o660, 'airlock',
                                           'airlock', backlog=4096)
                checks = {'ASAN_OPTIONS': f'log_path={LOGS}/sanitizer:abort_on_error=0', 'UBSAN_OPTIONS':
                          f'log_path={LOGS}/sanitizer:print_stacktrace=1:halt_on_error=1'}
                os.chmod(LOGS, 0o1777)
                if not self.chosen.setuid:
                        self.services.append(self.listener(checks))
                broker = services.without_rights([services.LIBEXEC + '/airlockd'], 'airlock', self.chosen.setuid)
                self.services.append(services.Service('broker', broker, LOGS + '/broker.log',
                                                      cgroups.leaf(self.chosen.cgroup, '/airlockd'), sessions, 'sessions', checks))
                for service in self.services:
                        service.start()

        def listener(self, environment):
                sock = services.listen(services.RUN + '/helper.sock', socket.SOCK_SEQPACKET, 0o660, 'root', 'airlock')
                leaf = cgroups.leaf(self.chosen.cgroup, '/airlock-helper')
                return services.Service('listener', [services.LIBEXEC + '/airlock-helper'], LOGS + '/listener.log', leaf, sock,
                                        'airlock-helper.socket', environment)

        def slow_containers(self):
                for name in ('podman', 'docker'):
                        if name in self.chosen.targets:
                                getattr(self.engines, name)()
                self.engines.wrappers(services.BIN)

        def wait_ready(self):
                for name in ('org.freedesktop.PolicyKit1', 'org.airlock1'):
                        if not bus.wait_until(lambda: self.none_dead() and bus.has_owner(name), READY_SECONDS):
                                raise SetupFailed(f'{name} did not appear on the bus')

        def none_dead(self):
                for service in self.daemons + self.services:
                        pid, status = os.waitpid(service.pid, os.WNOHANG)
                        if pid:
                                raise SetupFailed(f'{service.name} ended with {status_of(status)} at its start')
                return True

        # --- the command and what goes on beside it

        def start_command(self):
                environment = dict(os.environ)
                environment.pop('DBUS_SYSTEM_BUS_ADDRESS', None)
                environment.update(self.engines.environment(), AIRLOCK_TEST_DIR=WORLD, AIRLOCK_TEST_TMP=WORLD + '/tmp',
                                   AIRLOCK_TEST_LOG=LOGS,
                                   AIRLOCK_CGROUP=cgroups.v2_root(self.chosen.cgroup),
                                   PATH=services.BIN + ':' + environment.get('PATH', '/usr/sbin:/usr/bin:/sbin:/bin'))
                pid = os.fork()
                if pid:
                        return pid
                try:
                        services.plain_signals()
                        for number, handler in self.saved.items():
                                if handler == signal.SIG_IGN:
                                        signal.signal(number, signal.SIG_IGN)
                        if self.chosen.user:
                                become(self.chosen.user)
                        os.execvpe(self.chosen.command[0], self.chosen.command, environment)
                except FileNotFoundError:
                        print(f'with-airlock: {self.chosen.command[0]}: not found', file=sys.stderr)
                        os._exit(127)
                except OSError as error:
                        print(f'with-airlock: {self.chosen.command[0]}: {error.strerror}', file=sys.stderr)
                        os._exit(126)
                finally:
                        os._exit(125)

        def loop(self):
                while True:
                        status = self.reap()
                        if status is not None:
                                return status
                        now = time.monotonic()
                        due = [service.due for service in self.services if not service.pid and self.chosen.restart]
                        for service in self.services:
                                if not service.pid and self.chosen.restart and service.due <= now:
                                        service.start()
                        pause = max(0.0, min(due) - now) if due else 60.0
                        got = signal.sigtimedwait(SIGNALS, pause)
                        if got and got.si_signo in (signal.SIGTERM, signal.SIGHUP):
                                os.kill(self.command, got.si_signo)

        def reap(self):
                """Takes every dead child, orphans of the run included; the command's status when it is among them."""
                found = None
                while True:
                        try:
                                pid, status = os.waitpid(-1, os.WNOHANG)
                        except ChildProcessError:
                                return found
                        if not pid:
                                return found
                        if pid == self.command:
                                found = status_of(status)
                        for service in self.services:
                                if pid == service.pid:
                                        service.died(time.monotonic())
                                        self.note(f'{service.name} (pid {pid}) ended with {status_of(status)}')

        def note(self, text):
                with open(LOGS + '/init.log', 'a') as log:
                        log.write(text + '\n')

        def finish(self):
                """A sanitizer reports what was leaked only at a proper end; nothing else needs one."""
                if os.environ.get('AIRLOCK_SANITIZED') == '1':
                        self.end_properly()
                if os.environ.get('AIRLOCK_LOGS'):
                        self.copy_logs()

        def end_properly(self):
                running = [service for service in self.services if service.pid]
                for service in running:
                        os.kill(service.pid, signal.SIGTERM)
                end = time.monotonic() + 3
                while running and time.monotonic() < end:
                        self.reap()
                        running = [service for service in running if service.pid]
                        time.sleep(0.01)
                for service in running:
                        self.note(f'{service.name} did not end by SIGTERM')

        def copy_logs(self):
                shutil.copytree(LOGS, os.environ['AIRLOCK_LOGS'], dirs_exist_ok=True)


def become(user):
        entry = pwd.getpwnam(user)
        os.initgroups(user, entry.pw_gid)
        os.setresgid(entry.pw_gid, entry.pw_gid, entry.pw_gid)
        os.setresuid(entry.pw_uid, entry.pw_uid, entry.pw_uid)


if __name__ == '__main__':
        outer(options())
