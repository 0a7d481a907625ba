# SPDX-License-Identifier: Apache-2.0
"""Many sessions at once: held, each answering, and adopted by the next broker. Used by tests/bus/test-many and scripts/long."""
import json
import os
import resource
import select
import signal
import sys
import time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from client import *

ANSWERS = ['sh', '-c', 'stty -echo 2>/dev/null; echo up; exec sh -c \'while read line; do echo "$line"; done\'']


def start(client, n, n_tty, options):
        """[(session, fd to write to, fd to read from)], the first n_tty of them with a terminal."""
        held = []
        for i in range(n):
                tty = i < n_tty
                session, fds = client.exec('demo', ANSWERS, {**options, **({'tty': yes()} if tty else {})})
                if not tty:
                        os.close(fds[2])
                held.append((session, fds[0], fds[0] if tty else fds[1]))
        return held


def read_line(fd, seconds=30):
        data = b''
        end = time.monotonic() + seconds
        while not data.endswith(b'\n'):
                look = select.poll()  # select(2) knows no fd above 1023
                look.register(fd, select.POLLIN)
                if not look.poll(max(0, end - time.monotonic()) * 1000):
                        fail(f'no answer within {seconds} s, only {data!r}')
                data += os.read(fd, 4096)
        return data.replace(b'\r', b'').strip()


def all_answer(held, word):
        """Each is asked and each answers; how long the slowest and all of them took."""
        begin, slowest = time.monotonic(), 0.0
        for i, (session, to, back) in enumerate(held):
                asked = time.monotonic()
                os.write(to, f'{word}-{i}\n'.encode())
                equal(read_line(back), f'{word}-{i}'.encode(), f'answer of session {i}')
                slowest = max(slowest, time.monotonic() - asked)
        return time.monotonic() - begin, slowest


def end_all(client, held):
        count = client.manager('StopAll', '(a{sv})', {'name': text('many')})[0]
        for session, to, back in held:
                os.close(to)
                if back != to:
                        os.close(back)
        for session, _, _ in held:
                client.session(session, 'Wait', '(u)', 30000)
        return count


def names(client):
        return client.manager('ListSessions', '(a{sv})', {'name': text('many'), 'state': text('running')})[0]


def hold(n, n_tty):
        """n sessions at once, each answering; then the broker is killed, and each is there and answers again. Figures, by name."""
        client = Client()
        figures = {'sessions': n, 'with a terminal': n_tty}
        options = {'name': text('many')}
        begin = time.monotonic()
        held = start(client, n, n_tty, options)
        for _, _, back in held:
                equal(read_line(back), b'up', 'its first word')
        figures['start s'] = round(time.monotonic() - begin, 2)
        equal(len(names(client)), n, 'sessions that run')
        figures['answers s'], figures['slowest s'] = (round(x, 3) for x in all_answer(held, 'first'))
        time.sleep(0.3)  # their rows
        figures['adopted ms'] = adopted(client, n)
        equal(len({s['id'] for s in names(client)}), n, 'sessions that are there once')
        figures['answers after s'], figures['slowest after s'] = (round(x, 3) for x in all_answer(held, 'second'))
        equal(end_all(client, held), n, 'stopped by one call')
        return figures


def count_adopted():
        """Lines of the broker's log, which nobody has to be asked for."""
        with open(os.environ['AIRLOCK_TEST_LOG'] + '/broker.log', 'rb') as file:
                return file.read().count(b'adopted session')


def adopted(client, n):
        """Kills the broker; milliseconds from the next one's first word to the last session that it took over."""
        before, pid = count_adopted(), broker_pid()
        os.kill(pid, signal.SIGKILL)

        def is_new():
                try:
                        return broker_pid() not in (pid, 0)
                except GLib.Error:
                        return False
        end = time.monotonic() + 20
        while not is_new() and time.monotonic() < end:
                time.sleep(0.002)
        begin = time.monotonic()
        while count_adopted() - before < n:
                if time.monotonic() > begin + 20:
                        fail(f'{count_adopted() - before} of {n} were adopted within 20 s')
                time.sleep(0.005)
        return round((time.monotonic() - begin) * 1000)


if __name__ == '__main__':
        # many.py SESSIONS TERMINALS: the figures as JSON; fails where one does not answer or adoption takes longer than 500 ms.
        resource.setrlimit(resource.RLIMIT_NOFILE, (8192, 8192))
        got = hold(int(sys.argv[1]), int(sys.argv[2]))
        print(json.dumps(got))
        sys.exit(0 if got['adopted ms'] <= 500 else 1)
