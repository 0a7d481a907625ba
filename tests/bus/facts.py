# SPDX-License-Identifier: Apache-2.0
"""For tests of what the rules know of a target: rules that are changed while the broker runs, containers with annotations, and
answers as a word."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'harness'))
import engines
from client import *

WORLD = os.environ.get('AIRLOCK_TEST_DIR', '/nonexistent')
RULES = '/run/airlock-test/etc/policy.d/50-test.conf'
WHOLE = 'AsUser=default root\nAnswer=allow\n'


def rules(client, *parts):
        """Root may do anything (it is the one who asks for the truth to compare with); the rest is the test's."""
        with open(RULES, 'w') as file:
                for i, part in enumerate(parts):
                        file.write(f'[Rule r{i}]\n{part}\n')
        client.manager('Reload')


def container(engine, name, annotations, userns=False):
        """One of that runtime with annotations; the pid of its init."""
        bundle = f'{WORLD}/bundle/{name}'
        if not os.path.isdir(bundle):
                engines.make_root(bundle + '/rootfs', engines.SUB_ID if userns else 0)
        config = engines.bundle_config(bundle + '/rootfs', '/targets/' + name, userns)
        if annotations is not None:
                config['annotations'] = annotations
        with open(bundle + '/config.json', 'w') as file:
                json.dump(config, file)
        engines.call(bundle + '/log', engine, 'run', '-d', '-b', bundle, '--pid-file', bundle + '/pid', name)
        with open(bundle + '/pid') as pid:
                return int(pid.read())


def answers(client, targets, options=None):
        """What comes of `true` in each: ran, or the error's short name."""
        found = []
        for target in targets:
                try:
                        client.run(target, ['/bin/true'], options or {})
                        found.append('ran')
                except BusError as error:
                        found.append(error.name.rpartition('.')[2])
        return found
