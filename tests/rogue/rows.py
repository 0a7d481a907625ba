# SPDX-License-Identifier: Apache-2.0
"""What a broker that was taken over may send: one row for each field or slot and class of wrong value, with the one reason it must get.
A row is made anew each time, from a request that would be served, by one change."""
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'helper'))

import fakes
import fdkinds
from lab import *

MARK = ['/bin/touch', '/executed']      # what every request asks for: a file that must never be there
MAX32, MAX64 = 2 ** 32 - 1, 2 ** 64 - 1
ROWS = {}                               # (field, class): (reason, make)
CEILINGS = {}                           # field: what the ceiling has besides while its rows are sent


class Impossible(Exception):
    """This kernel has no such thing to send."""


def row(field, kind, reason, make):
    if (field, kind) in ROWS:
        raise ValueError(f'two rows for {field}, {kind}')
    ROWS[field, kind] = reason, make


class Request:
    """Bytes, fds, and what must live until the answer is there."""

    def __init__(self, data, fds=(), keep=(), after=None):
        self.data, self.fds, self.keep, self.after = data, list(fds), list(keep), after

    def drop(self):
        for fd in [*self.fds, *self.keep]:
            try:
                os.close(fd)
            except OSError:
                pass
        if self.after:
            self.after()


targets = {}


def exec_request(target='demo', plan=None, plan_fd=None, pidfd=None, filter_fd='all', streams=None, extra=(), fds=None, message=None,
                 keep=(), after=None, **fields):
    """A whole request for MARK; every part may be given."""
    t = targets[target]
    flags = fields.pop('set_flags', 0)
    p = Plan(t.pid, MARK, **fields)
    p.f['flags'] |= flags
    table = {SLOT_PLAN: memfd(plan(p.bytes()) if plan else p.bytes()) if plan_fd is None else plan_fd,
             SLOT_TARGET: pidfd_open(t.pid) if pidfd is None else pidfd}
    if filter_fd is not None:
        table[SLOT_FILTER] = allow_all() if filter_fd == 'all' else filter_fd
    keep = list(keep)
    for i in range(3):
        given = (streams or {}).get(i, 'pipe')
        if given == 'none':
            continue
        if given == 'pipe':
            pipe = os.pipe()
            table[SLOT_STDIN + i] = pipe[i > 0]
            keep.append(pipe[i == 0])
        else:
            table[SLOT_STDIN + i] = given
    for i, fd in enumerate(extra):
        table[SLOT_EXTRA + i] = fd
    sent = [table[i] for i in sorted(table)] if fds is None else fds
    message = dict(message or {})
    slots = message.pop('slots', sum(1 << i for i in table))
    n = message.pop('n_fds', len(sent))
    return Request(exec_message(slots, n, **message), sent, keep, after)


def plan_row(field, kind, reason, **fields):
    row(field, kind, reason, lambda: exec_request(**fields))


def patched(offset, form, value):
    """The plan's bytes with one number changed."""
    def change(data):
        data = bytearray(data)
        struct.pack_into(form, data, offset, value)
        return bytes(data)
    return change


# --- the message

def head_rows():
    size = 40
    for kind, value in (('zero', 0), ('one-bit', MAGIC ^ 1), ('swapped', 0x414c4b31), ('ones', MAX32)):
        row('head.magic', kind, 'MSG_MAGIC', lambda value=value: exec_request(message=dict(magic=value)))
    for kind, value in (('zero', 0), ('next', VERSION + 1), ('ones', 65535)):
        row('head.version', kind, 'MSG_VERSION', lambda value=value: exec_request(message=dict(version=value)))
    for kind, value in (('zero', 0), ('after-the-last', 5), ('before-reports', 31), ('a-refusal', REFUSED), ('a-start', STARTED),
                        ('an-end', EXITED), ('a-hello', HELLO), ('a-signal', SIGNAL), ('a-stop', STOP), ('an-ack', ACK), ('a-fetch', FETCH),
                        ('ones', 65535)):
        row('head.kind', kind, 'MSG_OP', lambda value=value: exec_request(message=dict(kind=value)))
    for kind, value in (('zero', 0), ('less', size - 1), ('more', size + 1), ('ones', MAX32)):
        row('head.size', kind, 'MSG_SIZE', lambda value=value: exec_request(message=dict(size=value)))
    for kind, value in (('zero', 0), ('less', 5), ('more', 7), ('ones', MAX32)):
        row('head.n_fds', kind, 'MSG_FDS', lambda value=value: exec_request(message=dict(n_fds=value)))


