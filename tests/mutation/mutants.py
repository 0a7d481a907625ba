# SPDX-License-Identifier: Apache-2.0
"""Each check of the helper, taken out: (invariant, file, what stands there, what stands there then, test that must fail).
A text that is not found exactly once is an error: then the check has moved, and this table has to follow it.
`plant` puts a fault in besides, against which the check is the last line: with the check the test passes, without it fails."""

REQUESTS, REACH = 'tests/rogue/test-requests', 'tests/rogue/test-reach'
MUTANTS = []


def mutant(invariant, file, old, new, test, name, plant=()):
    MUTANTS.append(dict(invariant=invariant, file=file, old=old, new=new, test=test, name=name, plant=plant))


def helper(script):
    return 'tests/helper/test-' + script


# --- I1 to I4: who asks, and how

mutant('I1', 'helper/listener.c', ' || peer.uid != context.broker_uid)', ')', REACH, 'inv-I1-fires')
mutant('I2', 'helper/main.c', 'if (argc != 1)', 'if (argc == 99)', helper('start'), 'sec-S1')
mutant('I2', 'helper/main.c', ' || number_of("LISTEN_FDS") != 1)', ')', helper('start'), 'inv-I2-socket')
mutant('I2', 'helper/main.c', 'type != SOCK_SEQPACKET ||', 'type == 99 ||', helper('start'), 'inv-I2-socket')
mutant('I2', 'helper/main.c', '        fill_standard_fds();\n        if (argc', '        if (argc', helper('start'), 'sec-S2')
mutant('I2', 'helper/main.c', 'if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 0 || prctl(PR_GET_SECCOMP, 0, 0, 0, 0) != 0)', 'if (0)', helper('start'), 'sec-S8')
mutant('I2', 'helper/inherit.c', '                syscall(SYS_rt_sigaction, sig, by_default, NULL, 8);\n', '                (void)by_default;\n', helper('start'), 'sec-S5')
mutant('I3', 'common/wire.c', 'if (head.magic != WIRE_MAGIC)', 'if (0)', REQUESTS, 'rogue-head.magic')
mutant('I3', 'common/wire.c', 'if (head.version != WIRE_VERSION)', 'if (0)', REQUESTS, 'rogue-head.version')
mutant('I3', 'common/wire.c', 'if (head.size != size)', 'if (0)', REQUESTS, 'rogue-head.size')
mutant('I3', 'common/wire.c', 'if (head.n_fds != n_fds)', 'if (0)', REQUESTS, 'rogue-head.n_fds')
mutant('I3', 'helper/supervise.c', 'if (size != op->size)', 'if (size > op->size + 1000)', REQUESTS, 'rogue-message')
mutant('I3', 'helper/supervise.c', 'return n_fds >= op->min_fds && n_fds <= op->max_fds ? 0 : refuse(f, REASON_MSG_FDS);', 'return 0;', REQUESTS, 'rogue-list')
mutant('I3', 'common/fdpass.c', '                        } else {\n                                close_fd(fd);\n                                r = -EBADMSG;\n',
       '                        } else {\n                                r = -EBADMSG;\n', 'unit', 'fdpass')
mutant('I3', 'common/fdpass.c', 'if (r == 0 && msg.msg_flags & MSG_TRUNC)', 'if (0)', 'unit', 'fdpass')
mutant('I3', 'common/fdpass.c', 'flags | MSG_CMSG_CLOEXEC', 'flags', 'unit', 'fdpass')
mutant('I3', 'common/fdpass.c', "if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS || bytes % sizeof(int)) {", 'if (0) {', 'unit', 'fdpass')
mutant('I3', 'common/fdpass.c', '                close_fds(fds, n_fds);\n', '', 'unit', 'fdpass')
mutant('I3', 'common/wire.c', 'if (!reason && cursor != end)', 'if (0)', 'unit', 'wire')
mutant('I3', 'common/wire.c', 'nul - start >= (ptrdiff_t)LIMIT_STRING_BYTES', '0', 'unit', 'wire')
mutant('I3', 'common/wire.c', 'if (plan->size != size || plan->strings_size != size - sizeof(*plan))', 'if (0)', 'unit', 'wire')
mutant('I3', 'common/wire.c', 'if (plan->reserved || plan->flags & ~WIRE_PLAN_FLAGS)', 'if (0)', REQUESTS, 'rogue-plan.flags')
mutant('I3', 'common/wire.c', 'if (plan->argc < 1 || plan->argc > LIMIT_ARGS)', 'if (plan->argc > LIMIT_ARGS)', 'unit', 'wire')
mutant('I3', 'common/memfd.c', '(seals & ALL_SEALS) != ALL_SEALS', '0', REQUESTS, 'rogue-plan.seals')
mutant('I3', 'helper/job.c', "if (m->slots >> WIRE_SLOTS || (m->slots & needed) != needed || (uint32_t)__builtin_popcount(m->slots) != m->head.n_fds)",
       'if (m->slots >> WIRE_SLOTS || (m->slots & needed) != needed)', REQUESTS, 'rogue-exec.slots')
