# SPDX-License-Identifier: Apache-2.0
"""Containers by the real engines, each with state folders and a cgroup parent of the run's own."""
import json
import os
import shutil
import subprocess
import sys
import time

import cgroups
import sys_calls

SLEEP = ['/bin/sleep', '100000']
CAPS = ['CAP_AUDIT_WRITE', 'CAP_KILL', 'CAP_NET_BIND_SERVICE']
MASKED = ['/proc/acpi', '/proc/asound', '/proc/kcore', '/proc/keys', '/proc/latency_stats', '/proc/timer_list', '/proc/timer_stats',
          '/proc/sched_debug', '/sys/firmware', '/proc/scsi']
READ_ONLY = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger']
PASSWD = '''root:x:0:0:root:/root:/bin/sh
app:x:1000:1000:app:/home/app:/bin/sh
web:x:33:33:web:/:/bin/sh
nobody:x:65534:65534:nobody:/nonexistent:/bin/false
'''
GROUP = '''root:x:0:
tty:x:5:
web:x:33:
app:x:1000:
extra:x:1001:app
nogroup:x:65534:
'''
SUB_ID = 100000                 # first host id of a user namespace


class Failed(Exception):
        pass


def call(log, *command, **more):
        """Runs a command to its end. stdin is an empty pipe: crun hands a null node on stdin to the mapped root."""
        reader, writer = os.pipe()
        os.close(writer)
        with open(log, 'a') as out:
                done = subprocess.run(command, stdin=reader, stdout=out, stderr=out, check=False, **more)
        os.close(reader)
        if done.returncode != 0:
                raise Failed(f'{" ".join(command)} ended with {done.returncode}')


def make_root(folder, owner=0):
        """busybox and nothing else."""
        for name in ('bin', 'dev', 'etc', 'home/app', 'proc', 'root', 'sys', 'tmp', 'var/tmp'):
                os.makedirs(os.path.join(folder, name), exist_ok=True)
        busybox = shutil.which('busybox')
        shutil.copy(busybox, folder + '/bin/busybox')
        names = subprocess.run([busybox, '--list'], stdout=subprocess.PIPE, text=True, check=True).stdout.split()
        for name in names:
                if name != 'busybox':
                        os.symlink('busybox', f'{folder}/bin/{name}')
        for name, text in (('passwd', PASSWD), ('group', GROUP)):
                with open(f'{folder}/etc/{name}', 'w') as file:
                        file.write(text)
        for name in ('tmp', 'var/tmp'):
                os.chmod(os.path.join(folder, name), 0o1777)
        os.chown(folder + '/home/app', 1000, 1000)
        if owner:
                _shift(folder, owner)


def _shift(folder, owner):
        for path, _, files in os.walk(folder):
                for entry in [path] + [os.path.join(path, name) for name in files]:
                        info = os.lstat(entry)
                        os.lchown(entry, owner + info.st_uid, owner + info.st_gid)


def bundle_config(root, cgroup_path, userns=False, args=None, **process):
        """What `runc spec` writes, without limits that root here may not raise, and without a terminal."""
        mounts = [
                {'destination': '/proc', 'type': 'proc', 'source': 'proc'},
                {'destination': '/dev', 'type': 'tmpfs', 'source': 'tmpfs',
                 'options': ['nosuid', 'strictatime', 'mode=755', 'size=65536k']},
                {'destination': '/dev/pts', 'type': 'devpts', 'source': 'devpts',
                 'options': ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5']},
                {'destination': '/dev/shm', 'type': 'tmpfs', 'source': 'shm',
                 'options': ['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=65536k']},
                {'destination': '/dev/mqueue', 'type': 'mqueue', 'source': 'mqueue', 'options': ['nosuid', 'noexec', 'nodev']},
                {'destination': '/sys', 'type': 'sysfs', 'source': 'sysfs', 'options': ['nosuid', 'noexec', 'nodev', 'ro']},
        ]
        namespaces = ['pid', 'network', 'ipc', 'uts', 'mount', 'cgroup'] + (['user'] if userns else [])
        linux = {'cgroupsPath': cgroup_path, 'namespaces': [{'type': kind} for kind in namespaces],
                 'maskedPaths': MASKED, 'readonlyPaths': READ_ONLY}
        if userns:
                linux['uidMappings'] = linux['gidMappings'] = [{'containerID': 0, 'hostID': SUB_ID, 'size': 65536}]
        return {
                'ociVersion': '1.0.2',
                'process': {'terminal': False, 'user': {'uid': 0, 'gid': 0}, 'args': args or SLEEP, 'cwd': '/',
                            'env': ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'TERM=xterm'],
                            'capabilities': {kind: CAPS for kind in ('bounding', 'effective', 'permitted')},
                            'noNewPrivileges': True, **process},
                'root': {'path': root, 'readonly': False}, 'hostname': 'demo', 'mounts': mounts, 'linux': linux,
        }


