# SPDX-License-Identifier: Apache-2.0
"""Processes that are no container, or not the one that was approved: what a broker that was taken over might name as a target."""
import ctypes
import itertools
import threading

from lab import *

libc = ctypes.CDLL(None, use_errno=True)
NEWNS, NEWPID, NEWUSER, NEWCGROUP, NEWUTS = 0x20000, 0x20000000, 0x10000000, 0x02000000, 0x04000000
PIDFD_THREAD = os.O_EXCL
_numbers = itertools.count()


def unshare(flags):
    if libc.unshare(flags) < 0:
        e = ctypes.get_errno()
        raise OSError(e, os.strerror(e))


def join(folder, pid='0'):
    with open(folder + '/cgroup.procs', 'w') as f:
        f.write(str(pid))


class Fake:
    """pid: what the plan names; pidfd: what is passed; end() ends what was started."""

    def __init__(self, pid, pidfd=None, helpers=(), folders=()):
        self.pid, self.helpers, self.folders = pid, helpers, folders
        self.pidfd = pidfd_open(pid) if pidfd is None else pidfd

    def end(self):
        os.close(self.pidfd)
        for pid in self.helpers:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            try:
                os.waitpid(pid, 0)
            except ChildProcessError:
                pass
        for folder in self.folders:
            within(5, lambda folder=folder: not os.path.exists(folder) or _rmdir(folder), f'removal of {folder}')


def _rmdir(folder):
    try:
        os.rmdir(folder)
        return True
    except OSError:
        return False


def _stay(write_end, text=b'ready'):
    os.write(write_end, text)
    os.close(write_end)
    while True:
        time.sleep(1000)


def process(*steps, folder=None, inner=(), fork=False):
    """A child that takes these steps and stays; with fork=True its own child does, after it, with the steps of inner."""
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(r)
            if folder:
                join(folder)
            for step in steps:
                step()
            if not fork:
                _stay(w)
            child = os.fork()
            if child == 0:
                for step in inner:
                    step()
                _stay(w, b'')
            os.write(w, b'%d' % child)
            os.close(w)
            while True:
                time.sleep(1000)
        except BaseException as why:
            os.write(w, f'!{why}'.encode())
        finally:
            os._exit(1)
    os.close(w)
    said = b''
    while chunk := os.read(r, 1000):
        said += chunk
    os.close(r)
    if said.startswith(b'!'):
        raise RuntimeError(said.decode())
    return pid, int(said) if said.isdigit() else pid


def private_mounts():
    if libc.mount(b'none', b'/', None, 0x4000 | 0x40000, None) < 0:
        raise OSError(ctypes.get_errno(), 'mount')


def become(user):
    def step():
        p = pwd.getpwnam(user)
        os.setgroups([])
        os.setresgid(p.pw_gid, p.pw_gid, p.pw_gid)
        os.setresuid(p.pw_uid, p.pw_uid, p.pw_uid)
    return step


def folder(name, owner=None):
    path = f'{CGROUP}/{name}'
    os.makedirs(path, exist_ok=True)
    if owner:
        p = pwd.getpwnam(owner)
        os.chown(path, p.pw_uid, p.pw_gid)
        for file in ('cgroup.procs', 'cgroup.subtree_control'):
            os.chown(f'{path}/{file}', p.pw_uid, p.pw_gid)
    return path


def children(pid):
    found = []
    for name in os.listdir('/proc'):
        if name.isdigit():
            try:
                if parent(name) == pid:
                    found.append(int(name))
            except (OSError, KeyError):
                pass
    return found


def descend(pid, count):
    """The process below pid that is init of its own pid namespace: number 1 inside."""
    def look():
        for each in children(pid):
            if status_of(each)['NSpid'].split()[-1] == '1':
                return each
        return None
    return within(5, look, 'an init')


# --- the fakes; each makes one

def host_process():
    pid, _ = process(folder=folder('targets/fake-host'))
    return Fake(pid, helpers=[pid], folders=[CGROUP + '/targets/fake-host'])


def only_mnt():
    pid, _ = process(lambda: unshare(NEWNS), folder=folder('targets/fake-mnt'))
    return Fake(pid, helpers=[pid], folders=[CGROUP + '/targets/fake-mnt'])


def only_pid():
    outer, _ = process(lambda: unshare(NEWPID), folder=folder('targets/fake-pid'), fork=True)
    pid = descend(outer, 1)
    return Fake(pid, helpers=[pid, outer], folders=[CGROUP + '/targets/fake-pid'])


def mnt_and_pid(name, *steps, owner=None, cgroup=None, inner=()):
    """What a container is, as far as namespaces go: a process that is init of a pid namespace, in a mount namespace of its own."""
    path = folder(cgroup or 'targets/' + name, owner)
    outer, _ = process(lambda: unshare(NEWNS | NEWPID), *steps, folder=path, fork=True, inner=inner)
    pid = descend(outer, 1)
    return Fake(pid, helpers=[pid, outer], folders=[path])