mutant('I3', 'helper/job.c', 'if (extra & (extra + 1))', 'if (0)', REQUESTS, 'rogue-exec.slots')
mutant('I4', 'helper/exec.c', '        logged = log_verdict(f);\n', '        logged = f ? 0 : log_verdict(f);\n', helper('log'), 'inv-I4-fires')
mutant('I4', 'helper/exec.c', 'if (r == 0 && logged < 0)', 'if (0)', helper('log'), 'inv-I4-before')

# --- I5 to I11: the target

mutant('I5', 'helper/target.c', "if (!text_field(text, \"Pid:\"))\n                return -1;", "if (!text_field(text, \"Pid:\"))\n                return 0;", REQUESTS, 'rogue-slot.target')
mutant('I5', 'helper/target.c', "if (r == 0 && (t->state == 'Z' || t->state == 'X'))", 'if (0)', helper('target'), 'sec-N2-zombie',
       plant=(('helper/target.c', '        return poll(&p, 1, timeout_ms) != 0;', '        return poll(&p, 1, timeout_ms) < 0;'),))
mutant('I5', 'helper/target.c', 'if (r == 0 && t->tgid != (uint64_t)t->pid)', 'if (0)', helper('target'), 'sec-N2-thread')
mutant('I5', 'helper/target.c', 'if (t->pid == 1 || t->pid == context.listener || t->pid == getpid())', 'if (0)', helper('target'), 'sec-N2-process-1')
mutant('I6', 'helper/target.c', 'if (shares(t, WIRE_NS_PID))', 'if (0)', helper('target'), 'sec-N2-host-process')
mutant('I6', 'helper/target.c', 'if (shares(t, WIRE_NS_MNT))', 'if (0)', helper('target'), 'sec-N2-only-pid-namespace')
mutant('I6', 'helper/target.c', 'if (t->inner_pid != 1)', 'if (0)', helper('target'), 'sec-N2-not-the-init')
mutant('I6', 'helper/target.c', 'if (t->ns_depth != 2)', 'if (0)', helper('target'), 'sec-N2-nested')
mutant('I7', 'helper/target.c', '        return refuse(f, REASON_TARGET_CGROUP_OWNER);', '        return 0;', helper('target'), 'sec-N2-users-cgroup')
mutant('I8', 'helper/target.c', 'if (!ceiling_allows_cgroup(context.ceiling, t->facts.cgroup))', 'if (0)', helper('target'), 'sec-N2-deeper-cgroup')
mutant('I8', 'helper/ceiling.c', 'if (fnmatch(c->patterns[i], path, FNM_PATHNAME | FNM_NOESCAPE) == 0)', 'if (fnmatch(c->patterns[i], path, FNM_NOESCAPE) == 0)', 'unit', 'ceiling')
mutant('I9', 'helper/plan.c', 'if (job->privileged || (job->plan->caller_uid != 0 && job->plan->caller_uid != t->facts.owner_uid))', 'if (0)', helper('target'),
       'sec-N2-users-user-namespace')
mutant('I10', 'helper/plan.c', 'return memcmp(&job->plan->target, &job->target.facts.identity, sizeof(job->plan->target)) == 0', 'return 1', helper('target'),
       'inv-I10-fires')
