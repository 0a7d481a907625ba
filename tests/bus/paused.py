# SPDX-License-Identifier: Apache-2.0
"""What is asked of a container that its engine has paused, whatever the engine and the hierarchy."""
import os
import time

from client import *


def is_refused(client, engine, name):
        """TargetPaused at once, over the bus and by the command, and the container stays as it is."""
        began = time.monotonic()
        refused(OURS + 'TargetPaused', client.run, name, ['touch', '/tmp/while-paused'])
        refused(OURS + 'TargetPaused', client.exec, name, ['touch', '/tmp/while-paused'])
        done = run('airlock', 'exec', name, 'true', status=125)
        contains(done.stderr, 'frozen', 'text of the command')
        equal(done.stderr.count('\n'), 1, 'lines')
        equal(time.monotonic() - began < 3, True, 'an answer at once')
        contains(run(engine, 'state', name, status=0).stdout, '"paused"', 'state of the container')


def pause_and_resume(client, engine, name):
        client.run(name, ['true'])
        run(engine, 'pause', name, status=0)
        try:
                is_refused(client, engine, name)
        finally:
                run(engine, 'resume', name, status=0)
        equal(client.run(name, ['sh', '-c', 'ls /tmp; exit 7'])[:2], (7, ''), 'code and files after it was resumed')


def without_rule_is_denied(client, engine, name, absent):
        """Who has no rule for it does not learn that it is paused, nor that it is there."""
        run(engine, 'pause', name, status=0)
        try:
                texts = {as_user('bob', denied, each).replace(each, 'X') for each in (name, absent)}
        finally:
                run(engine, 'resume', name, status=0)
        equal(len(texts), 1, f'number of different texts in {texts}')


def denied(client, name):
        return refused(OURS + 'Denied', client.run, name, ['true'])
