# SPDX-License-Identifier: Apache-2.0
"""File descriptors of every kind that must not reach a command: SECURITY F1 and ARCHITECTURE §5. Each maker returns (fd, others to keep)."""
import ctypes
import fcntl
import os
import pty
import socket
import struct
import tempfile

libc = ctypes.CDLL(None, use_errno=True)
NR = dict(bpf=321, epoll_create1=291, eventfd2=290, timerfd_create=283, signalfd4=289, inotify_init1=294, fanotify_init=300,
          io_uring_setup=425, userfaultfd=323, perf_event_open=298, pidfd_open=434, memfd_create=319, mq_open=240, fsopen=430,
          open_tree=428, landlock_create_ruleset=444, memfd_secret=447)


def call(name, *args):
    fd = libc.syscall(NR[name], *args)
    if fd < 0:
        e = ctypes.get_errno()
        raise OSError(e, f'{name}: {os.strerror(e)}')
    return fd


def opened(path, flags=os.O_RDONLY):
    return lambda: (os.open(path, flags), ())


def temporary(flags, folder=None):
    def make():
        fd, path = tempfile.mkstemp(dir=folder)
        os.close(fd)
        fd = os.open(path, flags)
        os.unlink(path)
        return fd, ()
    return make


def o_path_pipe():
    r, w = os.pipe()
    fd = os.open(f'/proc/self/fd/{r}', os.O_PATH)
    return fd, (r, w)


def terminal(which):
    def make():
        pair = pty.openpty()
        return pair[which], (pair[1 - which],)
    return make


def socket_of(family, kind, protocol=0, listening=False):
    def make():
        s = socket.socket(family, kind, protocol)
        if listening:
            if family == socket.AF_UNIX:
                s.bind('\0airlock-test-' + os.urandom(8).hex())
            s.listen(1)
        return s.detach(), ()
    return make


def pair_of(kind):
    def make():
        a, b = socket.socketpair(socket.AF_UNIX, kind)
        return a.detach(), (b.detach(),)
    return make


def inet_of(which, family=socket.AF_INET):
    """One of a server's sockets: that which listens, or a side of a connection."""
    def make():
        server = socket.socket(family, socket.SOCK_STREAM)
        server.bind(('::1' if family == socket.AF_INET6 else '127.0.0.1', 0))
        server.listen(1)
        client = socket.create_connection(server.getsockname()[:2])
        accepted = server.accept()[0]
        three = {'listening': server, 'client': client, 'accepted': accepted}
        return three.pop(which).detach(), tuple(s.detach() for s in three.values())
    return make


def inet_bound():
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    s.bind(('127.0.0.1', 0))
    return s.detach(), ()


def inet_disconnected():
    """Connected once, and free again to go anywhere: connect(2) to AF_UNSPEC."""
    fd, others = inet_of('client')()
    nowhere = struct.pack('=H14x', socket.AF_UNSPEC)
    if libc.connect(fd, nowhere, len(nowhere)) < 0:
        raise OSError(ctypes.get_errno(), 'connect to AF_UNSPEC')
    return fd, others


def udp_connected():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.connect(('127.0.0.1', 9))
    return s.detach(), ()


def unix_bound():
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.bind('\0airlock-test-' + os.urandom(8).hex())
    return s.detach(), ()


def socket_with_directory():
    """A socket in whose queue a directory waits: the command would only have to receive it."""
    a, b = socket.socketpair()
    directory = os.open('/', os.O_RDONLY)
    socket.send_fds(b, [b'x'], [directory])
    os.close(directory)
    return a.detach(), (b.detach(),)


def named_fifo():
    folder = tempfile.mkdtemp()
    os.mkfifo(folder + '/fifo')
    fd = os.open(folder + '/fifo', os.O_RDWR)
    os.unlink(folder + '/fifo')
    os.rmdir(folder)
    return fd, ()