mutant('I10', 'helper/step-enter.c', ' && entered(r, i) != t->facts.ns[i])', ' && entered(r, i) == 1)', helper('target'), 'sec-N9')
mutant('I10', 'helper/step-enter.c', 'if (stat("/", &root) < 0 || root.st_dev != t->root_dev || root.st_ino != t->root_ino)', 'if (stat("/", &root) < 0)',
       helper('target'), 'sec-N2-changed-root')
mutant('I11', 'helper/target.c', 'return t->facts.flags & WIRE_FACT_FROZEN ? refuse(f, REASON_TARGET_FROZEN) : 0;', 'return 0;', helper('end'), 'inv-I11-fires')
mutant('I11', 'helper/supervise.c', 'int r = poll(&p, 1, LIMIT_MESSAGE_MS);', 'int r = poll(&p, 1, 60000);', REQUESTS, 'rogue-silence')

# --- I12 to I18: who the command is

mutant('I12', 'helper/plan.c', 'if (p->uid == UINT32_MAX || !target_map(&t->uid_map, p->uid, &job->host_uid))', 'if (!target_map(&t->uid_map, p->uid, &job->host_uid) && 0)',
       REQUESTS, 'rogue-plan.uid-userns')
mutant('I12', 'helper/plan.c', 'if (p->gid == UINT32_MAX || !target_map(&t->gid_map, p->gid, &job->host_gid))', 'if (!target_map(&t->gid_map, p->gid, &job->host_gid) && 0)',
       REQUESTS, 'rogue-plan.gid-userns')
mutant('I12', 'helper/plan.c', 'if (!target_map(&t->gid_map, p->groups[i], &dummy))', 'if (!target_map(&t->gid_map, p->groups[i], &dummy) && 0)', REQUESTS,
       'rogue-plan.groups-userns')
mutant('I12', 'helper/plan.c', 'if (p->n_groups > 0 && t->flags & WIRE_FACT_SETGROUPS_DENIED)', 'if (0)', REQUESTS, 'rogue-plan.groups-alice')
mutant('I13', 'helper/plan.c', 'if (job->plan->uid == 0 || job->plan->caps[CAPS_AMBIENT])', 'if (job->plan->caps[CAPS_AMBIENT])', helper('ceiling'), 'inv-I13-fires')
mutant('I13', 'helper/plan.c', 'if (job->plan->uid == 0 || job->plan->caps[CAPS_AMBIENT])', 'if (job->plan->uid == 0)', helper('ceiling'), 'inv-I13-ambient')
mutant('I13', 'helper/plan.c', '        return job->plan->flags & WIRE_PLAN_NNP ? 0 : refuse(f, REASON_NNP_WEAKER);', '        return 0;', helper('ceiling'), 'inv-I13-fires')
mutant('I13', 'helper/plan.c', 'return context.ceiling->allow_other_user ? 0 : check_same_user(job, f);', 'return context.ceiling ? 0 : check_same_user(job, f);', helper('ceiling'), 'helper-ceiling-other-user')
mutant('I13', 'helper/plan.c', 'if (job->host_uid == context.broker_uid || job->host_uid == context.session_uid)', 'if (0)', REQUESTS, 'rogue-plan.uid-demo')
mutant('I14', 'helper/plan.c', 'if (refuse_caps(asked & ~plain_caps(t) & ~context.ceiling->privileged_caps, f) < 0)', 'if (0)', helper('ceiling'), 'inv-I14-fires')
mutant('I14', 'helper/plan.c', 'if (!caps_subset(c[i], known))', 'if (0)', helper('ceiling'), 'inv-I14-kernel')
mutant('I14', 'helper/plan.c', 'if (job->privileged && may_be_seized(t))', 'if (0)', helper('ceiling'), 'inv-I14-ptrace')
mutant('I14', 'helper/plan.c', 'return refuse_caps(asked & ~host_caps(t), f);', 'return 0;', helper('ceiling'), 'inv-I14-ptrace')
for _old, _new in (('!caps_subset(c[CAPS_PERMITTED], c[CAPS_BOUNDING]) || ', ''), ('!caps_subset(c[CAPS_EFFECTIVE], c[CAPS_PERMITTED]) ||', '0 ||'),
                   ('!caps_subset(c[CAPS_INHERITABLE], c[CAPS_BOUNDING]) ||', '0 ||'),
                   ('!caps_subset(c[CAPS_AMBIENT], c[CAPS_INHERITABLE] & c[CAPS_PERMITTED])', '0')):
    mutant('I15', 'helper/plan.c', _old, _new, helper('ceiling'), 'inv-I15-fires')
