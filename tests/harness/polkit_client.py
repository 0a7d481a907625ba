# SPDX-License-Identifier: Apache-2.0
"""What tests say to the real polkitd: questions, subjects, and clients of the bus that run as one of the run's users."""
import os
import pwd
import subprocess
import sys
import time

from gi.repository import Gio, GLib

ADDRESS = 'unix:path=/run/dbus/system_bus_socket'
NAME, PATH, INTERFACE = ('org.freedesktop.PolicyKit1', '/org/freedesktop/PolicyKit1/Authority',
                         'org.freedesktop.PolicyKit1.Authority')


def connect():
        flags = Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION
        return Gio.DBusConnection.new_for_address_sync(ADDRESS, flags, None, None)


def call(connection, method, arguments, timeout_ms=5000):
        return connection.call_sync(NAME, PATH, INTERFACE, method, arguments, None, 0, timeout_ms, None)


def check(connection, subject, action, details=None, interactive=False, cancel='', timeout_ms=5000):
        """(authorised, challenge, details), or the name of the error."""
        question = GLib.Variant('((sa{sv})sa{ss}us)', (subject, action, details or {}, int(interactive), cancel))
        try:
                return call(connection, 'CheckAuthorization', question, timeout_ms).unpack()[0]
        except GLib.Error as error:
                return Gio.DBusError.get_remote_error(error)


def start_time(pid):
        with open(f'/proc/{pid}/stat') as stat:
                return int(stat.read().rsplit(')', 1)[1].split()[19])


def process_subject(pid, uid):
        return ('unix-process', {'pid': GLib.Variant('u', pid), 'start-time': GLib.Variant('t', start_time(pid)),
                                 'uid': GLib.Variant('i', uid)})


class Client:
        """A process that runs as user, is on the bus, and stays until close()."""
        def __init__(self, user):
                self.uid = pwd.getpwnam(user).pw_uid
                command = ['setpriv', '--reuid', user, '--regid', str(pwd.getpwnam(user).pw_gid), '--init-groups',
                           '/usr/bin/python3', '-c', CLIENT]
                self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
                self.name = self.process.stdout.readline().strip()
                self.pid = self.process.pid

        def subject(self):
                return ('system-bus-name', {'name': GLib.Variant('s', self.name)})

        def close(self):
                self.process.stdin.close()
                self.process.wait()
                self.process.stdout.close()


# Complete in itself: the user may not be able to read the source tree.
CLIENT = f'''
import sys
from gi.repository import Gio
flags = Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION
connection = Gio.DBusConnection.new_for_address_sync({ADDRESS!r}, flags, None, None)
print(connection.get_unique_name(), flush=True)
sys.stdin.read()
'''


class Agent:
        """polkit_agent.py for one client, ready when the constructor returns. as_user: with the client's rights, not root's."""
        def __init__(self, client, mode, *more, as_user=False):
                script = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'polkit_agent.py')
                self.process = subprocess.Popen([sys.executable, script, str(client.pid), str(client.uid), mode, *more],
                                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                                **({'user': client.uid, 'group': client.uid, 'extra_groups': []} if as_user else {}))
                if self.process.stdout.readline() != 'ready\n':
                        raise RuntimeError('the agent did not start: ' + self.process.stderr.read())

        def close(self):
                """Ends it; what it was asked, as text."""
                self.process.kill()
                return self.process.communicate()[1]


def set_rules(text, action, subject, connection, wanted, seconds=5):
        """Replaces the run's rules and waits until polkit answers as they say."""
        folder = os.environ['AIRLOCK_TEST_DIR'] + '/bus/rules.d'
        with open(folder + '/.new', 'w') as rules:
                rules.write(text)
        os.chmod(folder + '/.new', 0o644)
        os.rename(folder + '/.new', folder + '/10-test.rules')
        end = time.monotonic() + seconds
        while check(connection, subject, action)[:2] != wanted:
                if time.monotonic() > end:
                        raise RuntimeError('polkit does not take the new rules')
                time.sleep(0.01)
