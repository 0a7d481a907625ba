# SPDX-License-Identifier: Apache-2.0
"""The protocol between broker and helper, spoken from Python: for tests of the helper alone and for hostile ones.

Every field can be given a wrong value on purpose. Layouts are common/wire.h's, held against it by tests/lint/wire.
"""
import array, fcntl, os, pwd, re, socket, struct, time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
RUN_DIR = os.environ.get('AIRLOCK_RUN_DIR', '/run/airlock-test/run')
SETUID_HELPER = '/run/airlock-test/libexec/airlock-helper'

MAGIC, VERSION = 0x314b4c41, 2
DESCRIBE, LIST, OPEN, EXEC = 1, 2, 3, 4
REFUSED, FACTS, NAMES, FILE, STARTED, EXITED, HELLO = 32, 33, 34, 35, 36, 37, 38
SIGNAL, STOP, RESIZE, CLOSE_STDIN, ACK, FETCH = 64, 65, 66, 67, 68, 69
SLOT_PLAN, SLOT_TARGET, SLOT_FILTER, SLOT_STDIN, SLOT_STDOUT, SLOT_STDERR, SLOT_EXTRA = range(7)
NNP, TTY, LISTED32, KEEP_LEFTOVERS, KEEP_GONE, STDERR_OWN, WANT_ACK = (1 << i for i in range(7))
ALL_SEALS = 0xf
GROUPS = 64


def names_of(header, macro):
    """The X-macro list `macro` of a header, in order, counted from 1 as its enum is."""
    text = open(os.path.join(TOP, 'common', header)).read()
    body = re.search(r'#define ' + macro + r'\(X\)(.*?)\n(?!.*\\$)(?=enum|$|\n)', text, re.S | re.M).group(1)
    return {i + 1: n for i, n in enumerate(re.findall(r'X\((\w+)', body))}


REASONS = names_of('reason.h', 'REASONS')
STEPS = names_of('wire.h', 'WIRE_STEPS')


def head(kind, size, n_fds, magic=MAGIC, version=VERSION):
    return struct.pack('=IHHII', magic, version, kind, size, n_fds)


def memfd(data, seals=ALL_SEALS, name='test'):
    fd = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.write(fd, data)
    if seals:
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, seals)
    return fd


def pidfd_open(pid):
    return os.pidfd_open(pid, 0)


def ns_inode(pid, name):
    return os.stat(f'/proc/{pid}/ns/{name}').st_ino


def start_ticks(pid):
    return int(open(f'/proc/{pid}/stat').read().rsplit(')', 1)[1].split()[19])


def identity(pid):
    return (ns_inode(pid, 'mnt'), ns_inode(pid, 'pid'), ns_inode(pid, 'user'), start_ticks(pid))


def no_new_privs(pid):
    return 'NoNewPrivs:\t1' in open(f'/proc/{pid}/status').read()


def bounding(pid):
    return int(re.search(r'CapBnd:\s*(\w+)', open(f'/proc/{pid}/status').read()).group(1), 16)


class Plan:
    """A plan that is right by default: the target's own capabilities for root, none for others, its no_new_privs."""

    def __init__(self, pid, argv, uid=0, gid=0, groups=(), env=('PATH=/bin:/usr/bin',), cwd='/', flags=0, caps=None, **over):
        self.f = dict(magic=MAGIC, version=VERSION, reserved=0, size=None, flags=flags, session=os.urandom(32),
                      target=identity(pid) if pid else (0, 0, 0, 0), caps=None, wall_ms=0, cpu_ms=0, idle_ms=0, grace_ms=10000,
                      caller_uid=0, uid=uid, gid=gid, n_groups=None, groups=list(groups), rows=0, cols=0, argc=None, envc=None,
                      strings_size=None, cwd=cwd, label='', name='demo', argv=list(argv), env=list(env), strings=None, tail=b'')
        bound = bounding(pid) if pid else 0
        own = bound if uid == 0 else 0
        if pid and no_new_privs(pid):
            self.f['flags'] |= NNP
        self.f['caps'] = caps if caps is not None else (bound, own, own, 0, 0)
        self.f.update(over)

    def bytes(self):
        f = self.f
        enc = lambda s: s if isinstance(s, bytes) else s.encode()
        strings = f['strings']
        if strings is None:
            strings = b''.join(enc(s) + b'\0' for s in [f['cwd'], f['label'], f['name'], *f['argv'], *f['env']])
        strings += f['tail']
        pick = lambda v, d: d if v is None else v
        groups = f['groups'] + [0] * (GROUPS - len(f['groups']))
        fixed = struct.pack('=IHHII32s4Q5Q3Q5I64I5I', f['magic'], f['version'], f['reserved'], pick(f['size'], 440 + len(strings)), f['flags'],
                            f['session'], *f['target'], *f['caps'], f['wall_ms'], f['cpu_ms'], f['idle_ms'], f['grace_ms'],
                            f['caller_uid'], f['uid'], f['gid'], pick(f['n_groups'], len(f['groups'])), *groups[:GROUPS],
                            f['rows'], f['cols'], pick(f['argc'], len(f['argv'])), pick(f['envc'], len(f['env'])),
                            pick(f['strings_size'], len(strings)))
        return fixed + strings