mutant('I16', 'helper/plan.c', 'if (unconfined && !context.ceiling->allow_unconfined)', 'if (0)', helper('ceiling'), 'inv-I16-unconfined-fires')
mutant('I16', 'helper/plan.c', 'job->floor = job->privileged || unconfined ? FLOOR_PRIVILEGED : FLOOR_PLAIN;', 'job->floor = FLOOR_PRIVILEGED;', helper('exec'),
       'helper-exec-plain-floor-v2-demo')
mutant('I16', 'helper/step-filter.c', '        r = load(floor->code, floor->n);\n', '        r = 0;\n', helper('exec'), 'helper-exec-root-v2-demo')
mutant('I16', 'helper/step-filter.c', '        return load(f, n);', '        return n ? 0 : -1;', helper('exec'), 'helper-exec-root-v2-demo')
mutant('I16', 'helper/step-filter.c', '(k & SECCOMP_RET_DATA) == 0 ? FILTER_FAKES : FILTER_OK', 'FILTER_OK', REQUESTS, 'rogue-filter.code')
mutant('I16', 'helper/step-filter.c', 'if (BPF_RVAL(f[i].code) != BPF_K)', 'if (0)', REQUESTS, 'rogue-filter.code')
mutant('I16', 'helper/step-filter.c', 'if (!cbpf_is_valid(f, n))', 'if (0)', REQUESTS, 'rogue-filter.code')
mutant('I16', 'helper/job.c', '        return r > 0 ? refuse_arg(f, REASON_FILTER_NEEDS, (uint32_t)r - 1) : 0;', '        return 0;', REQUESTS, 'rogue-filter.needs')
mutant('I16', 'helper/floor-build.c', 'BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TIOCSTI, 2, 0)', 'BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TIOCSTI, 1, 0)', helper('tty'), 'sec-T1-demo')
mutant('I17', 'helper/plan.c', 'return *label && strcmp(label, job->target.facts.label) != 0 ? refuse(f, REASON_PLAN_LABEL) : 0;', 'return 0 && label ? refuse(f, REASON_PLAN_LABEL) : 0;',
       REQUESTS, 'rogue-plan.label')
mutant('I18', 'helper/plan.c', 'return job->target.facts.no_new_privs && !(job->plan->flags & WIRE_PLAN_NNP) ? refuse(f, REASON_NNP_WEAKER) : 0;', 'return 0;',
       helper('ceiling'), 'inv-I18-fires')
mutant('I18', 'helper/step-exec.c', 'if (e == 0 && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1))', 'if (0)',
       helper('exec'), 'helper-exec-root-v2-demo')

# --- I19 to I25: what is passed, what is open, where it is

KINDS = helper('fd-kinds')
mutant('I19', 'common/fdtype.c', 'return fs.f_type == PIPEFS_MAGIC ? FD_KIND_PIPE : 0;', 'return FD_KIND_PIPE;', REQUESTS, 'rogue-slot.stdin')
mutant('I19', 'common/fdtype.c', 'return holds_data((unsigned long)fs.f_type) ? FD_KIND_FILE : 0;', 'return FD_KIND_FILE;', KINDS, 'inv-I19-file-others')
mutant('I19', 'common/fdtype.c', "(!S_ISFIFO(st.stx_mode) && !S_ISREG(st.stx_mode)) || ", '', KINDS, 'inv-I19-file-others')
mutant('I19', 'common/fdtype.c', 'option(fd, SO_TYPE) != SOCK_STREAM || ', '', KINDS, 'inv-I19-unix-others')
mutant('I19', 'common/fdtype.c', 'return !listening && is_connected(fd) ? FD_KIND_UNIX : 0;', 'return is_connected(fd) ? FD_KIND_UNIX : listening ? FD_KIND_UNIX : 0;', KINDS, 'inv-I19-unix-others')
mutant('I19', 'common/fdtype.c', 'return !listening && is_connected(fd) ? FD_KIND_UNIX : 0;', 'return !listening ? FD_KIND_UNIX : 0;', KINDS, 'inv-I19-unix-others')
mutant('I19', 'common/fdtype.c', ' || option(fd, SO_PROTOCOL) != IPPROTO_TCP)', ')', KINDS, 'inv-I19-inet-listen-others')
# The family beside the protocol has none: no other family's stream sockets have TCP's number, so nothing tells them apart.
mutant('I19', 'common/fdtype.c', 'return listening ? FD_KIND_INET_LISTEN : is_connected(fd) ? FD_KIND_INET : 0;', 'return is_connected(fd) || listening ? FD_KIND_INET : 0;',
       KINDS, 'inv-I19-inet-others')
