#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# A service that answers as the real one would, or as it never should: commands run on this host, and what the client asked for is
# written down. For tests of the client alone: forged and missing ends, odd answers, hostile text. usage: fake_broker.py ADDRESS LOG
import hashlib
import json
import os
import pty
import signal
import sys
import time

import dbus
import dbus.bus
import dbus.lowlevel
import dbus.mainloop.glib
import dbus.service
from gi.repository import GLib

MANAGER = 'org.airlock1.Manager'
SESSION = 'org.airlock1.Session'
OPTIONS = dict(in_signature='sasa{sv}', sender_keyword='sender')


class Error(dbus.DBusException):
    def __init__(self, name, text):
        super().__init__(text, name=name)


def plain(value):
    """What came, as JSON can hold it."""
    if isinstance(value, dbus.types.UnixFd):
        return 'fd'
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, dbus.Boolean):
        return bool(value)
    if isinstance(value, (int, dbus.Byte)):
        return int(value)
    return str(value)


def start(argv, fds, env):
    pid = os.fork()
    if pid:
        return pid
    null = os.open('/dev/null', os.O_RDWR)
    for number in range(3):
        os.dup2(fds.get(number, null), number)
    os.setsid()
    os.closerange(3, 64)
    for s in (signal.SIGPIPE, signal.SIGINT):
        signal.signal(s, signal.SIG_DFL)
    try:
        os.execvpe(argv[0], argv, env)
    except OSError:
        os._exit(126)


def start_on_terminal(argv, env):
    pid, master = pty.fork()
    if not pid:
        try:
            os.execvpe(argv[0], argv, env)
        except OSError:
            os._exit(126)
    return pid, master


class Session(dbus.service.Object):
    def __init__(self, manager, number, owner, argv):
        self.id = hashlib.sha256(b'%d' % number).hexdigest()
        super().__init__(manager.bus, f'/org/airlock1/session/{self.id}')
        self.manager, self.owner = manager, owner
        self.argv = [a.decode('latin-1') if isinstance(a, bytes) else a for a in argv]
        self.record, self.waiting, self.pid = None, [], 0

    def details(self):
        row = {'id': self.id, 'path': dbus.ObjectPath(f'/org/airlock1/session/{self.id}'), 'name': self.manager.text or 'n',
               'target': 'demo', 'owner': dbus.UInt32(0), 'state': 'exited' if self.record else 'running',
               'command': dbus.Array(self.argv, signature='s'), 'user': '0:0', 'tty': False, 'privileged': False,
               'created': dbus.UInt64(1), 'pid': dbus.Int32(self.pid)}
        if self.record:
            row['record'] = self.record
        return dbus.Dictionary(row, signature='sv')

    def exited(self, status, tell=True):
        signalled = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        self.record = dbus.Dictionary({
            'state': 'exited', 'code': dbus.Int32(128 + signalled if signalled else os.WEXITSTATUS(status)),
            'signal': dbus.Int32(signalled), 'ended-by': 'self'}, signature='sv')
        if tell:
            self.tell(self.owner, self.manager.bus)
        for answer in self.waiting:
            answer(self.record)

    def tell(self, to, bus, record=None):
        m = dbus.lowlevel.SignalMessage(f'/org/airlock1/session/{self.id}', SESSION, 'Exited')
        m.set_destination(to)
        m.append(record or self.record, {'id': self.id}, signature='a{sv}a{sv}')
        bus.send_message(m)

    @dbus.service.method('org.freedesktop.DBus.Properties', in_signature='s', out_signature='a{sv}')
    def GetAll(self, interface):
        return {'Asked': dbus.Dictionary({'target': 'demo'}, signature='sv'), 'Granted': dbus.Dictionary({}, signature='sv')}

    @dbus.service.method(SESSION, in_signature='is')
    def Signal(self, number, scope):
        self.manager.log({'signal': int(number), 'scope': str(scope)})
        os.killpg(self.pid, number) if scope != 'leader' else os.kill(self.pid, number)

    @dbus.service.method(SESSION, in_signature='qq')
    def Resize(self, rows, cols):
        self.manager.log({'rows': int(rows), 'cols': int(cols)})

    @dbus.service.method(SESSION, in_signature='u')
    def Stop(self, grace):
        self.manager.log({'stop': int(grace)})
        os.killpg(self.pid, signal.SIGTERM)

    @dbus.service.method(SESSION, in_signature='u', out_signature='a{sv}', async_callbacks=('answer', 'error'))
    def Wait(self, timeout, answer, error):
        self.manager.log({'wait': int(timeout)})
        if self.record:
            answer(self.record)
        else:
            self.waiting.append(answer)