def block_device():
    folder = tempfile.mkdtemp(dir='/run')
    try:
        for device in ((7, 0), (7, 1), (253, 0), (1, 0)):
            path = f'{folder}/{device[0]}'
            os.mknod(path, 0o60600, os.makedev(*device))
            try:
                return os.open(path, os.O_RDONLY | os.O_NONBLOCK), ()
            except OSError:
                pass
        raise OSError('no block device can be opened')
    finally:
        for name in os.listdir(folder):
            os.unlink(f'{folder}/{name}')
        os.rmdir(folder)


def sysfs_file():
    return os.open('/sys/kernel/mm/transparent_hugepage/enabled' if os.path.exists('/sys/kernel/mm/transparent_hugepage/enabled')
                   else '/sys/kernel/notes', os.O_RDONLY), ()


def bpf_map():
    attr = struct.pack('=IIII', 2, 4, 4, 1) + b'\0' * 104
    return call('bpf', 0, attr, len(attr)), ()


def bpf_program():
    insns = struct.pack('=BBhi', 0xb7, 0, 0, 0) + struct.pack('=BBhi', 0x95, 0, 0, 0)
    code, name = ctypes.create_string_buffer(insns), ctypes.create_string_buffer(b'GPL')
    attr = struct.pack('=IIQQ', 1, 2, ctypes.addressof(code), ctypes.addressof(name)) + b'\0' * 96
    return call('bpf', 5, attr, len(attr)), (code, name)


def signal_fd():
    mask = ctypes.c_uint64(1)
    return call('signalfd4', -1, ctypes.byref(mask), 8, 0), ()


def io_uring():
    params = ctypes.create_string_buffer(120)
    return call('io_uring_setup', 1, params), ()


def perf_event():
    attr = bytearray(struct.pack('=IIQ', 1, 112, 0) + b'\0' * 96)
    buf = (ctypes.c_char * len(attr)).from_buffer(attr)
    return call('perf_event_open', buf, 0, -1, -1, 0), ()


def message_queue():
    name = b'airlock-test-%d' % os.getpid()
    fd = call('mq_open', name, os.O_RDWR | os.O_CREAT, 0o600, None)
    libc.syscall(241, name)
    return fd, ()


def landlock():
    attr = struct.pack('=Q', 1)
    return call('landlock_create_ruleset', attr, 8, 0), ()


def file_of_mount(path, kind):
    def make():
        with open('/proc/self/mounts') as mounts:
            if not any(line.split()[2] == kind for line in mounts):
                raise OSError(f'no {kind} is mounted')
        return os.open(path, os.O_RDONLY), ()
    return make