mutant('I19', 'common/fdtype.c', 'return listening ? FD_KIND_INET_LISTEN : is_connected(fd) ? FD_KIND_INET : 0;', 'return listening ? FD_KIND_INET_LISTEN : FD_KIND_INET;',
       KINDS, 'inv-I19-inet-others')
mutant('I19', 'helper/job.c', 'return kind & context.ceiling->fd_kinds ? 0 :', 'return kind ? 0 :', KINDS, 'inv-I19-unix-fires')
mutant('I19', 'helper/job.c', '                if (check_kind(job, i, REASON_EXTRA_KIND, f) < 0)\n                        return -1;\n', '                job->fd_kinds[i] = FD_KIND_PIPE;\n',
       REQUESTS, 'rogue-slot.extra')
mutant('I19', 'helper/plan.c', 'if (job->fds[i] >= 0 && !(job->fd_kinds[i] & kinds))', 'if (0 && kinds)', KINDS, 'inv-I19-unix-target')
mutant('I19', 'helper/plan.c', '(bounding | t->facts.caps[CAPS_BOUNDING]) & CAPS_BIT(CAP_NET_ADMIN)', 't->facts.caps[CAPS_BOUNDING] & CAPS_BIT(CAP_NET_ADMIN)',
       KINDS, 'inv-I19-net-admin-of-the-plan')
mutant('I19', 'helper/plan.c', '(bounding | t->facts.caps[CAPS_BOUNDING]) & CAPS_BIT(CAP_NET_ADMIN)', 'bounding & t->facts.caps[CAPS_BOUNDING] & CAPS_BIT(CAP_NET_ADMIN)',
       KINDS, 'inv-I19-net-admin-of-the-plan')
mutant('I19', 'helper/plan.c', 'if (!target_has_own_userns(t) || maps_root(&t->facts.uid_map) || maps_root(&t->facts.gid_map))',
       'if (maps_root(&t->facts.uid_map) && t->owner_uid == 99)', KINDS, 'inv-I19-file-target')
mutant('I19', 'helper/plan.c', ' || maps_root(&t->facts.uid_map)', '', KINDS, 'inv-I19-unix-target')
mutant('I19', 'helper/plan.c', ' || maps_root(&t->facts.gid_map))', ')', KINDS, 'inv-I19-unix-target')
mutant('I19', 'helper/step-enter.c', 'if (job->fd_kinds[i] == FD_KIND_PIPE && fchown', 'if (job->fd_kinds[i] && fchown', KINDS, 'inv-I19-file-passes')
mutant('I20', 'helper/job.c', '(fcntl(fd, F_GETFL) & O_ACCMODE) == mode ? 0', '1 || mode ? 0', helper('streams'), 'inv-I20-fires')
mutant('I21', 'common/fdtype.c', ' || flags & O_PATH', '', REQUESTS, 'rogue-slot.extra')
mutant('I21', 'helper/job.c', 'r >= 0 && (r & seals) == seals', '(r & seals) == seals', helper('streams'), 'sec-F1-relay-slots')
mutant('I22', 'helper/step-cgroup.c', '        close_all_but(keep, n);\n', '        (void)keep;\n', helper('entering'), 'inv-I22-fires-demo')
mutant('I22', 'helper/steps.c', '        close_range(next, ~0u, 0);\n', '', helper('keep'), 'inv-I22-others')
mutant('I23', 'helper/step-exec.c', '        close_range((unsigned)r->report_fd + 1, ~0u, 0);\n', '', helper('entering'), 'inv-I23-fires-demo')
mutant('I23', 'helper/main.c', '        reexecute(argv, envp);\n', '        (void)reexecute;\n        (void)argv;\n        (void)envp;\n', helper('start'), 'inv-I23-text')
mutant('I23', 'helper/main.c', 'if (fcntl(to, F_ADD_SEALS, ALL_SEALS) < 0)', 'if (fcntl(to, F_ADD_SEALS, F_SEAL_SHRINK) < 0)', helper('start'), 'inv-I23-text')
mutant('I24', 'helper/step-exec.c', '        e = check_cwd();\n', '        e = 0;\n        (void)check_cwd;\n', 'tests/mutation/planted', 'planted-cwd',
       plant=(('helper/step-enter.c', '        r->ns_fd = close_fd(r->ns_fd);\n', ''),
              ('helper/step-exec.c', 'if (chdir(r->job->strings.cwd) < 0)', 'if (fchdir(r->ns_fd) < 0)')))
