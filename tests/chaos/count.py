# SPDX-License-Identifier: Apache-2.0
"""What is lost, doubled or left over, from four witnesses: what each client was told, the container's own file, the helper's log, and the
kernel's processes and cgroups."""
import json
import os
import pwd
import re
import subprocess
import time

import kills

HELPER_LOG = '/run/airlock-test/log/helper.log'
END = re.compile(r'end session=([0-9a-f]{16}) pid=\d+ status=(\S+) flags=(\S+) ')
REPORT_SECONDS = 1.0            # within which the end of a session is reported whose supervisor was killed
SHOWN = 10


class Count:
        def __init__(self, ledger, patience):
                self.ledger = ledger
                self.lost, self.doubled, self.left, self.late = [], [], [], []
                self.count_left(patience)
                self.count_lost()
                self.count_doubled()
                self.count_late()

        def count_lost(self):
                ran = self.ledger.ran()
                for run in self.ledger.all():
                        if run.outcome is None:
                                self.lost.append(f'{run.token}: its client still waits')
                        elif run.outcome in ('lost', 'wrong'):
                                self.lost.append(f'{run.token} ({run.id or "attached"}, wanted {run.wanted}): {run.outcome}: {run.text}')
                        elif run.outcome == 'exact' and not ran.get(run.token):
                                self.lost.append(f'{run.token}: has an end and never ran')

        def count_doubled(self):
                self.doubled += [f'{token} ran {n} times' for token, n in self.ledger.ran().items() if n > 1]
                listed = [session['id'] for session in list_sessions()]
                self.doubled += [f'{session} is listed {listed.count(session)} times' for session in set(listed) if listed.count(session) > 1]
                with open(HELPER_LOG) as log:
                        ends = [match.group(1) for match in map(END.search, log) if match]
                counts = {}
                for session in ends:
                        counts[session] = counts.get(session, 0) + 1
                self.doubled += [f'{session} ended {n} times in the helper\'s log' for session, n in counts.items() if n > 1]

        def count_left(self, patience):
                """Once it is quiet nothing is there but the services and the containers. What ends with its lost client has its time."""
                end = time.monotonic() + patience
                while True:
                        self.left = sessions_left() + folders_left() + processes_left()
                        if not self.left or time.monotonic() > end:
                                return
                        time.sleep(0.2)

        def count_late(self):
                for run in self.ledger.all():
                        if run.killed and run.ended and run.ended - run.killed > REPORT_SECONDS and self.ledger.alone(run):
                                self.late.append(f'{run.token}: its end was reported {run.ended - run.killed:.2f} s after its supervisor was killed')

        def report(self):
                for name in ('lost', 'doubled', 'left', 'late'):
                        found = getattr(self, name)
                        for text in found[:SHOWN]:
                                print(f'# {name}: {text}')
                        if len(found) > SHOWN:
                                print(f'# {name}: and {len(found) - SHOWN} more')
                times = sorted(run.ended - run.killed for run in self.ledger.all() if run.killed and run.ended)
                if times:
                        swept = sorted(self.ledger.swept)
                        print(f'# {len(times)} killed supervisors: reported in {times[len(times) // 2] * 1000:.0f} ms (median), '
                              f'{times[-1] * 1000:.0f} ms (longest); cgroup swept in {swept[len(swept) // 2] * 1000:.0f} and {swept[-1] * 1000:.0f} ms; '
                              f'{len(self.late)} late')


def list_sessions():
        for _ in range(100):
                done = subprocess.run(['airlock', 'ps', '-a', '--json'], capture_output=True, text=True, check=False)
                if done.returncode == 0:
                        return json.loads(done.stdout)
                time.sleep(0.1)
        return [{'id': done.stderr.strip(), 'state': 'unknown'}]


def sessions_left():
        return [f'session {session["id"]} is {session["state"]}' for session in list_sessions() if session['state'] not in ('exited', 'lost', 'failed')]


def folders_left():
        return [f'cgroup {folder}' for folder, _, _ in os.walk(os.environ['AIRLOCK_CGROUP'] + '/targets') if '/airlock-' in folder]


def processes_left():
        """Nobody of the supervisors' account; of the helper the listener, with the one that waits for its next connection; and in the
        container its init alone."""
        account, listener = pwd.getpwnam('airlock-session').pw_uid, kills.listener()
        left, waiting = [], 0
        for pid in kills.pids():
                words = kills.words(pid)
                if kills.is_zombie(pid):
                        continue
                if kills.uid(pid) == account:
                        left.append(f'process {pid} of airlock-session')
                elif words[:1] == [(kills.LIBEXEC + 'airlock-helper').encode()]:
                        waiting += kills.parent(pid) == listener
                        if pid != listener and kills.parent(pid) != listener:
                                left.append(f'process {pid} of the helper, with rights and without a listener')
                elif any(word.startswith(b'token-') for word in words) and b'airlock' not in words[0]:
                        left.append(f'process {pid} in the container: {b" ".join(words).decode()}')
        procs = kills.read(os.environ['AIRLOCK_CGROUP'] + '/targets/demo/cgroup.procs').split()
        if len(procs) != 1:
                left.append(f'{len(procs)} processes in the container\'s own cgroup, not 1')
        if waiting > 1 or not listener:
                left.append(f'{waiting} processes of the helper that wait for a connection, not 1; listener {listener}')
        return left
