# SPDX-License-Identifier: Apache-2.0
"""A logind of our own on the run's bus, for what the real one cannot be made to do there: sessions that come, go, are switched to
and from, and answers that do not come."""
import os
import subprocess
import sys

from gi.repository import Gio, GLib

NAME, ROOT = 'org.freedesktop.login1', '/org/freedesktop/login1'
MANAGER, SESSION = NAME + '.Manager', NAME + '.Session'
POLICY = '''<busconfig><policy user="root"><allow own="org.freedesktop.login1"/></policy>
<policy context="default"><allow send_destination="org.freedesktop.login1"/></policy></busconfig>
'''


def may_own():
        """The run's bus lets root own the name from now on."""
        with open(os.environ['AIRLOCK_TEST_DIR'] + '/bus/policies/login1.conf', 'w') as file:
                file.write(POLICY)
        subprocess.run(['dbus-send', '--system', '--print-reply', '--dest=org.freedesktop.DBus', '/', 'org.freedesktop.DBus.ReloadConfig'],
                       check=True, stdout=subprocess.DEVNULL)


class Logind:
        """Serves in the main loop of who made it: nothing is answered while that does something else."""
        def __init__(self, own=True):
                flags = Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION
                self.bus = Gio.DBusConnection.new_for_address_sync('unix:path=/run/dbus/system_bus_socket', flags, None, None)
                self.sessions, self.held, self.silent, self.asked = {}, [], False, 0
                self.bus.add_filter(self.filter)
                if own:
                        reply = self.bus.call_sync('org.freedesktop.DBus', '/', 'org.freedesktop.DBus', 'RequestName',
                                                   GLib.Variant('(su)', (NAME, 4)), None, 0, -1, None)
                        assert reply.unpack() == (1,), reply

        def filter(self, _bus, message, incoming):
                if incoming and message.get_message_type() == Gio.DBusMessageType.METHOD_CALL and message.get_interface() in (
                                MANAGER, 'org.freedesktop.DBus.Properties'):
                        self.asked += 1
                        if self.silent:
                                self.held.append(message)
                        else:
                                self.answer(message)
                        return None
                return message

        def answer(self, message):
                reply = Gio.DBusMessage.new_method_reply(message)
                path = message.get_path()
                if message.get_member() == 'ListSessions':
                        rows = [(key, each['uid'], 'user', each['seat'], f'{ROOT}/session/{key}') for key, each in self.sessions.items()]
                        reply.set_body(GLib.Variant('(a(susso))', (rows,)))
                elif path.rpartition('/')[2] in self.sessions:
                        reply.set_body(GLib.Variant('(a{sv})', (self.properties(path),)))
                else:
                        reply = Gio.DBusMessage.new_method_error_literal(message, NAME + '.NoSuchSession', 'gone')
                self.bus.send_message(reply, Gio.DBusSendMessageFlags.NONE)

        def properties(self, path):
                each = self.sessions[path.rpartition('/')[2]]
                seat = each['seat']
                return {'User': GLib.Variant('(uo)', (each['uid'], f'{ROOT}/user/_{each["uid"]}')), 'Active': GLib.Variant('b', each['active']),
                        'Seat': GLib.Variant('(so)', (seat, f'{ROOT}/seat/{seat}' if seat else '/')),
                        'Remote': GLib.Variant('b', each['remote']), 'State': GLib.Variant('s', 'active' if each['active'] else 'online')}

        def speak(self):
                """What was held back."""
                self.silent = False
                for message in self.held:
                        self.answer(message)
                self.held = []

        def emit(self, path, interface, member, arguments):
                self.bus.emit_signal(None, path, interface, member, arguments)
                self.bus.flush_sync()

        def new(self, key, uid, active=True, seat='seat0', remote=False):
                self.sessions[key] = {'uid': uid, 'active': active, 'seat': seat, 'remote': remote}
                self.emit(ROOT, MANAGER, 'SessionNew', GLib.Variant('(so)', (key, f'{ROOT}/session/{key}')))

        def removed(self, key):
                del self.sessions[key]
                self.emit(ROOT, MANAGER, 'SessionRemoved', GLib.Variant('(so)', (key, f'{ROOT}/session/{key}')))

        def switch(self, key, active):
                self.sessions[key]['active'] = active
                self.emit(f'{ROOT}/session/{key}', 'org.freedesktop.DBus.Properties', 'PropertiesChanged',
                          GLib.Variant('(sa{sv}as)', (SESSION, {'Active': GLib.Variant('b', active)}, [])))

        def leave(self):
                self.bus.close_sync()


if __name__ == '__main__':
        sys.exit('is imported')