def memfd_kind(sealed):
    def make():
        fd = os.memfd_create('kind', os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.write(fd, b'x')
        if sealed:
            fcntl.fcntl(fd, fcntl.F_ADD_SEALS, 0xf)
        return fd, ()
    return make


RDWR, PATH, DIRECTORY = os.O_RDWR, os.O_PATH, os.O_DIRECTORY
KINDS = {
    'directory': opened('/tmp', DIRECTORY),
    'root-directory': opened('/', DIRECTORY),
    'o-path-directory': opened('/', PATH | DIRECTORY),
    'o-path-file': opened('/etc/passwd', PATH),
    'o-path-pipe': o_path_pipe,
    'terminal': terminal(1),
    'terminal-master': terminal(0),
    'ptmx': opened('/dev/ptmx', RDWR | os.O_NOCTTY),
    'file-read': temporary(os.O_RDONLY),
    'file-write': temporary(os.O_WRONLY),
    'file-read-write': temporary(RDWR),
    'file-on-tmpfs': temporary(RDWR, '/dev/shm'),
    'host-shadow': opened('/etc/shadow'),
    'proc-file': opened('/proc/self/status'),
    'proc-mem': opened('/proc/self/mem', RDWR),
    'proc-sys': opened('/proc/sys/kernel/core_pattern'),
    'proc-directory': opened('/proc', DIRECTORY),
    'sysfs-file': sysfs_file,
    'namespace': opened('/proc/self/ns/mnt'),
    'pidfd': lambda: (call('pidfd_open', os.getpid(), 0), ()),
    'cgroup-directory': opened('/sys/fs/cgroup', DIRECTORY),
    'cgroup-file': lambda: (os.open('/sys/fs/cgroup' + ('/unified' if os.path.isdir('/sys/fs/cgroup/unified') else '')
                                    + '/cgroup.controllers', os.O_RDONLY), ()),
    'block-device': block_device,
    'host-null': opened('/dev/null', RDWR),
    'host-zero': opened('/dev/zero', RDWR),
    'host-random': opened('/dev/urandom'),
    'kmsg': opened('/dev/kmsg'),
    'unix-stream': pair_of(socket.SOCK_STREAM),
    'unix-dgram': pair_of(socket.SOCK_DGRAM),
    'unix-seqpacket': pair_of(socket.SOCK_SEQPACKET),
    'unix-fresh': socket_of(socket.AF_UNIX, socket.SOCK_STREAM),
    'unix-bound': unix_bound,
    'unix-listening': socket_of(socket.AF_UNIX, socket.SOCK_STREAM, listening=True),
    'unix-with-directory': socket_with_directory,
    'inet-connected': inet_of('client'),
    'inet-accepted': inet_of('accepted'),
    'inet-bound': inet_bound,
    'inet-disconnected': inet_disconnected,
    'inet-fresh': socket_of(socket.AF_INET, socket.SOCK_STREAM),
    'inet-listening': inet_of('listening'),
    'inet6': socket_of(socket.AF_INET6, socket.SOCK_STREAM),
    'inet6-connected': inet_of('client', socket.AF_INET6),
    'inet6-listening': inet_of('listening', socket.AF_INET6),
    'mptcp': socket_of(socket.AF_INET, socket.SOCK_STREAM, 262),
    'mptcp-listening': socket_of(socket.AF_INET, socket.SOCK_STREAM, 262, listening=True),
    'udp': socket_of(socket.AF_INET, socket.SOCK_DGRAM),
    'udp-connected': udp_connected,
    'raw': socket_of(socket.AF_INET, socket.SOCK_RAW, 1),
    'packet': socket_of(socket.AF_PACKET, socket.SOCK_RAW),
    'netlink': socket_of(socket.AF_NETLINK, socket.SOCK_RAW),
    'epoll': lambda: (call('epoll_create1', 0), ()),
    'eventfd': lambda: (call('eventfd2', 0, 0), ()),
    'timerfd': lambda: (call('timerfd_create', 1, 0), ()),
    'signalfd': signal_fd,
    'inotify': lambda: (call('inotify_init1', 0), ()),
    'fanotify': lambda: (call('fanotify_init', 0, 0), ()),
    'io-uring': io_uring,
    'userfaultfd': lambda: (call('userfaultfd', 1), ()),
    'perf-event': perf_event,
    'bpf-map': bpf_map,
    'bpf-program': bpf_program,
    'landlock': landlock,
    'message-queue': message_queue,
    'file-system-context': lambda: (call('fsopen', b'tmpfs', 0), ()),
    'mount': lambda: (call('open_tree', -100, b'/', 1), ()),
    'memfd': memfd_kind(False),
    'memfd-sealed': memfd_kind(True),
    'named-fifo': named_fifo,
}

# What FdKinds= can allow, by its names; nothing else of KINDS is ever passed.
ALLOWABLE = {
    'inet': ('inet-connected', 'inet-accepted', 'inet6-connected'),
    'inet-listen': ('inet-listening', 'inet6-listening'),
    'unix': ('unix-stream', 'unix-with-directory'),
    'file': ('file-read', 'file-write', 'file-read-write', 'file-on-tmpfs', 'host-shadow', 'memfd', 'memfd-sealed'),
}


def make(kind):
    """(fd, others) or None where this kernel has no such thing, with the reason printed."""
    try:
        return KINDS[kind]()
    except OSError as why:
        print(f'# {kind}: {why}')
        return None


def drop(made):
    fd, others = made
    for each in (fd, *others):
        if isinstance(each, int):
            os.close(each)


def can_be_sent(fd):
    a, b = socket.socketpair()
    with a, b:
        try:
            socket.send_fds(a, [b'x'], [fd])
        except OSError:
            return False
        for each in socket.recv_fds(b, 1, 1)[1]:
            os.close(each)
    return True
