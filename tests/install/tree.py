# SPDX-License-Identifier: Apache-2.0
"""Builds with the default paths, one for each mode, and installs them into folders. Kept between runs below the build folder, since
a second build of everything takes half a minute; locked, since there is one."""
import fcntl
import json
import os

from check import BUILD, SRC, run


class Tree:
        def __init__(self, mode):
                """mode: service or setuid."""
                self.mode = mode
                self.folder = os.path.join(BUILD, 'install-test', mode)
                os.makedirs(self.folder, exist_ok=True)
                self.lock = os.open(self.folder, os.O_RDONLY)
                fcntl.flock(self.lock, fcntl.LOCK_EX)

        def build(self):
                """Only what is installed."""
                if not os.path.exists(self.folder + '/build.ninja'):
                        setuid = 'enabled' if self.mode == 'setuid' else 'disabled'
                        run('meson', 'setup', self.folder, SRC, '-Dtests=false', '-Dman=enabled', '-Dsetuid=' + setuid, status=0, timeout=120)
                run('ninja', '-C', self.folder, 'build.ninja', status=0, timeout=120)
                targets = json.loads(run('meson', 'introspect', '--targets', self.folder, status=0).stdout)
                files = [os.path.relpath(name, self.folder) for t in targets if t['installed'] for name in t['filename']]
                run('ninja', '-C', self.folder, '-j2', *files, status=0, timeout=300)

        def install(self, root, *before):
                """before: a command that is put in front. What the install said."""
                return run(*before, 'meson', 'install', '-C', self.folder, '--no-rebuild', '--destdir', root, status=0, timeout=60).stdout

        def uninstall(self, root):
                return run('ninja', '-C', self.folder, 'uninstall', status=0, env={**os.environ, 'DESTDIR': root})
