# SPDX-License-Identifier: Apache-2.0
"""Callers whom polkit is asked about: rules of the real polkitd, processes of other users that ask when told to, and their agents."""
import os
import pickle
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'harness'))
import polkit_client
from client import Gio, GLib, MANAGER, NAME, OURS, ROOT, STANDARD, UIDS, within

RULES = os.environ.get('AIRLOCK_TEST_DIR', '') + '/bus/rules.d'
shared = {'rules': 0}


def polkit_rule(body):
        """The run's only rule of ours, in force when this returns: its marker is asked for until it answers."""
        shared['rules'] += 1
        marker = f'org.airlock1.exec" && action.lookup("target") == "marker-{shared["rules"]}'
        text = ('polkit.addRule(function(action, subject) {'
                f' if (action.id == "{marker}") return polkit.Result.YES;'
                f' if (action.id.indexOf("org.airlock1.") != 0) return polkit.Result.NOT_HANDLED; {body} }});')
        with open(RULES + '/.new', 'w') as file:
                file.write(text)
        os.chmod(RULES + '/.new', 0o644)
        os.rename(RULES + '/.new', RULES + '/10-test.rules')
        bus = polkit_client.connect()
        subject = ('system-bus-name', {'name': GLib.Variant('s', Asker.name_of('bob'))})
        within(5, lambda: polkit_client.check(bus, subject, 'org.airlock1.exec', {'target': f'marker-{shared["rules"]}'})[:2] == (True, False),
               'the new rule')


def variants(options):
        return {key: GLib.Variant(kind, value) for key, (kind, value) in options.items()}


def asker(client, file, path, interface, member, signature, arguments, interactive):
        """Runs as the asking user: says its name, waits for the word, then asks. A dict among the arguments has (type, value) pairs."""
        with open(file, 'w') as names:
                names.write(client.bus.get_unique_name() + '\n')
        sys.stdin.buffer.read(1)
        flags = Gio.DBusCallFlags.ALLOW_INTERACTIVE_AUTHORIZATION if interactive else Gio.DBusCallFlags.NONE
        given = tuple(variants(value) if isinstance(value, dict) else value for value in arguments)
        try:
                return client.bus.call_sync(NAME, path, interface, member, GLib.Variant(signature, given), None, flags, 150000, None).unpack()
        except GLib.Error as error:
                return Gio.DBusError.get_remote_error(error)


class Asker:
        n = 0
        waiting = {}

        def __init__(self, user, argv=('echo', 'ran'), options=None, interactive=False, member='Run', target='demo', call=None):
                """Asks for a command, or makes the call (path, interface, member, signature, arguments)."""
                Asker.n += 1
                self.uid = UIDS[user]
                self.file = f'{os.environ["AIRLOCK_TEST_TMP"]}/asker-{Asker.n}'
                open(self.file, 'w').close()
                os.chown(self.file, self.uid, self.uid)
                call = call or (ROOT, MANAGER, member, '(sasa{sv})', (target, list(argv), options or {}))
                arguments = (self.file, *call, interactive)
                self.process = subprocess.Popen(['/usr/bin/python3', sys.argv[0], '--call', 'asker'], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                                user=self.uid, group=self.uid, extra_groups=os.getgrouplist(user, self.uid))
                self.pid = self.process.pid
                self.process.stdin.write(pickle.dumps(arguments))
                self.process.stdin.flush()
                self.name = within(5, lambda: open(self.file).read().strip(), 'the name of an asker')

        def go(self):
                self.process.stdin.write(b'\n')
                self.process.stdin.flush()

        def answer(self):
                self.go()
                out, _ = self.process.communicate(timeout=40)
                os.unlink(self.file)
                return pickle.loads(out)

        @staticmethod
        def name_of(user):
                """The name of one that stays and never asks."""
                if user not in Asker.waiting:
                        Asker.waiting[user] = Asker(user)
                return Asker.waiting[user].name


def answered(mode, user='bob', **more):
        """What the caller gets, and what its agent was asked."""
        asking = Asker(user, interactive=True, **more)
        agent = polkit_client.Agent(asking, mode)
        try:
                return asking.answer(), agent.close()
        finally:
                agent.process.kill()


def ran(answer):
        return not isinstance(answer, str) and answer[:2] == (0, 'ran\n')


def polkitd_pid():
        for pid in os.listdir('/proc'):
                try:
                        with open(f'/proc/{pid}/comm') as comm:
                                if comm.read() == 'polkitd\n':
                                        return int(pid)
                except OSError:
                        pass
