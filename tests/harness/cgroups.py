# SPDX-License-Identifier: Apache-2.0
"""One cgroup per run in every hierarchy, and a cgroup namespace whose root it is: inside, each run has the hierarchies to itself,
so that names which engines choose themselves cannot meet, and one removal takes everything away.
Never touches a cgroup that is not below the run's own."""
import os
import time

import sys_calls

ROOT = '/sys/fs/cgroup'
# What runc allows by default: without the list a container on a v1 host could open every device.
DEVICES = ('c *:* m', 'b *:* m', 'c 1:3 rwm', 'c 1:5 rwm', 'c 1:7 rwm', 'c 1:8 rwm', 'c 1:9 rwm', 'c 5:0 rwm', 'c 5:2 rwm',
           'c 136:* rwm')


class Hierarchy:
        def __init__(self, name, mount_point, own):
                self.name = name                # '' for v2, else the controllers or name=systemd
                self.mount_point = mount_point  # of the host
                self.folder = os.path.normpath(mount_point + '/' + own)

        def is_v2(self):
                return self.name == ''


def _mounts():
        """(root, mount point, kind, options) of all cgroup mounts."""
        with open('/proc/self/mountinfo') as mountinfo:
                for line in mountinfo:
                        left, right = line.split(' - ')
                        kind, _, options = right.split()[:3]
                        if kind in ('cgroup', 'cgroup2'):
                                yield left.split()[3], left.split()[4], kind, options.split(',')


def _own():
        with open('/proc/self/cgroup') as own:
                for line in own:
                        _, name, path = line.rstrip('\n').split(':', 2)
                        yield name, path


def hierarchies(cgroup):
        """Those that the run joins: v2 alone, or v2 and all of v1 (hybrid)."""
        mounts = list(_mounts())
        found = []
        for name, path in _own():
                if name and cgroup == 'v2':
                        continue
                for root, point, kind, options in mounts:
                        fits = kind == 'cgroup2' if not name else kind == 'cgroup' and set(name.split(',')) <= set(options)
                        if fits and root == '/':
                                found.append(Hierarchy(name, point, path))
                                break
        if not any(each.is_v2() for each in found):
                raise OSError('no cgroup2 mount')
        if cgroup == 'hybrid' and len(found) < 2:
                raise OSError('this host has no v1 hierarchies: --cgroup hybrid cannot be shown here')
        return found


def _write(path, text):
        with open(path, 'w') as file:
                file.write(text)


def _copy_cpuset(folder):
        """A v1 cpuset takes no process before it has processors and memory."""
        for file in ('cpuset.cpus', 'cpuset.mems'):
                with open(os.path.join(os.path.dirname(folder), file)) as parent:
                        _write(os.path.join(folder, file), parent.read())


def _make(folder):
        os.mkdir(folder)
        if os.path.exists(folder + '/cpuset.cpus') and os.path.exists(folder + '/tasks'):
                _copy_cpuset(folder)


def create(found, run):
        folders = [os.path.join(each.folder, run) for each in found]
        for folder in folders:
                _make(folder)
        return folders


def enter(folders):
        for folder in folders:
                _write(folder + '/cgroup.procs', '0')
        sys_calls.unshare(sys_calls.CLONE_NEWCGROUP)


def show(found, cgroup):
        """Mounts the hierarchies as the cgroup namespace sees them; needs a private mount namespace."""
        mask_all()
        if cgroup == 'v2':
                sys_calls.mount('cgroup2', ROOT, 'cgroup2')
                return
        sys_calls.mount('tmpfs', ROOT, 'tmpfs', 0, 'mode=755')
        for each in found:
                point = f'{ROOT}/unified' if each.is_v2() else f'{ROOT}/{os.path.basename(each.mount_point)}'
                os.mkdir(point)
                if each.is_v2():
                        sys_calls.mount('cgroup2', point, 'cgroup2')
                else:
                        named = 'none,' + each.name if each.name.startswith('name=') else each.name
                        sys_calls.mount('cgroup', point, 'cgroup', 0, named)


def mask_all():
        """Takes every mount at or below /sys/fs/cgroup away, in this mount namespace alone."""
        while True:
                points = [point for _, point, _, _ in _mounts() if point.startswith(ROOT)]
                if not points:
                        break
                sys_calls.umount(max(points, key=len), sys_calls.MNT_DETACH)
        with open('/proc/self/mounts') as mounts:
                if any(line.split()[1] == ROOT for line in mounts):
                        sys_calls.umount(ROOT, sys_calls.MNT_DETACH)


def v2_root(cgroup):
        return ROOT if cgroup == 'v2' else ROOT + '/unified'


def leaf(cgroup, path):
        """Makes a cgroup of the run's v2 tree, with its parents."""
        folder = v2_root(cgroup) + path
        os.makedirs(folder, exist_ok=True)
        return folder


def join_v1(pid, path):
        """Puts a process where runc would put its container: one cgroup in each v1 hierarchy, with a device list."""
        for name in os.listdir(ROOT):
                point = os.path.join(ROOT, name)
                if name == 'unified' or os.path.islink(point):
                        continue
                folder = point
                for part in path.strip('/').split('/'):
                        folder = os.path.join(folder, part)
                        if not os.path.isdir(folder):
                                _make(folder)
                if os.path.exists(folder + '/devices.deny'):
                        _write(folder + '/devices.deny', 'a')
                        for device in DEVICES:
                                _write(folder + '/devices.allow', device)
                _write(folder + '/cgroup.procs', str(pid))


def _remove_tree(folder):
        for path, _, _ in os.walk(folder, topdown=False):
                try:
                        os.rmdir(path)
                except FileNotFoundError:
                        pass


def remove(folders, seconds=5):
        """Ends whatever is still inside and removes the folders; True when nothing is left."""
        end = time.monotonic() + seconds
        while True:
                for folder in folders:
                        try:
                                if os.path.exists(folder + '/cgroup.kill'):
                                        _write(folder + '/cgroup.kill', '1')
                                _remove_tree(folder)
                        except OSError:
                                pass
                if not any(os.path.exists(folder) for folder in folders):
                        return True
                if time.monotonic() > end:
                        return False
                time.sleep(0.02)