mutant('I24', 'helper/step-exec.c', "if (name[0] != '/')", 'if (0)', 'tests/mutation/planted', 'planted-cwd',
       plant=(('helper/step-enter.c', '        r->ns_fd = close_fd(r->ns_fd);\n', ''),
              ('helper/step-exec.c', 'if (chdir(r->job->strings.cwd) < 0)', 'if (fchdir(r->ns_fd) < 0)')))
mutant('I25', 'helper/step-tty.c', 'fs.f_type != DEVPTS_SUPER_MAGIC || ', '', helper('tty'), 'sec-T2-own-node-of-ptmx')
mutant('I25', 'helper/step-tty.c', '            st.st_rdev != makedev(5, 2))', '            0)', helper('tty'), 'sec-T2-slave-bound')
mutant('I25', 'helper/step-tty.c', '.resolve = RESOLVE_NO_SYMLINKS };\n        struct statfs fs;', '.resolve = 0 };\n        struct statfs fs;', helper('tty'),
       'sec-T2-link-to-real-ptmx')

# --- I26 to I33: files, environment, identity, place, one exec

mutant('I26', 'helper/open.c', '!S_ISREG(st.st_mode) || ', '', helper('ops'), 'sec-O2')
mutant('I26', 'helper/open.c', '            (owned_by_root && (st.st_uid != 0 || st.st_mode & 022)))', '            0)', helper('ops'), 'inv-I26-state-fires')
mutant('I26', 'helper/open.c', 'open_at(root, name, O_PATH, RESOLVE_IN_ROOT)', 'open_at(root, name, O_PATH, 0)', helper('ops'), 'sec-O3-passwd')
mutant('I26', 'helper/open.c', 'open_at(dir, m->path, O_PATH, RESOLVE_BENEATH)', 'open_at(dir, m->path, O_PATH, 0)', helper('ops'), 'inv-I26-state-fires')
mutant('I26', 'helper/open.c', ' || !ceiling_lists_dir(context.ceiling, dir))', ')', helper('ops'), 'inv-I8-list-fires')
mutant('I27', 'common/wire.c', '                if (!is_env_entry(*e))\n', '                if (!is_env_entry(*e) && 0)\n', REQUESTS, 'rogue-plan.env')
mutant('I28', 'helper/step-ident.c', 'if (setgroups(p->n_groups, groups) < 0)', 'if (0 && groups[0])', helper('exec'), 'helper-exec-user-v2-demo')
mutant('I28', 'helper/supervise.c', 'if (setgroups(0, NULL) < 0)', 'if (0)', helper('start'), 'inv-I28-groups')
mutant('I28', 'helper/step-ident.c', 'int e = caps_set_bounding(r->job->plan->caps[CAPS_BOUNDING]);', 'int e = r ? 0 : 1;', helper('exec'),
       'helper-exec-capabilities-v2-demo')