def good():
    return mnt_and_pid('fake-good')


def chroot_only():
    """Namespaces of its own, but its root is a folder of what its mount namespace calls /: entering would land in the host's tree."""
    return mnt_and_pid('fake-chroot', inner=[lambda: os.chroot(WORLD + '/bundle/demo/rootfs'), lambda: os.chdir('/')])


def users_userns():
    """alice's own user namespace: unshare -Urpf --mount, in a cgroup of root's."""
    path = folder('targets/fake-alice')
    outer, _ = process(become('alice'), lambda: unshare(NEWUSER | NEWNS | NEWPID), folder=path, fork=True)
    pid = descend(outer, 1)
    uid = pwd.getpwnam('alice').pw_uid
    for name, text in (('setgroups', 'deny'), ('uid_map', f'0 {uid} 1'), ('gid_map', f'0 {pwd.getpwnam("alice").pw_gid} 1')):
        with open(f'/proc/{outer}/{name}', 'w') as f:
            f.write(text)
    return Fake(pid, helpers=[pid, outer], folders=[path])


def users_cgroup():
    """A container's namespaces in a cgroup that belongs to alice, at an allowed place."""
    return mnt_and_pid('fake-alice-cgroup', owner='alice')


def deeper_cgroup():
    """A cgroup named like an engine's, but deeper, in a subtree of alice's own."""
    folder('user.slice/alice/docker', owner='alice')
    return mnt_and_pid('fake-deeper', cgroup='user.slice/alice/docker/0123456789abcdef', owner='alice')


def root_cgroup():
    return mnt_and_pid('fake-elsewhere', cgroup='elsewhere/fake')


def zombie():
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    pidfd = pidfd_open(pid)
    within(3, lambda: status_of(pid)['State'][0] == 'Z', 'a zombie')
    fake = Fake(pid, pidfd=pidfd, helpers=[pid])
    fake.pid = 0        # it has no namespaces any more that a plan could name
    return fake


def dead():
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    pidfd = pidfd_open(pid)
    os.waitpid(pid, 0)
    fake = Fake.__new__(Fake)
    fake.pid, fake.pidfd, fake.helpers, fake.folders = 0, pidfd, (), ()
    return fake


def thread():
    """A thread that is not its group's leader; pidfds of such exist since Linux 6.9, before none can be made."""
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        threading.Thread(target=lambda: _stay(w, b'%d' % threading.get_native_id()), daemon=True).start()
        time.sleep(1000)
    os.close(w)
    tid = int(os.read(r, 100))
    fd = libc.syscall(434, tid, PIDFD_THREAD)
    if fd < 0:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        return None
    return Fake(pid, pidfd=fd, helpers=[pid])


def init():
    return Fake(1)


def helper():
    return Fake(listener())


def broker():
    for name in os.listdir('/proc'):
        try:
            if name.isdigit() and status_of(name)['Uid'].split()[0] == str(pwd.getpwnam('airlock').pw_uid):
                return Fake(int(name))
        except (OSError, KeyError):
            pass
    return None


def not_init():
    """Another process of a real container: not the init, so its end would not end the others."""
    t = container(f'fake-second-{next(_numbers)}')
    s = t.session(['/bin/sleep', '1000'])
    fake = Fake(s.started().pid)
    s.sock.close()
    fake.container = t
    return fake


def nested():
    """A container in a container: a pid namespace two levels down."""
    path = folder('targets/fake-nested')
    outer, _ = process(lambda: unshare(NEWNS | NEWPID), folder=path, fork=True, inner=[lambda: unshare(NEWNS | NEWPID), lambda: os.fork()])
    first = descend(outer, 1)
    pid = descend(first, 1)
    return Fake(pid, helpers=[pid, first, outer], folders=[path])


# name: (maker, the reason it is refused with)
FAKES = {
    'host-process': (host_process, 'TARGET_PID'),
    'only-mount-namespace': (only_mnt, 'TARGET_PID'),
    'only-pid-namespace': (only_pid, 'TARGET_MNT'),
    'users-user-namespace': (users_userns, 'TARGET_USERNS'),
    'users-cgroup': (users_cgroup, 'TARGET_CGROUP_OWNER'),
    'deeper-cgroup': (deeper_cgroup, 'TARGET_CGROUP'),
    'other-cgroup': (root_cgroup, 'TARGET_CGROUP'),
    'changed-root': (chroot_only, 'TARGET_ROOT'),
    'zombie': (zombie, 'TARGET_DEAD'),
    'dead-pidfd': (dead, 'TARGET_DEAD'),
    'thread': (thread, 'TARGET_THREAD'),
    'process-1': (init, 'TARGET_OURS'),
    'helper': (helper, 'TARGET_OURS'),
    'broker': (broker, 'TARGET_PID'),
    'not-the-init': (not_init, 'TARGET_INIT'),
    'nested': (nested, 'TARGET_NESTED'),
}
