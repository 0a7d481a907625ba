# SPDX-License-Identifier: Apache-2.0
"""A client of org.airlock1 that shares no line with ours: GLib's D-Bus, and processes of their own for other users."""
import os
import pickle
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from gi.repository import Gio, GLib
import check
from check import BUILD, SETUID, SRC, contains, equal, fail, run, service_test, setup, skip, test, within

NAME, ROOT = 'org.airlock1', '/org/airlock1'
MANAGER, SESSION = 'org.airlock1.Manager', 'org.airlock1.Session'
PROPERTIES = 'org.freedesktop.DBus.Properties'
OURS = 'org.airlock1.Error.'
STANDARD = 'org.freedesktop.DBus.Error.'
ROOTFS = os.environ.get('AIRLOCK_ROOTFS', '')
UIDS = {'alice': 2001, 'bob': 2002, 'carol': 2003}


class BusError(Exception):
        def __init__(self, name, text):
                super().__init__(f'{name}: {text}')
                self.name, self.text = name, text


class Client:
        def __init__(self):
                flags = Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION
                address = 'unix:path=/run/dbus/system_bus_socket'
                self.bus = Gio.DBusConnection.new_for_address_sync(address, flags, None, None)
                self.bus.set_exit_on_close(False)
                self.signals = []
                self.bus.signal_subscribe(NAME, None, None, None, None, Gio.DBusSignalFlags.NO_MATCH_RULE, self._signal)

        def _signal(self, bus, sender, path, interface, member, parameters):
                self.signals.append((path, interface, member, parameters.unpack()))

        def pump(self):
                while GLib.MainContext.default().iteration(False):
                        pass

        def until(self, condition, seconds=10, what='signal'):
                """The first signal that the condition takes, of those that came and will come."""
                def look():
                        self.pump()
                        return next((signal for signal in self.signals if condition(signal)), None)
                return within(seconds, look, what)

        def exited(self, session, seconds=10):
                """The record of the session's Exited."""
                signal = self.until(lambda s: s[0] == session and s[2] == 'Exited', seconds, 'Exited')
                return signal[3][0]

        def raw(self, path, interface, member, arguments=None, fds=(), timeout=20000):
                """Variant and fds of the reply; arguments is a variant; fds are what handles 0, 1 and so on mean."""
                given = Gio.UnixFDList.new_from_array([os.dup(fd) for fd in fds]) if fds else None
                try:
                        reply, got = self.bus.call_with_unix_fd_list_sync(NAME, path, interface, member, arguments, None,
                                                                          Gio.DBusCallFlags.NONE, timeout, given, None)
                except GLib.Error as error:
                        name = Gio.DBusError.get_remote_error(error)
                        text = error.message.partition(': ')[2]
                        raise BusError(name or 'local', text if name else error.message) from None
                return reply, got.steal_fds() if got else []

        def call(self, path, interface, member, signature='()', *arguments):
                return self.raw(path, interface, member, GLib.Variant(signature, arguments))[0].unpack()

        def manager(self, member, signature='()', *arguments):
                return self.call(ROOT, MANAGER, member, signature, *arguments)

        def session(self, path, member, signature='()', *arguments):
                return self.call(path, SESSION, member, signature, *arguments)

        def get(self, path, name, interface=SESSION):
                return self.call(path, PROPERTIES, 'Get', '(ss)', interface, name)[0]

        def ask(self, member, target, argv, options=None, streams=None):
                """Exec and its like; options: name to variant; streams: number inside to fd."""
                options = dict(options or {})
                numbers = list(streams or {})
                if streams:
                        options['fds'] = GLib.Variant('a{uh}', {number: i for i, number in enumerate(numbers)})
                return self.raw(ROOT, MANAGER, member, GLib.Variant('(sasa{sv})', (target, argv, options)),
                                [streams[number] for number in numbers])

        def exec(self, target, argv, options=None, streams=None):
                """(session, fds by number)"""
                reply, fds = self.ask('Exec', target, argv, options, streams)
                session, numbers = reply.unpack()
                return session, {number: fds[handle] for number, handle in numbers.items()}

        def run(self, target, argv, options=None, streams=None):
                """(code, stdout, stderr, record)"""
                return self.ask('Run', target, argv, options, streams)[0].unpack()

        def explain(self, target, argv, options=None):
                return self.ask('Explain', target, argv, options)[0].unpack()[0]

        def simple(self, argv, target='demo', options=None):
                """Runs to the end: (stdout, stderr, record)."""
                session, fds = self.exec(target, argv, options)
                os.close(fds[0])
                out, err = read_all(fds[1]), read_all(fds[2])
                return out, err, self.exited(session)


def text(value):
        return GLib.Variant('s', value)


def texts(*values):
        return GLib.Variant('as', list(values))


def yes():
        return GLib.Variant('b', True)


def read_all(fd):
        with os.fdopen(fd, 'rb') as stream:
                return stream.read()


def refused(name, function, *arguments, **named):
        """The text of the error that this must be."""
        try:
                got = function(*arguments, **named)
        except BusError as error:
                if error.name != name:
                        fail(f'{error.name}: {error.text}; expected {name}')
                return error.text
        fail(f'was not refused with {name} but answered {got!r}'[:400])


def as_user(user, function, *arguments):
        """What a function of the test file (found by its name) returns in a process of that user, with a connection of its own.
        GLib's threads do not survive a fork, so it is a new interpreter."""
        uid = UIDS[user]
        groups = os.getgrouplist(user, uid)
        done = subprocess.run(['/usr/bin/python3', sys.argv[0], '--call', function.__name__], input=pickle.dumps(arguments),
                              stdout=subprocess.PIPE, user=uid, group=uid, extra_groups=groups, timeout=60)
        if done.returncode != 0:
                fail(f'as {user}: {function.__name__} ended with {done.returncode}')
        return pickle.loads(done.stdout)


def main():
        if sys.argv[1:2] == ['--call']:
                function = sys.modules['__main__'].__dict__[sys.argv[2]]
                arguments = pickle.load(sys.stdin.buffer)  # and no byte more: a function may go on reading
                answer = pickle.dumps(function(Client(), *arguments))
                sys.stdout.buffer.write(answer)
                sys.exit(0)
        check.main()


def broker_pid():
        bus = Client().bus
        reply = bus.call_sync('org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus', 'GetConnectionUnixProcessID',
                              GLib.Variant('(s)', (NAME,)), None, Gio.DBusCallFlags.NONE, 5000, None)
        return reply.unpack()[0]


def fd_count(pid):
        return len(os.listdir(f'/proc/{pid}/fd'))


def fds_at_rest(pid):
        """The count that stays: a session's connection is there until its record is committed, some milliseconds after its end."""
        last, since = fd_count(pid), time.monotonic()
        while time.monotonic() - since < 0.15:
                time.sleep(0.01)
                if fd_count(pid) != last:
                        last, since = fd_count(pid), time.monotonic()
        return last


class Marker:
        """A command that leaves a trace in the container if it runs."""
        n = 0

        def __init__(self):
                Marker.n += 1
                self.inside = f'/tmp/ran-{os.getpid()}-{Marker.n}'
                self.argv = ['touch', self.inside]

        def ran(self):
                return os.path.exists(ROOTFS + self.inside)


def settle(pid, wanted, seconds=3):
        """The count of the broker's fds comes back to what it was; or to less, where something from before has ended meanwhile."""
        end = time.monotonic() + seconds
        while fd_count(pid) > wanted and time.monotonic() < end:
                time.sleep(0.02)
        equal(max(fd_count(pid), wanted), wanted, 'number of open fds of the broker')