class Manager(dbus.service.Object):
    def __init__(self, bus, address, log):
        super().__init__(bus, '/org/airlock1')
        self.bus, self.address, self.path = bus, address, log
        self.sessions, self.text = [], ''

    def log(self, entry):
        with open(self.path, 'a') as file:
            file.write(json.dumps(entry) + '\n')

    def begin(self, sender, argv, options):
        fds = {int(k): v.take() for k, v in options.get('fds', {}).items()}
        argv = [str(a) for a in argv] or [bytes(a) for a in options['argv-bytes']]
        session = Session(self, len(self.sessions) + 1, sender, argv)
        back = {}
        if options.get('tty'):
            session.pid, master = start_on_terminal(argv, dict(os.environ))
            back[dbus.UInt32(0)] = dbus.types.UnixFd(master)
            os.close(master)
        else:
            session.pid = start(argv, fds, dict(os.environ))
        for fd in fds.values():
            os.close(fd)
        self.sessions.append(session)
        return session, back

    @dbus.service.method(MANAGER, out_signature='oa{uh}', **OPTIONS)
    def Exec(self, target, argv, options, sender):
        self.log({'target': str(target), 'argv': plain(argv), 'options': plain(options)})
        if target == 'refused':
            raise Error('org.airlock1.Error.' + str(argv[0]), str(argv[1]))
        if target == 'texts':
            self.text = str(argv[0])
            argv = ['true']
        session, back = self.begin(sender, argv, options)
        mode = str(target)
        if mode == 'forged':  # a stranger says that it ended with 0
            stranger = dbus.bus.BusConnection(self.address)
            GLib.timeout_add(50, lambda: session.tell(sender, stranger, dbus.Dictionary(
                {'state': 'exited', 'code': dbus.Int32(0)}, signature='sv')))
        GLib.child_watch_add(GLib.PRIORITY_DEFAULT, session.pid, lambda pid, status: session.exited(status, mode != 'silent'))
        return dbus.ObjectPath(f'/org/airlock1/session/{session.id}'), dbus.Dictionary(back, signature='uh')

    @dbus.service.method(MANAGER, out_signature='a{sv}', **OPTIONS)
    def Explain(self, target, argv, options, sender):
        return dbus.Dictionary({'answer': str(argv[0]), 'rule': '/etc/x.conf:3', 'skipped': dbus.Array([], signature='s')},
                               signature='sv')

    @dbus.service.method(MANAGER, in_signature='a{sv}', out_signature='aa{sv}')
    def ListSessions(self, filters):
        self.log({'filters': plain(filters)})
        return dbus.Array([s.details() for s in self.sessions], signature='a{sv}')

    @dbus.service.method(MANAGER, in_signature='a{sv}', out_signature='aa{sv}')
    def ListTargets(self, filters):
        return dbus.Array([{'id': 'x', 'name': self.text or 'crun:demo', 'engine': 'crun', 'state': 'running',
                            'pid': dbus.Int32(1), 'cgroup': '/demo'}], signature='a{sv}')


def main(address, log):
    dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
    bus = dbus.bus.BusConnection(address)
    manager = Manager(bus, address, log)
    bus.request_name('org.airlock1')
    print('ready', flush=True)
    GLib.timeout_add(int(os.environ.get('FAKE_LIFE_S', '600')) * 1000, sys.exit)
    GLib.MainLoop().run()
    return manager


if __name__ == '__main__':
    main(*sys.argv[1:3])
