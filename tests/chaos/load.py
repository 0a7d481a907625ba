# SPDX-License-Identifier: Apache-2.0
"""Clients that run commands, and the ledger of what each of them was told. Each command writes its token into a file of the container
as its first act: what ran, and how often, is known from there and not from Airlock."""
import json
import os
import re
import subprocess
import threading
import time

RAN = '/ran'
LISTEN = 30                     # seconds for which an end is asked for again
# What the client says where the service did not answer its call: the command may have been started, and is then ended with it.
UNANSWERED = re.compile(r'no service|a step failed|deadline|NoReply|did not receive a reply|connection was lost|not provided|does not answer|no answer|disconnected|'
                        r'The service|helper|supervisor|name .* has no owner|activation', re.I)
ID = re.compile(r'^[0-9a-f]{64}$')


class Run:
        """One command. outcome: None while it is under way; exact: its own status; killed: its supervisor was killed; refused: nothing was
        started; unanswered: it was started, its client was not told so, and the history has its end; lost: nobody knows its end; wrong:
        it is another's."""
        def __init__(self, token, wanted, detached):
                self.token, self.wanted, self.detached = token, wanted, detached
                self.id = None
                self.outcome = self.text = None
                self.began, self.ended, self.killed = time.monotonic(), 0.0, 0.0


class Ledger:
        def __init__(self, rootfs):
                self.rootfs = rootfs
                self.lock = threading.Lock()
                self.runs = {}
                self.absent = []        # when a service was killed that reports go through
                self.swept = []         # seconds from a supervisor's kill to the end of its cgroup
                with open(rootfs + RAN, 'w'):
                        pass
                os.chmod(rootfs + RAN, 0o666)

        def new(self, wanted, detached, number):
                with self.lock:
                        run = Run(f'token-{number}-{len(self.runs)}', wanted, detached)
                        self.runs[run.token] = run
                        return run

        def killed(self, token):
                """Its supervisor is about to be killed."""
                with self.lock:
                        run = self.runs.get(token)
                        if run and not run.ended:
                                run.killed = time.monotonic()

        def alone(self, run):
                """Nothing else was killed between its start and its end: then a report has no reason to be late."""
                return not any(run.began <= when <= run.ended for when in self.absent)

        def all(self):
                with self.lock:
                        return list(self.runs.values())

        def ran(self):
                """How often each token stands in the container's file."""
                with open(self.rootfs + RAN) as file:
                        lines = file.read().split()
                return {token: lines.count(token) for token in set(lines)}

        def summary(self):
                counts = {}
                for run in self.all():
                        counts[run.outcome or 'under way'] = counts.get(run.outcome or 'under way', 0) + 1
                return f'{sum(counts.values())} commands: ' + ', '.join(f'{counts[name]} {name}' for name in sorted(counts))


class Worker(threading.Thread):
        def __init__(self, ledger, rng, number):
                super().__init__(daemon=True)
                self.ledger, self.rng, self.number, self.ending = ledger, rng, number, False

        def stop(self):
                self.ending = True

        def run(self):
                while not self.ending:
                        self.one()

        def one(self):
                detached = self.rng.random() < 0.4
                run = self.ledger.new(self.rng.randrange(1, 100), detached, self.number)
                script = f'echo {run.token} >>{RAN}; sleep {self.rng.random() * 0.5:.3f}; exit {run.wanted}'
                argv = ['airlock', 'exec', *(['-d'] if detached else []), 'demo', 'sh', '-c', script, run.token]
                status, out, text = call(argv)
                if detached and status == 0 and ID.match(out):
                        run.id = out
                        status, text = wait_for(run.id)
                elif detached and status == 0:
                        status, text = 125, f'no id but {out!r}'
                run.ended = time.monotonic()
                run.text = text
                run.outcome = judge(run, status)
                if run.outcome == 'refused' and self.ledger.ran().get(run.token):
                        run.outcome, run.text = end_of_unanswered(run)
                if run.outcome in ('lost', 'wrong'):
                        print(f'# {run.outcome}: {run.token} wanted {run.wanted}, {run.id or "attached"}, killed {bool(run.killed)}: {run.text}', flush=True)
                if run.outcome == 'refused':
                        time.sleep(0.05)


def judge(run, status):
        if status == run.wanted:
                return 'exact'
        if run.killed and status in (125, 137):
                return 'killed'
        if status == 125 and not run.id and 'its end is unknown' not in run.text and UNANSWERED.search(run.text):
                return 'refused'
        return 'lost' if status in (1, 125) else 'wrong'


def end_of_unanswered(run):
        """The service was killed between the start and its answer. Nobody waits for such a session, and yet its end is known: its own, or
        that of one whose client had gone."""
        end = time.monotonic() + LISTEN
        found = []
        while time.monotonic() < end:
                status, out, _ = call(['airlock', 'history', '--json'])
                found = [session for session in json.loads(out) if run.token in session['command']] if status == 0 else []
                if len(found) > 1:
                        return 'wrong', f'{len(found)} sessions of one call'
                if found and found[0]['state'] == 'exited':
                        code = found[0]['record']['code']
                        return ('unanswered' if code in (run.wanted, 137) else 'wrong'), f'its record says {code}'
                time.sleep(0.1)
        return 'lost', f'ran, and the history has {[session["state"] for session in found]}: {run.text}'


def call(argv):
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors='replace', timeout=120, check=False)
        return done.returncode, done.stdout.strip(), done.stderr.strip()


def wait_for(session):
        """The status, asked for until somebody knows it: a service that was killed meanwhile answers in its next life."""
        end = time.monotonic() + LISTEN
        while True:
                status, out, text = call(['airlock', 'wait', '--json', session])
                if out:
                        record = json.loads(out)
                        return (record['code'], text) if record['code'] >= 0 else (125, f'its record says {record["state"]}')
                if time.monotonic() > end:
                        return status, text
                time.sleep(0.1)
