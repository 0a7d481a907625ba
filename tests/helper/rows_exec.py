# SPDX-License-Identifier: Apache-2.0
"""What a command is, seen by the probe inside it: one list of tests for each kind of target of a world."""
import errno

from lab import *

PIPEFS = '50495045'
targets = {}


def hexes(caps):
    names = ('bounding', 'permitted', 'effective', 'inheritable', 'ambient')
    return dict(zip(names, ('%x' % n for n in caps)))


def check_place(t, seen):
    """Namespaces, root, cgroups: all the target's, and its own cgroup below it."""
    for name in ('user', 'mnt', 'pid', 'net', 'ipc', 'uts', 'cgroup', 'time'):
        equal(seen['namespaces'][name], ns_inode(t.pid, name), f'{name} namespace')
    root = os.stat(f'/proc/{t.pid}/root')
    equal((seen['root_dev'], seen['root_ino']), (root.st_dev, root.st_ino), 'root directory')


def check_cgroups(t, pid):
    own, init = cgroup_lines(pid), cgroup_lines(t.pid)
    if not re.fullmatch(re.escape(init['']) + r'/airlock-[0-9a-f]{8}-[0-9a-f]{16}', own['']):
        fail(f'cgroup is {own[""]}, expected one below {init[""]}')
    del own[''], init['']
    equal(own, init, 'cgroups of v1')


def check_streams(seen, access=(0, 1, 1)):
    equal([f['fd'] for f in seen['fds']], list(range(len(access))), 'open file descriptors')
    for f, mode in zip(seen['fds'], access):
        equal((f['kind'], f['magic'], f['access'], f['cloexec']), ('fifo', PIPEFS, mode, 0), f'fd {f["fd"]}')


def check_attributes(t, seen):
    init = status_of(t.pid)
    equal(seen['umask'], int(init['Umask'], 8), 'umask')
    equal(seen['oom_score_adj'], int(open(f'/proc/{t.pid}/oom_score_adj').read()), 'oom_score_adj')
    equal(seen['signals'], dict(blocked='0', pending='0', ignored='0', handled='0'), 'signals')
    equal((seen['sid'], seen['pgid']), (seen['pid'], seen['pid']), 'session and process group')
    equal(seen['tty']['number'], 0, 'controlling terminal')
    equal(seen['tty']['dev_tty_errno'], errno.ENXIO, 'opening /dev/tty')
    limits = []
    for line in open(f'/proc/{t.pid}/limits').read().splitlines()[1:]:
        limits.append([('ffffffffffffffff' if w == 'unlimited' else '%x' % int(w)) for w in line[26:].split()[:2]])
    equal(seen['rlimits'], limits, 'rlimits')


def as_root(t):
    seen = t.see()
    bound = bounding(t.pid)
    equal((seen['uids'], seen['gids'], seen['groups']), ([0] * 4, [0] * 4, []), 'ids')
    equal(seen['caps'], hexes((bound, bound, bound, 0, 0)), 'capability sets')
    equal(seen['no_new_privs'], int(no_new_privs(t.pid)), 'no_new_privs')
    equal((seen['seccomp'], seen['seccomp_filters']), (2, 2), 'seccomp mode, floor and filter')
    equal((seen['securebits'], seen['keepcaps'], seen['dumpable']), (0, 0, 1), 'securebits, keepcaps, dumpable')
    equal(seen['cwd'], '/', 'cwd')
    check_place(t, seen)
    check_streams(seen)
    check_attributes(t, seen)


def as_user(t):
    seen = t.see(uid=1000, gid=1000, groups=[1000, 1001], cwd='/tmp', env=['PATH=/bin', 'A=b c', 'E=', 'N=\nx'])
    equal((seen['uids'], seen['gids'], seen['groups']), ([1000] * 4, [1000] * 4, [1000, 1001]), 'ids')
    equal(seen['caps'], hexes((bounding(t.pid), 0, 0, 0, 0)), 'capability sets')
    equal(seen['environment'], ['PATH=/bin', 'A=b c', 'E=', 'N=\nx'], 'environment')
    equal(seen['cwd'], '/tmp', 'cwd')
    equal(seen['argv'], ['/bin/probe'], 'arguments')
    check_place(t, seen)
    check_streams(seen)
    check_attributes(t, seen)


def v1_and_v2(t):
    s = t.session(['/bin/sleep', '100'])
    pid = s.started().pid
    check_cgroups(t, pid)
    equal(cgroup_lines(pid)['name=systemd'] if HYBRID else '', cgroup_lines(t.pid)['name=systemd'] if HYBRID else '', 'systemd')
    s.stop(9)
    s.exited()
    s.close()
    within(2, lambda: not t.sessions(), 'an empty folder')