mutant('I28', 'helper/step-ident.c', '        e = check_ids(p);\n', '        e = 0;\n        (void)check_ids;\n', 'tests/mutation/planted', 'planted-ids',
       plant=(('helper/step-ident.c', 'if (syscall(SYS_setresuid, p->uid, p->uid, p->uid) < 0)', 'if (0)'),
              ('helper/step-exec.c', 'syscall(SYS_setresuid, -1, 0, -1) == 0)', '0)')))
mutant('I28', 'helper/step-exec.c', 'syscall(SYS_setresuid, -1, 0, -1) == 0)', '0)', 'tests/mutation/planted', 'planted-way-back',
       plant=(('helper/step-ident.c', 'if (syscall(SYS_setresuid, p->uid, p->uid, p->uid) < 0)', 'if (syscall(SYS_setresuid, p->uid, p->uid, 0) < 0)'),
              ('helper/step-ident.c', '        e = check_ids(p);\n', '        e = 0;\n        (void)check_ids;\n')))
mutant('I28', 'helper/step-exec.c', "                if (e == 0)\n                        e = caps_compare(c[CAPS_EFFECTIVE], c[CAPS_PERMITTED], c[CAPS_INHERITABLE]);\n                if (e == 0 && (prctl",
       '                if (e == 0 && (prctl', 'tests/mutation/planted', 'planted-caps',
       plant=(('helper/step-ident.c', '        return syscall(SYS_capset, &head, data) < 0 ? -errno : 0;', '        return data[0].effective && !head.version ? -errno : 0;'),))
mutant('I29', 'helper/step-cgroup.c', '        return v1_pass(cgroups, false, f) < 0 ? -1 : v1_pass(cgroups, true, f);', '        return cgroups ? 0 : v1_pass(cgroups, true, f);',
       helper('hybrid'), 'inv-I29-fires-crun')
mutant('I29', 'helper/exec.c', '                args.flags |= CLONE_INTO_CGROUP;\n', '', helper('exec'), 'helper-exec-cgroups-v2-demo')
mutant('I30', 'helper/step-enter.c', 'if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 && errno != ENOSYS)', 'if (0)', helper('attributes'), 'inv-I30-passes')
mutant('I30', 'helper/step-exec.c', 'if (setsid() < 0 || ', 'if (', helper('exec'), 'helper-exec-root-v2-demo')
mutant('I31', 'helper/step-enter.c', '        umask((mode_t)t->umask);\n', '', helper('attributes'), 'sec-V9-odd')
mutant('I31', 'helper/step-enter.c', '                e = set_limits(t);\n', '                (void)set_limits;\n', helper('attributes'), 'sec-V9-odd')
mutant('I31', 'helper/inherit.c', '        reset_memory();\n', '        (void)reset_memory;\n', helper('start'), 'inv-I31-fires')
mutant('I31', 'helper/inherit.c', '        reset_scheduling();\n', '        (void)reset_scheduling;\n', helper('start'), 'inv-I31-fires')
mutant('I32', 'helper/step-exec.c', 'execve(r->program, (char *const *)', 'execvpe(r->program, (char *const *)', helper('program'), 'sec-O5-demo')
mutant('I32', 'helper/step-exec.c', "if (entry[0] != '/' || ", 'if (', helper('program'), 'sec-O6-demo')
mutant('I33', 'helper/exec.c', '        if (has_executed(w->stat_fd))\n', '        if (has_executed(w->stat_fd) || 1)\n', helper('status'), 'inv-I33-fires')
mutant('I33', 'helper/exec.c', '        if (read_last_words(w, f))\n', '        if (0 && read_last_words(w, f))\n', helper('program'), 'sec-O5-demo')

# --- I34 to I40: supervisor, signals, limits, records

mutant('I34', 'helper/drop.c', 'syscall(SYS_setresuid, uid, uid, uid) < 0)', '(uid_t)-1 == uid)', helper('keep'), 'inv-I34-fires-demo')
mutant('I34', 'helper/drop.c', '        e = caps_write(kill, kill, 0);\n        if (e == 0)\n                e = caps_compare(kill, kill, 0);\n', '        e = kill ? 0 : -1;\n',
       helper('keep'), 'inv-I34-fires-demo')
