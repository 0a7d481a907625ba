# SPDX-License-Identifier: Apache-2.0
"""Containers whose init is tests/rogue/hostile, and rounds of commands in them while it attacks. After each scenario: no finding of its
watchers, the marker file of the host unopened, the helper's file unchanged, its processes, descriptors and cgroups as before."""
import ctypes
import hashlib
import mmap
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'helper'))
from lab import *

ROUNDS = int(os.environ.get('HOSTILE_ROUNDS', '0'))     # 0: each scenario's own small number
SEED = int(os.environ.get('HOSTILE_SEED', '0')) or int.from_bytes(os.urandom(4), 'little')
HOSTILE = BUILD + '/tests/rogue/hostile'
HELPER = '/run/airlock-test/libexec/airlock-helper'
MARKER = WORLD + '/marker'
ANY = 2 ** 64 - 1
BOUND = 9       # seconds: deadline of a start, of a status and of an end, one after the other
FIELDS = ('go', 'caps', 'bounding', 'uid', 'gid', 'group', 'seccomp', 'forge', 'strangers', 'early', 'seized', 'fds', 'opened', 'refused', 'last')
libc = ctypes.CDLL(None, use_errno=True)
AS_APP = dict(uid=1000, gid=1000, groups=[1001])
SHARED = engines.CAPS + ['CAP_SYS_PTRACE', 'CAP_DAC_OVERRIDE', 'CAP_DAC_READ_SEARCH', 'CAP_FOWNER', 'CAP_SYS_CHROOT', 'CAP_SETUID', 'CAP_SETGID']
EVERYTHING = ['CAP_' + name for name in CAP]


class Page:
    """What the driver and the hostile init share: struct page of hostile.h."""

    def __init__(self, path):
        with open(path, 'r+b') as f:
            self.map = mmap.mmap(f.fileno(), 4096)

    def __getattr__(self, name):
        return struct.unpack_from('=Q', self.map, 8 * FIELDS.index(name))[0]

    def put(self, **values):
        for name, value in values.items():
            struct.pack_into('=Q', self.map, 8 * FIELDS.index(name), value)

    def rounds(self):
        return sum(struct.unpack_from('=24Q', self.map, 8 * len(FIELDS)))


class Marker:
    """A file of the host that every path of a hostile container points at; the kernel tells of each touch."""

    def start(self):
        self.text = os.urandom(16).hex()
        with open(MARKER, 'w') as f:
            f.write(self.text)
        self.fd = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self.fd < 0 or libc.inotify_add_watch(self.fd, MARKER.encode(), 0xfff) < 0:
            raise OSError(ctypes.get_errno(), 'inotify')

    def touches(self):
        """Number of events since the last call."""
        try:
            return len(os.read(self.fd, 65536)) // 16
        except BlockingIOError:
            return 0


marker = Marker()


def bind_into(pid, folder, inside):
    """A host's folder on one inside: a container that was given its own cgroup."""
    tree = libc.syscall(428, -100, folder.encode(), 1)      # open_tree, OPEN_TREE_CLONE
    if tree < 0:
        raise OSError(ctypes.get_errno(), f'open_tree {folder}')
    ns = os.open(f'/proc/{pid}/ns/mnt', os.O_RDONLY)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            if libc.setns(ns, 0) == 0 and libc.syscall(429, tree, b'', -100, inside.encode(), 4) == 0:      # move_mount
                code = 0
        finally:
            os._exit(code)
    os.close(ns)
    os.close(tree)
    equal(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 0, f'bind of {folder}')


def hostile(name, attacks, userns=False, caps=None, prepare=None, change=None, **process):
    """A container that waits for begin() with its attacks."""
    def bend(config):
        root = config['root']['path']
        shutil.copy(HOSTILE, root + '/bin/hostile')
        for file in ('hostile', 'findings'):
            with open(f'{root}/{file}', 'wb') as f:
                f.write(bytes(4096) if file == 'hostile' else b'')
            os.chmod(f'{root}/{file}', 0o666)
        names = caps or (EVERYTHING if userns else SHARED)
        config['process']['capabilities'] = {kind: names for kind in ('bounding', 'effective', 'permitted')}
        config['linux'].update(maskedPaths=[], readonlyPaths=[])
        if prepare:
            prepare(root)
        if change:
            change(config)
        if userns:
            shift(root)
    t = container(name, userns, args=['/bin/hostile', 'init', *attacks], change=bend, **process)
    t.page, t.findings = Page(t.root + '/hostile'), t.root + '/findings'
    return t


def shift(root):
    """What was added after the harness had given the tree to the mapped root."""
    for path, _, files in os.walk(root):
        for entry in [path] + [os.path.join(path, name) for name in files]:
            info = os.lstat(entry)
            if info.st_uid < engines.SUB_ID:
                os.lchown(entry, engines.SUB_ID + info.st_uid, engines.SUB_ID + info.st_gid)


def begin(t, uid=1000, gid=1000, group=1001, seccomp=2, caps=None):
    bound = bounding(t.pid)
    t.page.put(caps=(bound if uid == 0 else 0) if caps is None else caps, bounding=bound, uid=uid, gid=gid, group=group, seccomp=seccomp)
    t.page.put(go=1)
    within(5, lambda: t.page.rounds() > 0, 'a first round of an attack')