def arguments(t):
    many = ['/bin/probe', 'see', '', ' ', 'a\nb', '\u00e4'.encode(), b'\xff\x80', 'x' * 100000]
    seen = json.loads(t.run(many)[1])
    texts = [a if isinstance(a, bytes) else a.encode() for a in many]
    equal([a.encode('latin-1') for a in seen['argv']], texts, 'arguments')


CAP_ROWS = (  # bounding, permitted, effective, inheritable, ambient: of CHOWN KILL NET_BIND_SERVICE, as far as the target has them
    ('none', 0, 0, 0, 0, 0),
    ('bounding-only', 7, 0, 0, 0, 0),
    ('permitted', 7, 3, 0, 0, 0),
    ('effective', 7, 7, 5, 0, 0),
    ('inheritable', 7, 3, 3, 4, 0),
    ('ambient', 7, 7, 7, 7, 5),
)


def spread(bits, caps):
    return sum(cap for i, cap in enumerate(caps) if bits >> i & 1)


def after_exec(uid, nnp, bounding, permitted, effective, inheritable, ambient):
    """What execve(2) makes of the sets for a program without file capabilities, capabilities(7)."""
    if uid:
        return bounding, ambient, ambient, inheritable, ambient
    whole = inheritable | bounding
    if nnp and whole & ~permitted:
        whole &= permitted
    return bounding, whole | ambient, whole | ambient, inheritable, ambient


def capability_sets(t, nnp):
    init = bounding(t.pid)
    caps = [c for c in CAP.values() if init & c][:3]
    for name, *rows in CAP_ROWS:
        sets = tuple(spread(bits, caps) for bits in rows)
        for uid in (0, 1000):
            seen = t.see(uid=uid, gid=uid, caps=sets, flags=NNP if nnp else 0)
            equal(seen['caps'], hexes(after_exec(uid, nnp, *sets)), f'sets of uid {uid}, row {name}')
            equal(seen['no_new_privs'], int(nnp), f'no_new_privs, row {name}')


def capability_rows(t):
    """no_new_privs is what the target's init has, or stricter."""
    capability_sets(t, True)
    if not no_new_privs(t.pid):
        capability_sets(t, False)


def plain_floor(t):
    """Whatever the session's filter allows: floors are below it."""
    for nr, name in ((250, 'keyctl'), (321, 'bpf'), (175, 'init_module'), (246, 'kexec_load'), (304, 'open_by_handle_at'),
                     (298, 'perf_event_open'), (323, 'userfaultfd'), (167, 'swapon'), (227, 'clock_settime')):
        equal(t.probe('try-syscall', nr, 2 ** 31, 0)['errno'], errno.EPERM, name)
    equal(t.probe('try-syscall', 39)['errno'], 0, 'getpid')
    for request in (0x5412, 0x541c, 0x1_0000_5412, 0xffff_ffff_0000_541c):
        equal(t.probe('try-ioctl', request)['errno'], errno.EPERM, f'ioctl {request:#x}')
    equal(t.probe('try-ioctl', 0x5413)['errno'], errno.ENOTTY, 'another ioctl')
    equal(t.probe('try-syscall', 0x40000000 + 39)['errno'], errno.ENOSYS, 'x32')
    equal(t.run(['/bin/probe', 'try-int80', '20'])[0], -31, 'a 32-bit call that the profile does not list')
    flags = LISTED32 | (NNP if no_new_privs(t.pid) else 0)
    equal(t.probe('try-int80', 20, flags=flags)['errno'], 0, '32-bit getpid where the profile lists it')
    equal(t.probe('try-int80', 288, flags=flags)['errno'], errno.EPERM, '32-bit keyctl')


def register(world, names):
    """names: {name of a target: function that makes it}"""
    @setup
    def _():
        for name, make in names.items():
            targets[name] = make()

    rows = {'root': as_root, 'user': as_user, 'cgroups': v1_and_v2, 'arguments': arguments, 'capabilities': capability_rows,
            'plain-floor': plain_floor}
    for name in names:
        for row, function in rows.items():
            test(f'helper-exec-{row}-{world}-{name}')(lambda function=function, name=name: function(targets[name]))


def free(config):
    config['process']['noNewPrivileges'] = False


def wide(config):
    """All of root's capabilities, and no_new_privs off."""
    free(config)
    config['process']['capabilities'] = {kind: ['CAP_' + name for name in CAP if name != 'SYS_RESOURCE']
                                         for kind in ('bounding', 'effective', 'permitted')}