class Engines:
        """Folders of all engines of one run, below world; log is the file that they all write to."""
        def __init__(self, world, log, cgroup, userns):
                self.world, self.log, self.cgroup = world, log, cgroup
                self.folder = {name: os.path.join(world, name) for name in
                               ('crun', 'runc', 'podman', 'podman-run', 'docker', 'docker-exec')}
                for folder in self.folder.values():
                        os.makedirs(folder, mode=0o711)
                self.rootfs = os.path.join(world, 'bundle/demo/rootfs')
                make_root(self.rootfs, SUB_ID if userns else 0)
                self.bundle = self._bundle('demo', self.rootfs, userns)         # also for containers that COMMAND makes itself

        def _bundle(self, name, root, userns):
                bundle = os.path.join(self.world, 'bundle', name)
                os.makedirs(bundle, exist_ok=True)
                with open(bundle + '/config.json', 'w') as config:
                        json.dump(bundle_config(root, '/targets/' + name, userns), config, indent=1)
                return bundle

        def crun(self):
                command = ['crun', '--root', self.folder['crun'], 'run', '-d', '-b', self.bundle,
                           '--pid-file', self.bundle + '/pid', 'demo']
                if self.cgroup == 'v2':
                        call(self.log, *command)
                        return
                # crun refuses hybrid hosts: it works in a v2 view, and the container joins v1 afterwards, as runc's would.
                call(self.log, 'unshare', '--mount', '--propagation', 'private', sys.executable, '-s', __file__, 'in-v2', *command)
                with open(self.bundle + '/pid') as pid:
                        cgroups.join_v1(int(pid.read()), '/targets/demo')

        def runc(self):
                root = os.path.join(self.world, 'bundle/demo-runc/rootfs')
                make_root(root)
                bundle = self._bundle('demo-runc', root, False)
                call(self.log, 'runc', '--root', self.folder['runc'], 'run', '-d', '-b', bundle, 'demo-runc')

        def _image(self):
                image = os.path.join(self.world, 'image.tar')
                if not os.path.exists(image):
                        root = os.path.join(self.world, 'image')
                        make_root(root)
                        call(self.log, 'tar', '-C', root, '-cf', image, '.')
                return image

        def podman_command(self):
                return ['podman', '--runtime', shutil.which('runc'), '--root', self.folder['podman'],
                        '--runroot', self.folder['podman-run'], '--tmpdir', self.world + '/podman-tmp',
                        '--storage-driver', 'vfs', '--cgroup-manager', 'cgroupfs', '--events-backend', 'file']

        def podman(self):
                image = self._image()
                call(self.log, *self.podman_command(), 'import', image, 'bb')
                call(self.log, *self.podman_command(), 'run', '-d', '--net', 'host', '--ulimit', 'nofile=1024:1024',
                     '--ulimit', 'nproc=1024:1024', '--pids-limit', '-1', '--name', 'demo-podman', 'bb', *SLEEP)

        def docker_host(self):
                return 'unix://' + self.folder['docker'] + '/docker.sock'

        def daemon_command(self):
                return ['dockerd', '--data-root', self.folder['docker'], '--exec-root', self.folder['docker-exec'],
                        '--pidfile', self.world + '/dockerd.pid', '-H', self.docker_host(), '--storage-driver', 'vfs',
                        '--iptables=false', '--ip6tables=false', '--ip-forward=false', '--bridge=none',
                        '--default-ulimit', 'nofile=1024:1024']

        def docker(self):
                docker = ['docker', '-H', self.docker_host()]
                end = time.monotonic() + 30
                while subprocess.run([*docker, 'version'], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                     stderr=subprocess.DEVNULL, check=False).returncode != 0:
                        if time.monotonic() > end:
                                raise Failed('dockerd does not answer')
                        time.sleep(0.1)
                call(self.log, *docker, 'import', self._image(), 'bb')
                call(self.log, *docker, 'run', '-d', '--net', 'host', '--name', 'demo-docker', 'bb', *SLEEP)

        def wrappers(self, folder):
                """`crun list` and the like reach the run's own containers without an option."""
                for name, command in (('crun', [shutil.which('crun'), '--root', self.folder['crun']]),
                                      ('runc', [shutil.which('runc'), '--root', self.folder['runc']]),
                                      ('podman', [shutil.which('podman'), *self.podman_command()[1:]])):
                        if command[0] is None:
                                continue
                        path = os.path.join(folder, name)
                        with open(path, 'w') as script:
                                script.write('#!/bin/sh\nexec ' + ' '.join(command) + ' "$@"\n')
                        os.chmod(path, 0o755)

        def environment(self):
                return {'CRUN_ROOT': self.folder['crun'], 'RUNC_ROOT': self.folder['runc'], 'PODMAN_ROOT': self.folder['podman'],
                        'PODMAN_RUNROOT': self.folder['podman-run'], 'DOCKER_ROOT': self.folder['docker'],
                        'DOCKER_EXEC_ROOT': self.folder['docker-exec'], 'DOCKER_HOST': self.docker_host(),
                        'AIRLOCK_ROOTFS': self.rootfs}


def _in_v2():
        cgroups.mask_all()
        sys_calls.mount('cgroup2', cgroups.ROOT, 'cgroup2')
        os.execvp(sys.argv[2], sys.argv[2:])


if __name__ == '__main__' and sys.argv[1:2] == ['in-v2']:
        _in_v2()