def findings(t):
    with open(t.findings) as f:
        return f.read().splitlines()


def outcome(t, argv, read=True, **how):
    """('ran', status, output), ('refused', reason) or ('ended', flags): whatever it is, within its bound."""
    began = time.monotonic()
    s = t.session(argv, **how)
    try:
        started = s.started(BOUND)
        s.close_stdin()
        for fd in started.fds:
            os.close(fd)
        out = read_all(s.stdout) if read and s.stdout is not None else b''
        end = s.exited(BOUND)
        flags = end.flags - {'delegated'}       # said of every target whose cgroup is its own
        return ('ended', *sorted(flags)) if flags else ('ran', end.code, out.decode(errors='replace'))
    except Refused as why:
        return 'refused', why.reason
    finally:
        s.close()
        took = time.monotonic() - began
        t.longest = max(getattr(t, 'longest', 0), took)
        if took > BOUND:
            fail(f'a round took {took:.1f} s: {argv}')


class Baseline:
    """The helper as it was: processes, descriptors, file."""

    def __init__(self):
        self.listener = listener()
        self.now = self._look()
        self.hash = self._hash()

    def _look(self):
        return len(open_fds(self.listener)), len(helper_pids())

    @staticmethod
    def _hash():
        with open(HELPER, 'rb') as f:
            return hashlib.sha256(f.read()).hexdigest()

    def check(self, t):
        within(12, lambda: not t.sessions(), f'the end of all cgroups of {t.name}')
        equal(listener(), self.listener, 'the listener')
        within(5, lambda: self._look() <= self.now, f'descriptors and processes as before, {self.now}')
        equal(self._hash(), self.hash, "the helper's file")


class Rounds:
    """Counts outcomes; one that is not expected fails at once, with its round's number."""

    def __init__(self, name, small):
        self.name, self.n, self.rng, self.seen = name, ROUNDS or small, random.Random(SEED), {}

    def run(self, t, one, expected, enough=lambda: True):
        """enough(): what must have happened at least once; where the machine is busy, more rounds until it has."""
        baseline, began, i = Baseline(), time.monotonic(), 0
        marker.touches()
        while i < self.n or not enough() and i < 30 * self.n:
            got, wanted = one(self.rng), expected
            if isinstance(got, tuple) and isinstance(got[0], tuple):
                got, wanted = got
            word = ' '.join(str(each) for each in got[:2])
            self.seen[word] = self.seen.get(word, 0) + 1
            if not wanted(got):
                fail(f'round {i} of {self.n}, seed {SEED}: {got}')
            i += 1
        self.n = i
        equal(bool(enough()), True, f'what {i} rounds must have shown ({self.seen})')
        self.end(t, baseline, time.monotonic() - began)

    def end(self, t, baseline, took):
        p = t.page
        print(f'# {self.name}: {self.n} rounds in {took:.0f} s, longest {t.longest:.2f} s, {dict(sorted(self.seen.items()))}; attacks '
              f'{p.rounds()}, commands looked at {p.strangers}, with the helper\'s text {p.early}, held {p.seized}, descriptors {p.fds}, '
              f'taken {p.opened}, write-opens refused {p.refused}', flush=True)
        equal(findings(t)[:5], [], 'findings')
        equal(is_alive(t.pid), True, 'the hostile init, alive')
        equal(marker.touches(), 0, 'touches of the marker')
        with open(MARKER) as f:
            equal(f.read(), marker.text, 'the marker')
        marker.touches()
        baseline.check(t)


def ran(*codes, reasons=(), flags=()):
    """A judge: it ran and ended with one of these, or was refused for one of these reasons."""
    def judge(got):
        return got[0] == 'ran' and got[1] in codes or got[0] == 'refused' and got[1] in reasons or got[0] == 'ended' and set(got[1:]) <= set(flags)
    return judge


def watched(name, small, uid, userns, forge=0, reasons=(), enough=lambda page: True):
    how = AS_APP if uid else {}
    t = hostile(name, ['watch', 'seize'], userns)
    t.page.put(forge=forge)
    begin(t, uid, uid, 1001 if uid else ANY)
    rounds = Rounds(name, small)
    rounds.run(t, lambda rng: outcome(t, ['/bin/true'], **how), ran(0, reasons=reasons), lambda: t.page.strangers >= small // 10 and enough(t.page))
    t.end()
    return t


def freezing(name, attack, bind, userns=False):
    t = hostile(name, [attack], userns, prepare=lambda root: (os.mkdir(root + '/cg1'), os.mkdir(root + '/cg2')), cgroup=f'/targets/{name}/main')
    bind(t)
    begin(t)
    set_ceiling(f'CgroupPattern=/targets/{name}/main\n')
    ok = ran(0, reasons=('TARGET_FROZEN', 'STUCK'), flags=('unkillable', 'status-withheld'))
    rounds = Rounds(name, 60)
    rounds.run(t, lambda rng: outcome(t, ['/bin/true'], **AS_APP), ok, lambda: {'refused TARGET_FROZEN', 'ran 0'} <= set(rounds.seen))
    set_ceiling()
    t.end()