class Refused(Exception):
    def __init__(self, data):
        _, _, _, _, _, self.number, self.step_number, self.err, self.arg = struct.unpack('=IHHIIIIiI', data)
        self.reason = REASONS.get(self.number, str(self.number))
        self.step = STEPS.get(self.step_number, '')
        super().__init__(f'{self.reason} step={self.step} errno={self.err} arg={self.arg}')


class Started:
    def __init__(self, data, fds):
        self.pid, self.inner_pid, self.started_us = struct.unpack_from('=IIQ', data, 16)
        self.trace = struct.unpack_from('=8Q', data, 32)
        self.digest = data[96:128].hex()
        self.cgroup = data[128:].split(b'\0')[0].decode()
        self.fds = fds


class Exited:
    FLAGS = ['delegated', 'held', 'status-withheld', 'unkillable', 'status-lost', 'by-listener']
    BY = ['self', 'stop', 'client-gone', 'timeout', 'broker', 'target', 'supervisor']

    def __init__(self, data):
        self.session = data[16:48]
        flags, self.status, by, self.timeout, self.pid, self.inner_pid = struct.unpack_from('=IiIIII', data, 48)
        self.flags = {n for i, n in enumerate(self.FLAGS) if flags >> i & 1}
        self.ended_by = self.BY[by]
        self.started_us, self.ended_us, self.utime_us, self.stime_us, self.maxrss_kib, self.cpu_us = struct.unpack_from('=6Q', data, 72)
        self.trace = struct.unpack_from('=8Q', data, 120)
        n, *left = struct.unpack_from('=17I', data, 184)
        self.n_leftovers, self.leftovers = n, left[:min(n, 16)]

    @property
    def code(self):
        return os.waitstatus_to_exitcode(self.status)


def _become_helper(inner):
    """The broker's part in setuid mode: its user, one end of a socket pair as fd 3, and the program with the bit."""
    try:
        high = fcntl.fcntl(inner.fileno(), fcntl.F_DUPFD, 100)
        null = os.open('/dev/null', os.O_RDWR)
        for fd in (0, 1, 2):
            os.dup2(null, fd)
        os.dup2(high, 3)
        os.closerange(4, 1000)
        become_broker()
        os.execve(SETUID_HELPER, ['airlock-helper'], {})
    finally:
        os._exit(99)


def start_setuid():
    """A helper of its own for one connection."""
    account = pwd.getpwnam('airlock')
    os.setegid(account.pw_gid)
    os.seteuid(account.pw_uid)
    try:
        outer, inner = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    finally:
        os.seteuid(0)
        os.setegid(0)
    pid = os.fork()
    if pid == 0:
        _become_helper(inner)
    inner.close()
    os.waitpid(pid, 0)
    return outer


def connect(path=None):
    """As user airlock: what counts for SO_PEERCRED is the moment of connect(2), so root stays root for the rest of a test."""
    if path is None and os.environ.get('AIRLOCK_SETUID') == '1' and os.geteuid() == 0:
        return start_setuid()
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    root = os.geteuid() == 0
    if root:
        p = pwd.getpwnam('airlock')
        os.setegid(p.pw_gid)
        os.seteuid(p.pw_uid)
    try:
        s.connect(path or RUN_DIR + '/helper.sock')
    finally:
        if root:
            os.seteuid(0)
            os.setegid(0)
    return s


def send(s, data, fds=()):
    anc = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', fds))] if fds else []
    s.sendmsg([data], anc)