def message_rows():
    def cut(n):
        def make():
            r = exec_request()
            r.data = head(EXEC, n, len(r.fds))[:n] + r.data[16:n] + b'\0' * max(0, n - len(r.data))
            return r
        return make
    for n in (1, 8, 15):
        row('message', f'{n}-bytes', 'MSG_SIZE', cut(n))
    for kind, n in (('head-alone', 16), ('one-byte-less', 39), ('one-byte-more', 41), ('as-long-as-open', 792)):
        row('message', kind, 'MSG_SIZE', cut(n))
    row('message', 'longer-than-any', 'MSG_TRUNCATED', cut(793))
    row('message', '60000-bytes', 'MSG_TRUNCATED', cut(60000))
    row('message', 'as-describe', 'MSG_SIZE', lambda: exec_request(message=dict(kind=DESCRIBE)))
    row('message', 'as-list', 'MSG_SIZE', lambda: exec_request(message=dict(kind=LIST)))
    row('message', 'as-open', 'MSG_SIZE', lambda: exec_request(message=dict(kind=OPEN)))
    for n in (23, 32, 253):
        def many(n=n):
            r = exec_request(message=dict(n_fds=n))
            r.fds += [os.dup(r.fds[-1]) for _ in range(n - len(r.fds))]
            return r
        row('message', f'{n}-fds', 'MSG_TRUNCATED', many)
    row('message', 'no-fds', 'MSG_FDS', lambda: exec_request(fds=[], message=dict(n_fds=0)))
    row('message', 'one-fd', 'MSG_FDS', lambda: exec_request(fds=[pidfd_open(targets['demo'].pid)], message=dict(n_fds=1)))


def exec_rows():
    now = time.monotonic_ns
    for kind, value in (('zero', lambda: 0), ('now', now), ('past', lambda: now() - 10 ** 9), ('too-far', lambda: now() + 11 * 10 ** 9),
                        ('ones', lambda: MAX64)):
        row('exec.deadline', kind, 'MSG_LATE', lambda value=value: exec_request(message=dict(deadline_ns=value())))
    # Zero is a question: everything is checked, and what passes is late.
    row('exec.deadline', 'zero-unconfined', 'UNCONFINED', lambda: exec_request(filter_fd=None, message=dict(deadline_ns=0)))
    row('exec.deadline', 'zero-all-caps', 'CAPS_CEILING', lambda: exec_request(caps=((1 << 41) - 1,) * 3 + (0, 0), message=dict(deadline_ns=0)))
    row('exec.deadline', 'zero-replayed', 'MSG_LATE', lambda: exec_request(message=dict(deadline_ns=0, counter=1)))
    row('exec.counter', 'replayed', 'MSG_REPLAYED', replayed)
    row('exec.reserved', 'one', 'MSG_RESERVED', lambda: exec_request(message=dict(reserved=1)))
    row('exec.reserved', 'ones', 'MSG_RESERVED', lambda: exec_request(message=dict(reserved=MAX32)))
    good = 0b111111
    for kind, value in (('none', 0), ('no-plan', good & ~1 | 1 << 6), ('no-target', good & ~2 | 1 << 6), ('one-too-few', good & ~8),
                        ('one-too-many', good | 1 << 6), ('beyond-the-last', good & ~8 | 1 << 18), ('highest', good & ~8 | 1 << 31),
                        ('all', MAX32), ('hole', good & ~8 | 1 << 7)):
        row('exec.slots', kind, 'MSG_SLOTS', lambda value=value: exec_request(message=dict(slots=value)))


def replayed():
    """The same bytes a second time; the first are refused for another reason, so nothing has run."""
    counter = int.from_bytes(os.urandom(8), 'little') | 1
    first = exec_request(message=dict(counter=counter), uid=MAX32)
    s = connect()
    send(s, first.data, first.fds)
    equal(Refused(receive(s)[1]).reason, 'UID', 'the first')
    s.close()
    first.drop()
    return exec_request(message=dict(counter=counter))


# --- the plan

def plan_file_rows():
    for bits, name in ((0, 'none'), (0xe, 'no-seal'), (0xd, 'no-shrink'), (0xb, 'no-grow'), (0x7, 'no-write')):
        row('plan.seals', name, 'PLAN_SEALS', lambda bits=bits: exec_request(plan_fd=memfd(Plan(targets['demo'].pid, MARK).bytes(), bits)))
    row('plan.seals', 'growing', 'PLAN_SEALS', growing)
    row('plan.file', 'empty', 'PLAN_SIZE', lambda: exec_request(plan=lambda b: b''))
    row('plan.file', 'one-byte', 'PLAN_SIZE', lambda: exec_request(plan=lambda b: b[:1]))
    row('plan.file', 'header-less-one', 'PLAN_SIZE', lambda: exec_request(plan=lambda b: b[:439]))
    row('plan.file', 'cut', 'PLAN_SIZE', lambda: exec_request(plan=lambda b: b[:-1]))
    row('plan.file', 'longer', 'PLAN_SIZE', lambda: exec_request(plan=lambda b: b + b'\0'))
    row('plan.file', 'over-the-limit', 'PLAN_SIZE', lambda: exec_request(plan=lambda b: b + b'\0' * (2 << 20)))
    row('plan.file', 'sparse-gigabyte', 'PLAN_SIZE', sparse)
    row('plan.file', 'zeros', 'PLAN_MAGIC', lambda: exec_request(plan=lambda b: b'\0' * len(b)))
    row('plan.file', 'random', 'PLAN_MAGIC', lambda: exec_request(plan=lambda b: os.urandom(len(b))))
    for kind in fdkinds.KINDS:
        reason = 'PLAN_SIZE' if kind == 'memfd-sealed' else 'PLAN_SEALS'
        row('slot.plan', kind, reason, lambda kind=kind: with_kind(kind, lambda fd, keep: exec_request(plan_fd=fd, keep=keep)))


