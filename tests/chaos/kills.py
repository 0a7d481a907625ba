# SPDX-License-Identifier: Apache-2.0
"""Who is killed, and when it is back. Processes are found by what the kernel says of them."""
import os
import pwd
import signal
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'harness'))

LIBEXEC = '/run/airlock-test/libexec/'


class Stalled(Exception):
        pass


def read(path):
        try:
                with open(path, 'rb') as file:
                        return file.read()
        except OSError:
                return b''


def pids():
        return [int(name) for name in os.listdir('/proc') if name.isdigit()]


def status(pid):
        """Of /proc/PID/status; empty where it is gone."""
        return dict(line.split(':\t', 1) for line in read(f'/proc/{pid}/status').decode(errors='replace').splitlines() if ':\t' in line)


def parent(pid):
        return int(status(pid).get('PPid', 0))


def is_zombie(pid):
        return status(pid).get('State', 'Z')[0] == 'Z'


def uid(pid):
        return int(status(pid).get('Uid', '-1').split()[0])


def words(pid):
        return read(f'/proc/{pid}/cmdline').split(b'\0')[:-1]


def service(program):
        """The pid of the service of that name: a child of the run's init; 0 where there is none at the moment."""
        for pid in pids():
                if words(pid)[:1] == [(LIBEXEC + program).encode()] and parent(pid) == 1 and not is_zombie(pid):
                        if program != 'airlock-helper' or uid(pid) == 0:
                                return pid
        return 0


def listener():
        """The supervisors of an earlier listener are init's children too: the listener is the root one that is no session leader's."""
        found = [pid for pid in pids() if words(pid)[:1] == [(LIBEXEC + 'airlock-helper').encode()] and not is_zombie(pid) and uid(pid) == 0 and
                 parent(pid) == 1 and os_sid(pid) == pid]
        return found[0] if found else 0


def os_sid(pid):
        try:
                return os.getsid(pid)
        except OSError:
                return 0


def kill(pid, number=signal.SIGKILL):
        try:
                os.kill(pid, number)
        except ProcessLookupError:
                pass


def wait_until(condition, seconds, what):
        end = time.monotonic() + seconds
        while True:
                value = condition()
                if value:
                        return value
                if time.monotonic() > end:
                        raise Stalled(f'{what} within {seconds} s')
                time.sleep(0.003)


def again(find, old, seconds, what):
        """Its next life."""
        def look():
                pid = find()
                return pid if pid and pid != old else 0
        return wait_until(look, seconds, what)


def broker():
        return service('airlockd')


def kill_broker(ledger, rng, seconds):
        """kill -9 of airlockd, at whatever it is doing; its own start is part of that"""
        old = wait_until(broker, seconds, 'a broker')
        ledger.absent.append(time.monotonic())
        kill(old)
        again(broker, old, seconds, 'the next broker')


def kill_listener(ledger, rng, seconds):
        """kill -9 of the helper's listener"""
        old = wait_until(listener, seconds, 'a listener')
        ledger.absent.append(time.monotonic())
        kill(old)
        again(listener, old, seconds, 'the next listener')


def restart_units(ledger, rng, seconds):
        """broker and listener both stopped as systemd stops them (SIGTERM to the main process alone), and started again"""
        old = [wait_until(broker, seconds, 'a broker'), wait_until(listener, seconds, 'a listener')]
        ledger.absent.append(time.monotonic())
        for pid in old:
                kill(pid, signal.SIGTERM)
        again(broker, old[0], seconds, 'the next broker')
        again(listener, old[1], seconds, 'the next listener')


def supervisors():
        """Those that serve a command, with the command: its parent is its supervisor."""
        account = pwd.getpwnam('airlock-session').pw_uid
        kept = {pid for pid in pids() if uid(pid) == account}
        return [(parent(pid), pid) for pid in pids() if parent(pid) in kept]


def token_of(pid):
        found = [word.decode() for word in words(pid) if word.startswith(b'token-')]
        return found[0] if found else None


def cgroup_of(pid):
        line = [line for line in read(f'/proc/{pid}/cgroup').decode().splitlines() if line.startswith('0::')]
        return os.environ['AIRLOCK_CGROUP'] + line[0][3:] if line and '/airlock-' in line[0] else None


def kill_supervisor(ledger, rng, seconds):
        """kill -9 of a supervisor that serves a command, and the time until its session's cgroup is gone"""
        while True:
                found = wait_until(supervisors, seconds, 'a supervisor')
                supervisor, command = rng.choice(found)
                folder, token = cgroup_of(command), token_of(command)
                if folder and token and parent(command) == supervisor:
                        break
        ledger.killed(token)
        begin = time.monotonic()
        kill(supervisor)
        wait_until(lambda: not os.path.exists(folder), seconds, f'the end of the cgroup of {token}')
        ledger.swept.append(time.monotonic() - begin)


KINDS = {'broker': kill_broker, 'supervisor': kill_supervisor, 'listener': kill_listener, 'units': restart_units}