mutant('I34', 'helper/drop.c', 'if (e == 0 && syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &p) < 0)', 'if (p.len == 0)', helper('keep'), 'inv-I34-fires-demo')
mutant('I34', 'helper/drop.c', '        close_rest(w);\n', '        (void)close_rest;\n', helper('keep'), 'inv-I34-fires-demo')
mutant('I34', 'helper/drop.c', 'prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0', '0', helper('keep'), 'inv-I34-fires-demo')
mutant('I35', 'helper/wait.c', '        if (sig < 1 || sig > 64)\n                return;\n', '        if (sig > 64)\n                return;\n        if (sig < 1)\n                sig = 9;\n', helper('invariants'), 'inv-I35-fires')
mutant('I35', 'helper/wait.c', '        else if (scope == WIRE_SCOPE_ALL)\n', '        else\n', helper('end'), 'inv-I35-passes-demo')
mutant('I36', 'helper/listener.c', '        if (is_over_rate())\n', '        if (is_over_rate() && 0)\n', helper('ceiling'), 'inv-I36-rate-fires')
mutant('I36', 'helper/keep.c', 'return n_busy < most && ', 'return most && ', helper('ceiling'), 'inv-I36-sessions-fires')
mutant('I37', 'helper/job.c', 'if (m->deadline_ns <= now || m->deadline_ns - now > LIMIT_REQUEST_AGE_MS * UINT64_C(1000000))', 'if (m->deadline_ns <= now)', REQUESTS,
       'rogue-exec.deadline')
mutant('I37', 'helper/job.c', 'if (m->deadline_ns <= now || ', 'if (m->deadline_ns > now && ', REQUESTS, 'rogue-exec.deadline')
mutant('I37', 'helper/job.c', 'm->counter) == m->counter)', 'm->counter) == m->counter + 1)', REQUESTS, 'rogue-exec.counter')
mutant('I38', 'helper/exec.c', 'p ? (int)p->caller_uid : -1', 'p ? 0 : -1', helper('log'), 'inv-I4-fires')
mutant('I39', 'helper/ceiling.c', 'return st.st_uid == 0 && !(st.st_mode & 022) ? 0 : -EPERM;', 'return 0;', helper('ceiling'), 'inv-I39-fires')
mutant('I39', 'helper/ceiling.c', '.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK, .resolve = RESOLVE_NO_SYMLINKS };', '.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK };',
       helper('ceiling'), 'inv-I39-fires')
mutant('I39', 'helper/ceiling.c', "return r < 0 ? -EINVAL : 0;\n}\n\nint ceiling_parse", "return 0;\n}\n\nint ceiling_parse", 'unit', 'ceiling')
mutant('I39', 'helper/listener.c', '        context.ceiling = c;\n', '        context.ceiling = c;\n        c->allow_uid0 = true;\n', helper('ceiling'), 'inv-I13-fires')
mutant('I40', 'helper/keep.c', '                log_end(k, &k->page->record);\n', '', helper('log'), 'inv-I40-passes')
mutant('I40', 'helper/log.c', "if (*p > ' ' && *p < 0x7f && *p != '\\\\' && *p != '\"') {", 'if (1) {', helper('log'), 'sec-Z3')
mutant('I40', 'helper/log.c', '!S_ISREG(st.st_mode) || st.st_uid != 0 || st.st_mode & 077', '!S_ISREG(st.st_mode)', helper('log'), 'inv-I40-fires')

# The keeping of sessions, which no invariant's number has: ARCHITECTURE §4.
mutant('keep', 'helper/keep.c', '                        k->status = status;\n', '', helper('keep'), 'sec-V4-true-status-demo')
mutant('keep', 'helper/wait.c', '        cgroup_kill(w->cg.kill_fd);\n        if (!cgroup_wait_empty', '        if (!cgroup_wait_empty', helper('end'), 'sec-V2-fires-demo')
mutant('keep', 'helper/cgroup.c', 'return fcntl(cg->kill_fd, F_SETLK, &lock) < 0 ? -errno : 0;', 'return lock.l_type == 99 ? -errno : 0;', helper('keep'),
       'sec-V4-listener-demo')
mutant('keep', 'helper/link.c', 'peer.uid != context.broker_uid)', 'peer.uid == 99999999)', helper('link'), 'helper-link-stranger')