def growing():
    """A file that another process makes longer while it is read."""
    fd = memfd(Plan(targets['demo'].pid, MARK).bytes(), 0)
    pid = os.fork()
    if pid == 0:
        n = os.fstat(fd).st_size
        while True:
            os.ftruncate(fd, n + 4096)
            os.ftruncate(fd, n)
    return exec_request(plan_fd=fd, after=lambda: (os.kill(pid, 9), os.waitpid(pid, 0)))


def sparse():
    fd = os.memfd_create('sparse', os.MFD_ALLOW_SEALING)
    os.ftruncate(fd, 1 << 30)
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, ALL_SEALS)
    return exec_request(plan_fd=fd)


def with_kind(kind, make):
    made = fdkinds.make(kind)
    if made is None:
        raise Impossible(f'{kind} cannot be made')
    if not fdkinds.can_be_sent(made[0]):
        fdkinds.drop(made)
        raise Impossible(f'the kernel passes no {kind} on')
    return make(made[0], [fd for fd in made[1] if isinstance(fd, int)])


def plan_field_rows():
    for field, offset, form, values in (
            ('plan.magic', 0, '=I', (('zero', 0, 'PLAN_MAGIC'), ('other', MAGIC + 1, 'PLAN_MAGIC'))),
            ('plan.version', 4, '=H', (('zero', 0, 'PLAN_MAGIC'), ('next', VERSION + 1, 'PLAN_MAGIC'))),
            ('plan.reserved', 6, '=H', (('one', 1, 'PLAN_RESERVED'), ('ones', 65535, 'PLAN_RESERVED'))),
            ('plan.size', 8, '=I', (('zero', 0, 'PLAN_SIZE'), ('less', 439, 'PLAN_SIZE'), ('ones', MAX32, 'PLAN_SIZE'))),
            ('plan.flags', 12, '=I', (('unknown', 1 << 7 | NNP, 'PLAN_RESERVED'), ('highest', 1 << 31 | NNP, 'PLAN_RESERVED'),
                                      ('ones', MAX32, 'PLAN_RESERVED'), ('stderr-without-tty', NNP | STDERR_OWN, 'PLAN_RESERVED'),
                                      ('nnp-off', 0, 'NNP_WEAKER'))),
            ('plan.wall_ms', 120, '=Q', (('ones', MAX64, 'PLAN_TIMES'), ('overflows', 2 ** 63 // 10 ** 6 + 1, 'PLAN_TIMES'))),
            ('plan.cpu_ms', 128, '=Q', (('ones', MAX64, 'PLAN_TIMES'), ('overflows', 2 ** 63 // 10 ** 6 + 1, 'PLAN_TIMES'))),
            ('plan.idle_ms', 136, '=Q', (('ones', MAX64, 'PLAN_TIMES'), ('overflows', 2 ** 63 // 10 ** 6 + 1, 'PLAN_TIMES'))),
            ('plan.grace_ms', 144, '=I', (('ones', MAX32, 'PLAN_TIMES'), ('over-the-limit', 3600001, 'PLAN_TIMES'))),
            ('plan.n_groups', 160, '=I', (('65', 65, 'PLAN_GROUPS'), ('ones', MAX32, 'PLAN_GROUPS'))),
            ('plan.rows', 420, '=I', (('without-tty', 24, 'PLAN_TTY'), ('ones', MAX32, 'PLAN_TTY'))),
            ('plan.cols', 424, '=I', (('without-tty', 80, 'PLAN_TTY'), ('ones', MAX32, 'PLAN_TTY'))),
            ('plan.argc', 428, '=I', (('zero', 0, 'PLAN_ARGC'), ('less', 1, 'PLAN_STRINGS'), ('more', 3, 'PLAN_STRINGS'),
                                      ('over-the-limit', 32769, 'PLAN_ARGC'), ('ones', MAX32, 'PLAN_ARGC'))),
            ('plan.envc', 432, '=I', (('less', 0, 'PLAN_STRINGS'), ('more', 2, 'PLAN_STRINGS'), ('over-the-limit', 8193, 'PLAN_ENVC'),
                                      ('ones', MAX32, 'PLAN_ENVC'))),
            ('plan.strings_size', 436, '=I', (('zero', 0, 'PLAN_SIZE'), ('one', 1, 'PLAN_SIZE'), ('ones', MAX32, 'PLAN_SIZE')))):
        for kind, value, reason in values:
            row(field, kind, reason, lambda offset=offset, form=form, value=value: exec_request(plan=patched(offset, form, value)))
    for kind, fields in (('minus-one', dict(groups=[MAX32])), ('unused-one', dict(groups=[0, 7], n_groups=1))):
        plan_row('plan.groups', kind, 'PLAN_GROUPS', **fields)
    plan_row('plan.rows', 'over-the-limit', 'PLAN_TTY', set_flags=TTY, rows=65536, cols=1)


def string_rows():
    for kind, strings, reason in (
            ('none', b'', 'PLAN_STRINGS'), ('no-end', b'/\0\0demo\0/bin/touch\0/executed\0PATH=/bin', 'PLAN_STRINGS'),
            ('one-too-few', b'/\0\0demo\0/bin/touch\0/executed\0', 'PLAN_STRINGS'),
            ('one-too-many', b'/\0\0demo\0/bin/touch\0/executed\0A=\0B=\0', 'PLAN_STRINGS'),
            ('empty-program', b'/\0\0demo\0\0/executed\0A=\0', 'PLAN_ARGC')):
        plan_row('plan.strings', kind, reason, strings=strings)
    plan_row('plan.strings', 'argument-over-the-limit', 'PLAN_STRINGS', strings=b'/\0\0demo\0/bin/touch\0' + b'x' * (128 << 10) + b'\0A=\0')
    for kind, cwd, reason in (('empty', '', 'PLAN_CWD'), ('relative', 'tmp', 'PLAN_CWD'), ('dots', '../..', 'PLAN_CWD'),
                              ('over-the-limit', '/' + 'x' * 4096, 'PLAN_CWD'), ('missing', '/none', 'CWD'), ('a-file', '/etc/passwd', 'CWD'),
                              ('magic-link', '/proc/self/fd/7', 'CWD'), ('own-root', '/proc/self/root', 'CWD')):
        plan_row('plan.cwd', kind, reason, cwd=cwd)
    for kind, label in (('any', 'unconfined_u:unconfined_r:unconfined_t:s0'), ('word', 'unconfined'), ('over-the-limit', 'x' * 256),
                        ('line', 'a\nb')):
        plan_row('plan.label', kind, 'PLAN_LABEL', label=label)
    for kind, entry in (('empty', ''), ('no-equals', 'NAME'), ('no-name', '=x'), ('digit-first', '1A=x'), ('dash', 'A-B=x'), ('blank', 'A B=x'),
                        ('line', 'A\n=x'), ('function', 'BASH_FUNC_x%%=() { :; }'), ('bytes', b'\xff=x')):
        plan_row('plan.env', kind, 'PLAN_ENV', env=[entry])
    for kind, argv, reason in (('nowhere', ['/none/of/this'], 'NOT_FOUND'), ('not-in-path', ['none-of-this'], 'NOT_FOUND'),
                               ('directory', ['/etc'], 'NOT_EXECUTABLE'), ('no-program', ['/etc/passwd'], 'NOT_EXECUTABLE'),
                               ('device', ['/dev/null'], 'NOT_EXECUTABLE')):
        row('plan.argv', kind, reason, lambda argv=argv: other_program(argv))


def other_program(argv):
    t = targets['demo']
    return exec_request(plan_fd=memfd(Plan(t.pid, argv).bytes()))


def identity_rows():
    for i, name in enumerate(('mnt_ns', 'pid_ns', 'user_ns', 'start_ticks')):
        for kind, value in (('zero', lambda n: 0), ('next', lambda n: n + 1), ('ones', lambda n: MAX64)):
            def make(i=i, value=value):
                ids = list(identity(targets['demo'].pid))
                ids[i] = value(ids[i])
                return exec_request(plan=replace_identity(ids))
            row('plan.target.' + name, kind, 'TARGET_CHANGED', make)
    row('plan.target', 'of-another-container', 'TARGET_CHANGED',
        lambda: exec_request(plan=replace_identity(identity(targets['userns'].pid))))
    row('plan.target', 'of-the-host', 'TARGET_CHANGED', lambda: exec_request(plan=replace_identity(identity(os.getpid()))))


def replace_identity(ids):
    return lambda data: data[:48] + struct.pack('=4Q', *ids) + data[80:]


def id_rows():
    ours = {'broker': 'airlock', 'supervisor': 'airlock-session'}
    for target in ('demo', 'userns'):
        plan_row(f'plan.uid ({target})', 'minus-one', 'UID', target=target, uid=MAX32)
        plan_row(f'plan.gid ({target})', 'minus-one', 'GID', target=target, gid=MAX32)
    for kind, value in (('first-unmapped', 65536), ('host-id', 100000), ('minus-two', MAX32 - 1)):
        plan_row('plan.uid (userns)', kind, 'UID', target='userns', uid=value)
        plan_row('plan.gid (userns)', kind, 'GID', target='userns', gid=value)
        plan_row('plan.groups (userns)', kind, 'GID', target='userns', groups=[0, value])
    for kind, user in ours.items():
        row('plan.uid (demo)', kind, 'UID_OURS', lambda user=user: exec_request(uid=pwd.getpwnam(user).pw_uid))
    row('plan.groups (alice)', 'setgroups-denied', 'SETGROUPS', lambda: fake_request(fakes.users_userns, groups=[0], caps=(0,) * 5,
                                                                                    caller_uid=pwd.getpwnam('alice').pw_uid))
    row('plan.caller_uid (alice)', 'another-user', 'TARGET_USERNS',
        lambda: fake_request(fakes.users_userns, caps=(0,) * 5, caller_uid=pwd.getpwnam('bob').pw_uid))


def fake_request(make, **fields):
    fake = make()
    if fake is None:
        raise Impossible('no such process here')
    end = fake.end

    def after():
        fake.pidfd = os.open('/dev/null', os.O_RDONLY)
        end()
    plan = Plan(fake.pid or None, MARK, **fields)
    return exec_request(plan_fd=memfd(plan.bytes()), pidfd=fake.pidfd, after=after)


SETS = ('bounding', 'permitted', 'effective', 'inheritable', 'ambient')


def caps_rows():
    for i, name in enumerate(SETS):
        for bit in (41, 63):
            def make(i=i, bit=bit):
                caps = [bounding(targets['demo'].pid)] * 3 + [0, 0]
                caps[i] |= 1 << bit
                return exec_request(caps=tuple(caps))
            row('plan.caps.' + name, f'unknown-{bit}', 'CAPS_KERNEL', make)
    mine = sum(CAP[n[4:]] for n in engines.CAPS)
    for name, bit in CAP.items():
        if bit & mine:
            continue
        row('plan.caps.bounding', name, 'CAPS_CEILING', lambda bit=bit: exec_request(caps=tuple(c | bit for c in (mine, mine, mine, 0, 0))))
    row('plan.caps.bounding', 'all', 'CAPS_CEILING', lambda: exec_request(caps=((1 << 41) - 1,) * 3 + (0, 0)))
    row('plan.caps.bounding', 'userns-admin', 'CAPS_CEILING', lambda: exec_request(target='userns', caps=(mine | CAP['SYS_ADMIN'], mine, mine, 0, 0)))
    a = mine & -mine
    for field, kind, caps in (('permitted', 'beyond-bounding', (0, a, 0, 0, 0)), ('effective', 'beyond-permitted', (mine, 0, a, 0, 0)),
                              ('inheritable', 'beyond-bounding', (0, 0, 0, a, 0)), ('ambient', 'beyond-inheritable', (mine, mine, mine, 0, a)),
                              ('ambient', 'beyond-permitted', (mine, 0, 0, mine, a))):
        row('plan.caps.' + field, kind, 'CAPS_SETS', lambda caps=caps: exec_request(caps=caps))


# --- the target

def target_rows():
    for kind in fdkinds.KINDS:
        reason = 'TARGET_PID' if kind == 'pidfd' else 'PIDFD'
        row('slot.target', kind, reason, lambda kind=kind: with_kind(kind, lambda fd, keep: exec_request(pidfd=fd, keep=keep)))
    for name, (make, reason) in fakes.FAKES.items():
        row('slot.target', 'fake-' + name, reason, lambda make=make: fake_request(make, caps=(0,) * 5, caller_uid=1))
    row('slot.target', 'another-container', 'TARGET_CHANGED', lambda: exec_request(pidfd=pidfd_open(targets['userns'].pid)))
    for kind, wait in (('unshared-after-approval', True), ('unshares-while-entered', False)):
        row('slot.target', kind, 'TARGET_CHANGED', lambda wait=wait: unsharing(wait))
    row('slot.target', 'frozen', 'TARGET_FROZEN', lambda: exec_request(target='frozen'))


def unsharing(wait):
    """An init that leaves its mount namespace when told to, once or again and again, after the plan has named it."""
    def on_signal(*_):
        while True:
            fakes.unshare(fakes.NEWNS)
            if wait:
                break
    fake = fakes.mnt_and_pid('fake-unsharing', inner=[lambda: signal.signal(signal.SIGUSR1, on_signal)])
    plan = Plan(fake.pid, MARK, caps=(0,) * 5)
    before = ns_inode(fake.pid, 'mnt')
    within(3, lambda: int(status_of(fake.pid)['SigCgt'], 16) & 1 << signal.SIGUSR1 - 1, 'a handler')
    os.kill(fake.pid, signal.SIGUSR1)
    within(3, lambda: ns_inode(fake.pid, 'mnt') != before, 'another mount namespace')
    pidfd = fake.pidfd

    def after():
        fake.pidfd = os.open('/dev/null', os.O_RDONLY)
        fake.end()
    return exec_request(plan_fd=memfd(plan.bytes()), pidfd=pidfd, after=after)


# --- the filter

def insns(*rows):
    return b''.join(struct.pack('=HBBI', *r) for r in rows)


ALLOW = (0x06, 0, 0, 0x7fff0000)


def forbidding(nr, action=0x00050001):
    """Everything but this call is allowed."""
    return insns((0x20, 0, 0, 0), (0x15, 0, 1, nr), (0x06, 0, 0, action), ALLOW)


def filter_rows():
    for kind in fdkinds.KINDS:
        reason = 'FILTER_SIZE' if kind == 'memfd-sealed' else 'FILTER_SEALS'
        row('slot.filter', kind, reason, lambda kind=kind: with_kind(kind, lambda fd, keep: exec_request(filter_fd=fd, keep=keep)))
    row('slot.filter', 'absent', 'UNCONFINED', lambda: exec_request(filter_fd=None))
    for bits, name in ((0, 'none'), (0xe, 'no-seal'), (0xd, 'no-shrink'), (0xb, 'no-grow'), (0x7, 'no-write')):
        row('filter.seals', name, 'FILTER_SEALS', lambda bits=bits: exec_request(filter_fd=memfd(insns(ALLOW), bits)))
    for kind, data, reason in (
            ('empty', b'', 'FILTER_SIZE'), ('half-an-instruction', insns(ALLOW)[:4], 'FILTER_SIZE'), ('one-byte-more', insns(ALLOW) + b'\0', 'FILTER_SIZE'),
            ('4097-instructions', insns(*[ALLOW] * 4097), 'FILTER_SIZE'), ('a-megabyte', insns(ALLOW) * (1 << 17), 'FILTER_SIZE')):
        row('filter.size', kind, reason, lambda data=data: exec_request(filter_fd=memfd(data)))
    for kind, program in (
            ('zeros', b'\0' * 80), ('random', os.urandom(80)), ('no-return', insns((0x20, 0, 0, 0))), ('jump-out', insns((0x15, 200, 0, 0), ALLOW)),
            ('long-jump-out', insns((0x05, 0, 0, 2 ** 32 - 1), ALLOW)), ('load-out', insns((0x20, 0, 0, 64), ALLOW)),
            ('load-unaligned', insns((0x20, 0, 0, 2), ALLOW)), ('packet-load', insns((0x30, 0, 0, 0), ALLOW)),
            ('scratch-out', insns((0x60, 0, 0, 16), ALLOW)), ('divide-by-zero', insns((0x34, 0, 0, 0), ALLOW)),
            ('unknown-code', insns((0xffff, 0, 0, 0), ALLOW)), ('return-accumulator', insns((0x20, 0, 0, 0), (0x16, 0, 0, 0))),
            ('returns-x', insns((0x0e, 0, 0, 0))),
            ('fakes-success', forbidding(39, 0x00050000)), ('trace', forbidding(39, 0x7ff00000)),
            ('notify', forbidding(39, 0x7fc00000)), ('unknown-action', forbidding(39, 0x12340000)), ('unreachable-fake', insns(ALLOW, (0x06, 0, 0, 0x00050000)))):
        row('filter.code', kind, 'FILTER_RETURN', lambda program=program: exec_request(filter_fd=memfd(program)))
    for nr, name in ((56, 'clone'), (231, 'exit_group'), (112, 'setsid'), (59, 'execve'), (1, 'write')):
        for action, word in ((0x00050001, 'errno'), (0x80000000, 'kill'), (0x00030000, 'trap')):
            row('filter.needs', f'{name}-{word}', 'FILTER_NEEDS',
                lambda nr=nr, action=action: exec_request(filter_fd=memfd(forbidding(nr, action))))
    for nr, name in ((125, 'capget'), (126, 'capset')):
        row('filter.needs', name + '-without-nnp', 'FILTER_NEEDS', lambda nr=nr: exec_request(target='free', filter_fd=memfd(forbidding(nr))))
    row('filter.needs', 'ioctl-with-tty', 'FILTER_NEEDS',
        lambda: exec_request(set_flags=TTY, streams={i: 'none' for i in range(3)}, filter_fd=memfd(forbidding(16))))
    row('filter.needs', 'everything', 'FILTER_NEEDS', lambda: exec_request(filter_fd=memfd(insns((0x06, 0, 0, 0x80000000)))))


# --- streams

def stream_rows():
    for i, name in enumerate(('stdin', 'stdout', 'stderr')):
        for kind in fdkinds.KINDS:
            row('slot.' + name, kind, 'STREAM_KIND',
                lambda i=i, kind=kind: with_kind(kind, lambda fd, keep: exec_request(streams={i: fd}, keep=keep)))
        row('slot.' + name, 'other-direction', 'STREAM_MODE', lambda i=i: other_direction(i))
        row('slot.' + name, 'both-directions', 'STREAM_MODE', lambda i=i: both_directions(i))
        row('slot.' + name, 'pipe-with-tty', 'MSG_SLOTS',
            lambda i=i: exec_request(set_flags=TTY, streams={k: 'pipe' if k == i else 'none' for k in range(3)}))
    row('slot.stderr', 'missing-but-own-with-tty', 'MSG_SLOTS',
        lambda: exec_request(set_flags=TTY | STDERR_OWN, streams={i: 'none' for i in range(3)}))
    for kind in fdkinds.KINDS:
        row('slot.extra', kind, 'EXTRA_KIND', lambda kind=kind: with_kind(kind, lambda fd, keep: exec_request(extra=[fd], keep=keep)))
        row('slot.extra-12', kind, 'EXTRA_KIND', lambda kind=kind: with_kind(kind, lambda fd, keep: twelfth(fd, keep)))


def kinds_rows():
    """With all of FdKinds= on: what it lists is refused for targets where it is a way back, and everything else as ever."""
    everything = [kind for kinds in fdkinds.ALLOWABLE.values() for kind in kinds]
    for target, forbidden in (('net', everything), ('maps-root', [*fdkinds.ALLOWABLE['unix'], *fdkinds.ALLOWABLE['file']])):
        for i, name in enumerate(('stdin', 'stdout', 'stderr', 'extra')):
            field = f'slot.{name} ({target}, all kinds)'
            CEILINGS[field] = 'FdKinds=inet inet-listen unix file\n'
            for kind in fdkinds.KINDS:
                if kind in everything and kind not in forbidden:
                    continue        # allowed there
                reason = 'FD_TARGET' if kind in forbidden else 'EXTRA_KIND' if name == 'extra' else 'STREAM_KIND'
                if reason == 'FD_TARGET' and name != 'extra' and wrong_access(kind, i):
                    reason = 'STREAM_MODE'
                row(field, kind, reason, lambda i=i, kind=kind, target=target: with_kind(kind, lambda fd, keep: exec_request(
                    target=target, streams={} if i == 3 else {i: fd}, extra=[fd] if i == 3 else [], keep=keep)))


def wrong_access(kind, i):
    """A file that is not open for this stream's direction alone; sockets have none."""
    reading = ('file-read', 'host-shadow')
    writing = ('file-write',)
    return kind in fdkinds.ALLOWABLE['file'] and kind not in (reading if i == 0 else writing)


def twelfth(fd, keep):
    r, w = os.pipe()
    return exec_request(extra=[os.dup(r) for _ in range(11)] + [fd], keep=[*keep, r, w])


def other_direction(i):
    pipe = os.pipe()
    return exec_request(streams={i: pipe[i == 0]}, keep=[pipe[i > 0]])


def both_directions(i):
    r, w = os.pipe()
    return exec_request(streams={i: os.open(f'/proc/self/fd/{r}', os.O_RDWR)}, keep=[r, w])


# --- the other operations

def padded(text, size):
    data = text if isinstance(text, bytes) else text.encode()
    return data[:size] + b'\0' * (size - len(data))


def simple(kind, body, pids=(), n_fds=None):
    def make():
        fds = [pidfd_open(targets[p].pid) if p in targets else pidfd_open(int(p)) for p in pids]
        return Request(head(kind, 16 + len(body), len(fds) if n_fds is None else n_fds) + body, fds)
    return make


def other_rows():
    pair = struct.pack
    for kind, body, pids, reason in (
            ('no-target', pair('=II', 0, 0), (), 'MSG_FDS'), ('count-too-low', pair('=II', 0, 0), ('demo',), 'MSG_FDS'),
            ('count-too-high', pair('=II', 2, 0), ('demo',), 'MSG_FDS'), ('count-ones', pair('=II', MAX32, 0), ('demo',), 'MSG_FDS'),
            ('seventeen', pair('=II', 17, 0), ('demo',) * 17, 'MSG_FDS'), ('host-process', pair('=II', 1, 0), ('1',), 'TARGET_OURS')):
        row('describe', kind, reason, simple(DESCRIBE, body, pids))
    row('describe.flags', 'unknown', 'MSG_RESERVED', simple(DESCRIBE, pair('=II', 1, 2), ('demo',)))
    row('describe.flags', 'ones', 'MSG_RESERVED', simple(DESCRIBE, pair('=II', 1, MAX32), ('demo',)))
    for name in fakes.FAKES:
        make, reason = fakes.FAKES[name]
        if reason not in ('TARGET_USERNS', 'TARGET_ROOT'):
            row('describe.target', name, reason, lambda make=make: describe_fake(make))
    for kind in fdkinds.KINDS:
        row('describe.target', kind, 'TARGET_PID' if kind == 'pidfd' else 'PIDFD', lambda kind=kind: with_kind(
            kind, lambda fd, keep: Request(head(DESCRIBE, 24, 1) + pair('=II', 1, 0), [fd], keep)))
    for kind, folder in (('root', '/'), ('etc', '/etc'), ('empty', ''), ('slash-after', WORLD + '/crun/'), ('dots', WORLD + '/crun/..'),
                         ('below', WORLD + '/crun/demo'), ('above', WORLD), ('no-end', b'/' * 256), ('relative', 'crun'), ('proc', '/proc/1/root')):
        row('list.dir', kind, 'DIR_UNKNOWN', simple(LIST, padded(folder, 256)))
        row('open.dir', kind, 'DIR_UNKNOWN', simple(OPEN, pair('=II', 1, 0) + padded(folder, 256) + padded('demo/status', 512)))
    row('list', 'with-fd', 'MSG_FDS', simple(LIST, padded(WORLD + '/crun', 256), ('demo',)))
    for kind, path, reason in (('empty', '', 'FILE_NAME'), ('absolute', '/etc/shadow', 'FILE_NAME'), ('up', '../../etc/shadow', 'FILE_NAME'),
                               ('down-and-up', 'demo/../../x', 'FILE_NAME'), ('no-end', b'x' * 512, 'FILE_NAME'), ('folder', 'demo', 'FILE_KIND'),
                               ('itself', '.', 'FILE_KIND'), ('missing', 'none', 'FILE_ABSENT')):
        row('open.path', kind, reason, simple(OPEN, pair('=II', 1, 0) + padded(WORLD + '/crun', 256) + padded(path, 512)))
    state = padded(WORLD + '/crun', 256) + padded('demo/status', 512)
    for kind, what in (('zero', 0), ('after-the-last', 4), ('ones', MAX32)):
        row('open.what', kind, 'MSG_RESERVED', simple(OPEN, pair('=II', what, 0) + state))
    row('open.reserved', 'one', 'MSG_RESERVED', simple(OPEN, pair('=II', 1, 1) + state))
    row('open.fds', 'state-with-fd', 'MSG_FDS', simple(OPEN, pair('=II', 1, 0) + state, ('demo',)))
    row('open.fds', 'passwd-without-fd', 'MSG_FDS', simple(OPEN, pair('=II', 2, 0) + state))
    row('open.fds', 'group-without-fd', 'MSG_FDS', simple(OPEN, pair('=II', 3, 0) + state))
    row('open.fds', 'two-fds', 'MSG_FDS', simple(OPEN, pair('=II', 2, 0) + state, ('demo', 'demo')))
    row('open.target', 'process-1', 'TARGET_OURS', simple(OPEN, pair('=II', 2, 0) + state, ('1',)))
    row('open.target', 'frozen', 'TARGET_FROZEN', simple(OPEN, pair('=II', 2, 0) + state, ('frozen',)))
    for kind in ('directory', 'namespace', 'proc-directory', 'memfd-sealed', 'unix-stream'):
        row('open.target', kind, 'PIDFD', lambda kind=kind: with_kind(
            kind, lambda fd, keep: Request(head(OPEN, 792, 1) + pair('=II', 2, 0) + state, [fd], keep)))


def describe_fake(make):
    fake = make()
    if fake is None:
        raise Impossible('no such process here')
    end = fake.end

    def after():
        fake.pidfd = os.open('/dev/null', os.O_RDONLY)
        end()
    return Request(head(DESCRIBE, 24, 1) + struct.pack('=II', 1, 0), [fake.pidfd], after=after)


for _make in (head_rows, message_rows, exec_rows, plan_file_rows, plan_field_rows, string_rows, identity_rows, id_rows, caps_rows, target_rows,
              filter_rows, stream_rows, kinds_rows, other_rows):
    _make()
FIELDS = list(dict.fromkeys(field for field, _ in ROWS))