def receive(s, timeout=10):
    """(kind, data, fds); kind None at the end."""
    s.settimeout(timeout)
    try:
        data, anc, _, _ = s.recvmsg(65536, 4096)
    except ConnectionResetError:
        # The peer ended with something of ours unread. What it had said before still waits behind this error.
        try:
            data, anc, _, _ = s.recvmsg(65536, 4096)
        except ConnectionResetError:
            return None, b'', []
    fds = []
    for level, kind, body in anc:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds += array.array('i', body[:len(body) // 4 * 4]).tolist()
    if not data:
        return None, b'', fds
    return struct.unpack_from('=IHH', data)[2], data, fds


def exec_message(slots, n_fds, deadline_ns=None, counter=None, reserved=0, kind=EXEC, **over):
    if deadline_ns is None:
        deadline_ns = time.monotonic_ns() + 5_000_000_000
    if counter is None:
        counter = int.from_bytes(os.urandom(8), 'little') | 1
    body = struct.pack('=QQII', deadline_ns, counter, slots, reserved)
    return head(kind, over.get('size', 16 + len(body)), over.get('n', n_fds), over.get('magic', MAGIC), over.get('version', VERSION)) + body


class Session:
    """An exec over the helper's socket. Streams that are not given become pipes whose outer ends are self.stdin and so on."""

    def __init__(self, plan, target, filter_fd=None, fds=None, streams=(None, None, None), extra=(), slots=None, sock=None, **message):
        self.sock = sock or connect()
        self.stdin = self.stdout = self.stderr = None
        own, table = [], {}
        pidfd = target if isinstance(target, Fd) else pidfd_open(target)
        plan_fd = plan if isinstance(plan, Fd) else memfd(plan.bytes() if isinstance(plan, Plan) else plan)
        own += [int(pidfd), int(plan_fd)]
        table[SLOT_PLAN], table[SLOT_TARGET] = int(plan_fd), int(pidfd)
        if filter_fd is not None:
            table[SLOT_FILTER] = filter_fd
        tty = isinstance(plan, Plan) and plan.f['flags'] & TTY
        for i, name in enumerate(['stdin', 'stdout', 'stderr']):
            if streams[i] == 'null' or (tty and streams[i] is None):
                continue
            if streams[i] is not None:
                table[SLOT_STDIN + i] = streams[i]
                continue
            r, w = os.pipe()
            own.append(r if i == 0 else w)
            table[SLOT_STDIN + i] = r if i == 0 else w
            setattr(self, name, w if i == 0 else r)
        for i, fd in enumerate(extra):
            table[SLOT_EXTRA + i] = fd
        order = sorted(table)
        mask = sum(1 << i for i in order) if slots is None else slots
        sent = [table[i] for i in order] if fds is None else fds
        try:
            send(self.sock, exec_message(mask, len(sent), **message), sent)
        except BrokenPipeError:
            pass # refused before it was read: the reason waits to be received
        for fd in own:
            os.close(fd)

    def close_stdin(self):
        if self.stdin is not None:
            os.close(self.stdin)
            self.stdin = None

    def started(self, timeout=10):
        kind, data, fds = receive(self.sock, timeout)
        if kind == REFUSED:
            raise Refused(data)
        if kind != STARTED:
            raise RuntimeError(f'unexpected report {kind}')
        return Started(data, fds)

    def exited(self, timeout=30):
        kind, data, _ = receive(self.sock, timeout)
        if kind != EXITED:
            raise RuntimeError(f'unexpected report {kind}')
        return Exited(data)

    def signal(self, number, scope=0):
        send(self.sock, head(SIGNAL, 24, 0) + struct.pack('=II', number, scope))

    def stop(self, number=15, grace_ms=10000, by=1):
        send(self.sock, head(STOP, 32, 0) + struct.pack('=IIII', number, grace_ms, by, 0))

    def resize(self, rows, cols):
        send(self.sock, head(RESIZE, 24, 0) + struct.pack('=HHI', rows, cols, 0))

    def close(self):
        self.sock.close()
        for name in ('stdin', 'stdout', 'stderr'):
            fd = getattr(self, name)
            if fd is not None:
                os.close(fd)
                setattr(self, name, None)


class Fd(int):
    """A file descriptor that is sent as it is, in place of what would be made of a pid or a plan."""


def read_all(fd):
    out = b''
    while chunk := os.read(fd, 65536):
        out += chunk
    return out


def run(pid, argv, stdin=b'', **kw):
    """Exit code, output, errors of a command that ends by itself; raises Refused."""
    session_kw = {k: kw.pop(k) for k in list(kw) if k in ('filter_fd', 'streams', 'extra')}
    s = Session(Plan(pid, argv, **kw), pid, **session_kw)
    try:
        s.started()
        if s.stdin is not None and stdin:
            os.write(s.stdin, stdin)
        s.close_stdin()
        out = read_all(s.stdout) if s.stdout is not None else b''
        err = read_all(s.stderr) if s.stderr is not None else b''
        return s.exited().code, out.decode(errors='replace'), err.decode(errors='replace')
    finally:
        s.close()


def become_broker():
    """The helper takes requests of user airlock alone."""
    p = pwd.getpwnam('airlock')
    os.setgroups([])
    os.setresgid(p.pw_gid, p.pw_gid, p.pw_gid)
    os.setresuid(p.pw_uid, p.pw_uid, p.pw_uid)


def allow_all():
    """A filter of one instruction: everything is allowed, and only the floor remains."""
    return memfd(struct.pack('=HBBI', 0x06, 0, 0, 0x7fff0000))
