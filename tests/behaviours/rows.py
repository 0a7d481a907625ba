# SPDX-License-Identifier: Apache-2.0
"""Rows of docs/behaviours.md: one function may show several, is run once, and each of its names says what came of it."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from check import fail, run, test, within


def rows(*names):
        """Registers a function under each of the names."""
        def register(function):
                came = []

                def once():
                        if not came:
                                try:
                                        function()
                                        came.append(None)
                                except Exception as error:
                                        came.append(error)
                        if came[0]:
                                raise came[0]
                for name in names:
                        test(name)(once)
                return function
        return register


class Container:
        """One more of crun's, beside demo and with its root file system; what it is given replaces demo's process section."""
        def __init__(self, name, **process):
                self.name = name
                self.bundle = f'{os.environ["AIRLOCK_TEST_DIR"]}/bundle/{name}'
                os.makedirs(self.bundle)
                with open(os.environ['AIRLOCK_TEST_DIR'] + '/bundle/demo/config.json') as file:
                        config = json.load(file)
                config['root']['path'] = os.environ['AIRLOCK_ROOTFS']
                config['process'].update(process)
                config['linux']['cgroupsPath'] = '/targets/' + name
                config['hostname'] = name
                with open(self.bundle + '/config.json', 'w') as file:
                        json.dump(config, file)

        def start(self):
                with open(self.bundle + '/empty', 'w+') as empty, open(self.bundle + '/log', 'a') as log:
                        done = run_quiet(['crun', 'run', '-d', '-b', self.bundle, '--pid-file', self.bundle + '/pid', self.name], empty, log)
                if done != 0:
                        fail(f'crun run {self.name}: {open(self.bundle + "/log").read()}')

        def __enter__(self):
                self.start()
                return self

        def pid(self):
                with open(self.bundle + '/pid') as file:
                        return int(file.read())

        def kill(self):
                """Dead, and still there for the engine."""
                run('crun', 'kill', self.name, 'KILL', status=0)
                within(5, lambda: json.loads(run('crun', 'state', self.name, status=0).stdout)['status'] == 'stopped', 'its end')

        def delete(self):
                run('crun', 'delete', '-f', self.name)

        def __exit__(self, *_):
                self.delete()
                run('rm', '-r', self.bundle)


def run_quiet(argv, empty, log):
        import subprocess
        return subprocess.run(argv, stdin=empty, stdout=log, stderr=log, check=False).returncode
