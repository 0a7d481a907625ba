#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# A second evaluator of rules, written from docs/policy.md alone: it shares no code and no table with policy/.
# Run by itself it decides the *.case files of folders by their *.conf files, as `airlock policy check` does.
import datetime
import os
import re
import sys

NO, UNKNOWN, YES = 0, 1, 2  # "and" is min, "or" is max

KEYS = ("Who Active Unit Target Image Label Owner Command AsUser AsGroup Capabilities Seccomp NoNewPrivileges SELinuxLabel "
        "Tty Fds Files EnvAllow EnvDeny EnvSet Limits ClientGone Reason When Answer").split()
NOT_DENYING = ("NoNewPrivileges", "EnvAllow", "EnvSet", "Limits")
ENGINES = "crun runc podman docker containerd crio lxc machine registered pid".split()
CAPABILITIES = (
    "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST "
    "NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE "
    "SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM "
    "BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE").split()
ALL = (1 << 64) - 1
STEERING = """
LD_* *_OPTIONS PATH GLIBC_TUNABLES GCONV_PATH GETCONF_DIR LOCPATH NLSPATH MALLOC_* HOSTALIASES LOCALDOMAIN RES_OPTIONS RESOLV_*
TMPDIR TZDIR TERMINFO* TERMCAP BASH_* BASHOPTS SHELLOPTS SHELL ENV IFS PS4 CDPATH GLOBIGNORE PROMPT_* ZDOTDIR FPATH
PYTHON* PERL* RUBY* GEM_* BUNDLE_* NODE_* NPM_* LUA_* TCLLIBPATH CLASSPATH JAVA_* _JAVA_* JDK_* PHP* GIT_* SSH_* PAGER *_PAGER
EDITOR *_EDITOR VISUAL BROWSER LESSOPEN LESSCLOSE LESS MANPAGER OPENSSL_* DYLD_* GTK_* QT_* HOME XDG_*""".split()
DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
TIME_LIMITS = ("wall", "idle", "cpu")
MATCHED_LIMITS = ("wall", "idle", "cpu", "memory", "pids", "cpu-percent")
MAX_ID = 4294967294


class Bad(Exception):
    pass


class Word:
    __slots__ = ("text", "quoted")

    def __init__(self, text, quoted):
        self.text, self.quoted = text, quoted

    def special(self, *texts):
        return not self.quoted and self.text in texts


# Text -----------------------------------------------------------------------------------------------------------------

def split_words(value):
    words, i, n = [], 0, len(value)
    while True:
        while i < n and value[i] in " \t":
            i += 1
        if i == n:
            break
        if value[i] == '"':
            out, i = [], i + 1
            while True:
                if i >= n:
                    raise Bad("open quote")
                c = value[i]
                i += 1
                if c == '"':
                    break
                if c == "\\":
                    m = re.compile(r'["\\nt]|x[0-9a-fA-F]{2}').match(value, i)
                    if not m or m.group() == "x00":
                        raise Bad("bad escape")
                    i, e = m.end(), m.group()
                    c = {"n": "\n", "t": "\t"}.get(e, e) if len(e) == 1 else chr(int(e[1:], 16))
                out.append(c)
            if i < n and value[i] not in " \t":
                raise Bad("no blank after quote")
            words.append(Word("".join(out), True))
        else:
            start = i
            while i < n and value[i] not in " \t":
                if value[i] == '"':
                    raise Bad("quote inside a word")
                i += 1
            words.append(Word(value[start:i], False))
    if len(words) > 256:
        raise Bad("too many words")
    return words


def split_text(data, kind):
    """bytes -> list of (name, [(key, words)])"""
    if len(data) > 4 << 20:
        raise Bad("too large")
    lines = data.decode("latin-1").split("\n")
    sections = []
    for number, line in enumerate(lines):
        if number == len(lines) - 1 and line == "":
            break
        if len(line) > 4096:
            raise Bad("long line")
        text = line.strip(" \t")
        comment = text[:1] in ("#", ";")
        for c in line:
            if (c < " " and c != "\t") or c == "\x7f" or (c >= "\x80" and not comment):
                raise Bad("bad byte")
        if text == "" or comment:
            continue
        if text[0] == "[":
            if text[-1] != "]":
                raise Bad("section")
            parts = re.split(r"[ \t]+", text[1:-1].strip(" \t"), maxsplit=1)
            name = parts[1] if len(parts) > 1 else ""
            if parts[0] != kind or not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", name):
                raise Bad("section name")
            sections.append((name, []))
            continue
        key, equals, value = text.partition("=")
        key = key.strip(" \t")
        if not equals or not key or not sections:
            raise Bad("assignment")
        sections[-1][1].append((key, split_words(value.strip(" \t"))))
    return sections


def number(text, top=MAX_ID):
    if not re.fullmatch(r"0|[1-9][0-9]{0,9}", text) or int(text) > top:
        raise Bad("number " + text)
    return int(text)


def number_range(text):
    low, dash, high = text.partition("-")
    if not dash:
        return number(text), number(text)
    if number(low) > number(high):
        raise Bad("range")
    return number(low), number(high)


def count(text, top=1000000):
    if not re.fullmatch(r"[1-9][0-9]{0,18}", text) or int(text) > top:
        raise Bad("count " + text)
    return int(text)


def scaled(text, units):
    m = re.fullmatch(r"([0-9]+)([A-Za-z]*)", text)
    if not m or m.group(2) not in units:
        raise Bad("unit " + text)
    return count(m.group(1), (1 << 53) // units[m.group(2)]) * units[m.group(2)]


def duration(text):
    return scaled(text, {"ms": 1, "s": 1000, "m": 60000, "h": 3600000, "d": 86400000})


def size(text):
    return scaled(text, {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30})


def host_name(text):
    if not 1 <= len(text) <= 255 or re.fullmatch("[0-9]+", text):
        raise Bad("host name")
    return text


def inside_name(text):
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]*\$?", text) or len(text) > 64:
        raise Bad("inside name")
    return text


def seconds(text):
    ms = duration(text)
    if ms % 1000:
        raise Bad("whole seconds")
    return ms // 1000


def date(text):
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise Bad("date")
    try:
        return datetime.date(int(text[:4]), int(text[5:7]), int(text[8:]))
    except ValueError:
        raise Bad("no such date")


def minute(text):
    if not re.fullmatch(r"[0-9]{2}:[0-9]{2}", text):
        raise Bad("time")
    h, m = int(text[:2]), int(text[3:])
    if m > 59 or h * 60 + m > 24 * 60:
        raise Bad("time")
    return h * 60 + m


# Patterns: translated to regular expressions -----------------------------------------------------------------------------

class Pattern:
    __slots__ = ("regex", "literal", "slash", "wild")

    def __init__(self, text, path):
        if len(text) > 255:
            raise Bad("long pattern")
        any_byte, out, i, literal = ("[^/]" if path else "."), [], 0, []
        self.slash, self.wild = False, False

        def plain(at):
            escaped = text[at] == "\\"
            if escaped:
                at += 1
                if at == len(text):
                    raise Bad("backslash at the end")
            return text[at], at + 1, escaped

        while i < len(text):
            c = text[i]
            if c == "*":
                stars = 0
                while i < len(text) and text[i] == "*":
                    stars, i = stars + 1, i + 1
                out.append((any_byte if stars == 1 else ".") + "*")
                self.wild = True
            elif c == "?":
                out.append(any_byte)
                self.wild, i = True, i + 1
            elif c == "[":
                i += 1
                negated = i < len(text) and text[i] == "!"
                if negated:
                    i += 1
                members = set()
                while True:
                    if i >= len(text):
                        raise Bad("open bracket")
                    if text[i] == "]":
                        break
                    low, i, _ = plain(i)
                    high = low
                    if i + 1 < len(text) and text[i] == "-" and text[i + 1] != "]":
                        high, i, _ = plain(i + 1)
                    if path and "/" in (low, high):
                        raise Bad("slash in brackets")
                    if high < low:
                        raise Bad("empty range")
                    members.update(chr(k) for k in range(ord(low), ord(high) + 1))
                if not members:
                    raise Bad("empty brackets")
                i += 1
                wanted = {chr(k) for k in range(256)} - members if negated else members
                if path:
                    wanted = wanted - {"/"}
                out.append("[" + "".join(re.escape(k) for k in sorted(wanted)) + "]" if wanted else "(?!)")
                self.wild = True
            else:
                c, i, escaped = plain(i)
                if path and escaped and c == "/":
                    raise Bad("escaped slash")
                self.slash = self.slash or c == "/"
                out.append(re.escape(c))
                literal.append(c)
        self.literal = None if self.wild else "".join(literal)
        self.regex = re.compile("".join(out), re.DOTALL) if self.wild else None

    def matches(self, text):
        if self.regex is None:
            return text == self.literal
        return len(text) <= 4096 and self.regex.fullmatch(text) is not None


def patterns(words, path=False):
    return [Pattern(w.text, path) for w in words]


def any_of(items, text):
    return any(p.matches(text) for p in items)


# Rules ----------------------------------------------------------------------------------------------------------------

def one_of(words, *choices):
    if len(words) != 1 or not words[0].special(*choices):
        raise Bad("one of " + " ".join(choices))
    return words[0].text


def prefixed(word, *prefixes):
    for p in prefixes:
        if word.text.startswith(p):
            return p, word.text[len(p):]
    return None, None


def who_item(w):
    if w.special("*"):
        return ("any",)
    prefix, rest = prefixed(w, "user:", "group:", "uid:")
    if prefix == "uid:":
        return ("number",) + number_range(rest)
    if prefix:
        return (prefix[:-1], host_name(rest))
    raise Bad("who")


def owner_item(w):
    if w.special("caller"):
        return ("caller",)
    if w.special("root"):
        return ("number", 0, 0)
    prefix, rest = prefixed(w, "user:", "uid:")
    if prefix == "uid:":
        return ("number",) + number_range(rest)
    if prefix:
        return ("user", host_name(rest))
    raise Bad("owner")


def inside_item(w):
    if w.special("*"):
        return ("any",)
    if w.special("root"):
        return ("number", 0, 0)
    if w.text[:1].isdigit() and w.text[:1].isascii():
        low, high = number_range(w.text)
        if low == 0 and high != 0:
            raise Bad("range from 0")
        return ("number", low, high)
    return ("name", inside_name(w.text))


def as_user_item(w):
    return ("default",) if w.special("default") else inside_item(w)


def unit_item(w):
    prefix, rest = prefixed(w, "cgroup:")
    if prefix:
        if rest[:1] != "/":
            raise Bad("cgroup")
        return "cgroup", Pattern(rest, True)
    return "unit", Pattern(w.text, False)


def target_item(w):
    if w.special("*"):
        return ("any",)
    if w.special("own"):
        return ("own",)
    engine, colon, name = w.text.partition(":")
    if not colon or not name or engine not in ENGINES + ["*"]:
        raise Bad("target")
    return "name", engine, Pattern(name, False)


def label_item(w):
    key, equals, value = w.text.partition("=")
    if not key:
        raise Bad("label")
    return key, Pattern(value, False) if equals else None


def command_line(words):
    if len(words) == 1 and words[0].special("*"):
        return None
    text = words[0].text
    if text[:1] != "/" or text.endswith("/"):
        raise Bad("command")
    args = [w.text if w.special("*", "**") else Pattern(w.text, True) for w in words[1:]]
    return Pattern(text, True), Pattern(text[text.rindex("/") + 1:], True), args


def capability_mask(words):
    mask = 0
    for w in words:
        name = w.text.upper()
        name = name[4:] if name.startswith("CAP_") else name
        if name not in CAPABILITIES:
            raise Bad("capability")
        mask |= 1 << CAPABILITIES.index(name)
    return mask


def capabilities(words):
    if len(words) == 1 and words[0].special("all"):
        return ALL, True
    return capability_mask(words), False


def profile(w):
    if not w.special("*") and not re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}", w.text):
        raise Bad("profile")
    return w.text


def fds(words):
    number_seen, kinds = None, set()
    for w in words:
        if w.special("pipe", "inet", "inet-listen", "unix"):
            kinds.add(w.text)
        elif number_seen is None:
            number_seen = number(w.text, 12)
        else:
            raise Bad("fds")
    return number_seen or 0, kinds


def env_set(words):
    names = {}
    for w in words:
        m = re.fullmatch(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", w.text, re.DOTALL)
        if not m or m.group(1) in names:
            raise Bad("env")
        names[m.group(1)] = m.group(2)
    return names


def limits(words):
    ret = {}
    for w in words:
        name, colon, value = w.text.partition(":")
        if not colon or name in ret or name not in MATCHED_LIMITS + ("sessions", "per-minute"):
            raise Bad("limit")
        ret[name] = duration(value) if name in TIME_LIMITS else size(value) if name == "memory" else count(value)
    return ret


def client_gone(words):
    ret = {}
    for w in words:
        prefix, rest = prefixed(w, "keep-for:")
        if prefix:
            if "keep-for" in ret:
                raise Bad("keep-for")
            ret["keep-for"] = seconds(rest)
        elif w.special("kill", "hup", "keep"):
            ret[w.text] = True
        else:
            raise Bad("client gone")
    return ret


def when(words):
    days, times, dates = set(), [], {}
    for w in words:
        prefix, rest = prefixed(w, "from:", "until:")
        if prefix:
            if prefix in dates:
                raise Bad("date twice")
            dates[prefix] = date(rest)
        elif w.text[:1] in "0123456789" and w.text:
            m = re.fullmatch(r"(.{5})-(.{5})", w.text)
            if not m or len(times) == 16:
                raise Bad("times")
            span = minute(m.group(1)), minute(m.group(2))
            if span[0] == span[1] or span[0] == 24 * 60:
                raise Bad("times")
            times.append(span)
        else:
            for part in w.text.split(","):
                ends = part.split("-")
                if len(ends) > 2 or any(e not in DAYS for e in ends):
                    raise Bad("days")
                day, last = DAYS.index(ends[0]), DAYS.index(ends[-1])
                days.add(day)
                while day != last:
                    day = (day + 1) % 7
                    days.add(day)
    return days, times, dates


PARSE = {
    "Who": lambda ws: [who_item(w) for w in ws],
    "Active": lambda ws: one_of(ws, "yes", "no"),
    "Unit": lambda ws: [unit_item(w) for w in ws],
    "Target": lambda ws: [target_item(w) for w in ws],
    "Image": patterns,
    "Label": lambda ws: [label_item(w) for w in ws],
    "Owner": lambda ws: [owner_item(w) for w in ws],
    "AsUser": lambda ws: [as_user_item(w) for w in ws],
    "AsGroup": lambda ws: [inside_item(w) for w in ws],
    "Capabilities": capabilities,
    "Seccomp": lambda ws: [profile(w) for w in ws],
    "NoNewPrivileges": lambda ws: one_of(ws, "yes", "target"),
    "SELinuxLabel": patterns,
    "Tty": lambda ws: one_of(ws, "any", "yes", "no"),
    "Fds": fds,
    "Files": lambda ws: one_of(ws, "yes", "no"),
    "EnvAllow": lambda ws: (any(w.special("*") for w in ws), patterns([w for w in ws if not w.special("*")])),
    "EnvDeny": patterns,
    "EnvSet": env_set,
    "Limits": limits,
    "ClientGone": client_gone,
    "Reason": patterns,
    "When": when,
    "Answer": lambda ws: one_of(ws, "deny", "allow", "ask-self", "ask-admin"),
}


class Rule:
    def __init__(self, name, assignments):
        self.name, self.keys, commands, empty = name, {}, [], set()
        for key, words in assignments:
            if key not in KEYS:
                raise Bad("unknown key")
            if not words and key not in ("Capabilities", "EnvAllow"):
                raise Bad("empty value")
            if key == "Command":
                commands.append(command_line(words))
                continue
            if key in self.keys:
                raise Bad("twice")
            self.keys[key] = PARSE[key](words)
            if not words:
                empty.add(key)
        if len(commands) > 256:
            raise Bad("too many commands")
        if commands:
            self.keys["Command"] = commands
        for key in ("Who", "Target", "Answer"):
            if key not in self.keys:
                raise Bad("missing " + key)
        self.denies = self.keys["Answer"] == "deny"
        self.fixed = bool(commands) and None not in commands
        if self.denies and (empty or any(k in self.keys for k in NOT_DENYING)):
            raise Bad("not in a denying rule")

    # Each of these: NO, UNKNOWN or YES for a request.
    def who(self, r):
        return max(self.who_item(i, r["caller"]) for i in self.keys["Who"])

    @staticmethod
    def who_item(item, caller):
        kind = item[0]
        if kind == "any":
            return YES
        if kind == "number":
            return YES if item[1] <= caller["uid"] <= item[2] else NO
        known = [caller["name"]] if kind == "user" else caller["groups"]
        if item[1] in known:
            return YES
        return UNKNOWN if caller["names_failed"] else NO

    def active(self, r):
        if "Active" not in self.keys:
            return YES
        is_active = r["caller"]["active"]
        return UNKNOWN if is_active is None else YES if is_active == self.keys["Active"] else NO

    def unit(self, r):
        if "Unit" not in self.keys:
            return YES
        for kind, pattern in self.keys["Unit"]:
            text = r["caller"][kind]
            if text is not None and pattern.matches(text):
                return YES
        return NO

    def target(self, r):
        best, t = NO, r["target"]
        for item in self.keys["Target"]:
            if item[0] == "any":
                return YES
            if item[0] == "own":
                best = max(best, {"yes": YES, "no": NO, None: UNKNOWN}[t["own"]])
            elif item[1] in ("*", t["engine"]) and (item[2].matches(t["name"]) or
                                                    (t["id"] is not None and item[2].matches(t["id"]))):
                return YES
            elif t["engine"] == "pid" and item[1] != "pid":
                best = max(best, UNKNOWN)
        return best

    def target_name(self, engine, name):
        best = NO
        for item in self.keys["Target"]:
            if item[0] == "any":
                answer = YES
            elif item[0] == "own":
                answer = UNKNOWN
            elif item[1] != "*" and engine is not None and item[1] != engine:
                answer = NO
            elif item[2].matches(name):
                answer = UNKNOWN if item[1] != "*" and engine is None else YES
            else:
                answer = UNKNOWN if re.fullmatch("[0-9a-f]+", name) else NO
            best = max(best, answer)
        return best

    def image(self, r):
        if "Image" not in self.keys:
            return YES
        if not r["target"]["metadata_known"]:
            return UNKNOWN
        image = r["target"]["image"]
        return YES if image is not None and any_of(self.keys["Image"], image) else NO

    def label(self, r):
        if "Label" not in self.keys:
            return YES
        if not r["target"]["metadata_known"]:
            return UNKNOWN
        for key, pattern in self.keys["Label"]:
            for k, v in r["target"]["labels"]:
                if k == key and (pattern is None or pattern.matches(v)):
                    return YES
        return NO

    def owner(self, r):
        if "Owner" not in self.keys:
            return YES
        uid = r["target"]["owner_uid"]
        if uid is None:
            return UNKNOWN
        for item in self.keys["Owner"]:
            if item[0] == "caller" and uid == r["caller"]["uid"]:
                return YES
            if item[0] == "user" and r["target"]["owner_name"] == item[1]:
                return YES
            if item[0] == "number" and item[1] <= uid <= item[2]:
                return YES
        return NO

    def command(self, r):
        if "Command" not in self.keys:
            return YES
        return YES if any(self.one_command(c, r["argv"]) for c in self.keys["Command"]) else NO

    def word(self, pattern, text):
        if self.denies:
            return len(text) > 4096 or pattern.matches(text)
        if pattern.slash and pattern.wild and ".." in text.split("/"):
            return False
        return pattern.matches(text)

    def one_command(self, command, argv):
        if command is None:
            return True
        path, last, args = command
        if argv[0].startswith("/") or not self.denies:
            if not self.word(path, argv[0]):
                return False
        elif "/" in argv[0] or not self.word(last, argv[0]):
            return False
        # reachable[i]: the first i items can have taken the arguments so far
        reachable = [True] + [False] * len(args)
        for i, item in enumerate(args):
            reachable[i + 1] = reachable[i] and item == "**"
        for text in argv[1:]:
            after = [False] * (len(args) + 1)
            for i, item in enumerate(args):
                if item == "**":
                    after[i + 1] = reachable[i + 1] or after[i]
                elif reachable[i]:
                    after[i + 1] = item == "*" or self.word(item, text)
                if item == "**" and reachable[i]:
                    after[i + 1] = True
            reachable = after
        return reachable[-1]

    @staticmethod
    def identity(item, asked, known, default):
        kind = item[0]
        if kind == "any":
            return YES
        if kind == "default":
            return default
        if kind == "name":
            return YES if asked == item[1] else NO
        if known is None:
            return UNKNOWN
        return YES if item[1] <= known <= item[2] else NO

    def identities(self, items, asked, known, default):
        if known is None and asked is not None and re.fullmatch("[0-9]+", asked):
            try:
                known = number(asked)
            except Bad:
                pass
        best = max(self.identity(i, asked, known, default) for i in items)
        if not self.denies and ("number", 0, 0) not in items:
            best = min(best, UNKNOWN if known is None else NO if known == 0 else YES)
        return best

    def as_user(self, r):
        items = self.keys.get("AsUser", [("default",)])
        u = r["user"]
        best = self.identities(items, u["asked"], u["uid"], YES if u["asked"] is None else u["is_default"])
        if not self.denies and u["uid"] is None:
            best = min(best, UNKNOWN)
        return best

    def as_group(self, r):
        u, items = r["user"], self.keys.get("AsGroup")
        if items is None:
            return NO if u["asked_groups"] else YES
        asked = [self.identities(items, name, gid, NO) for name, gid in u["asked_groups"]]
        if not self.denies:
            return min(asked + [YES])
        has = [None] if u["uid"] is None else [u["gid"]] + u["gids"]
        if u["uid"] is None:
            has += u["gids"] and [None]
        return max(asked + [self.identities(items, None, gid, NO) for gid in has])

    def capability(self, r):
        mask = self.keys.get("Capabilities", (0, False))[0]
        if self.denies:
            return YES if r["privileged"] or r["caps"] & mask else NO
        return NO if r["caps"] & ~mask or (r["privileged"] and not mask) else YES

    def profile_taken(self, asked):
        listed = self.keys.get("Seccomp", ["target", "default"])
        if asked is None:
            first = [p for p in listed if p != "unconfined"]
            return None if not first else "target" if first[0] == "*" else first[0]
        return asked if asked in [p for p in listed if p != "*"] or ("*" in listed and asked != "unconfined") else None

    def seccomp(self, r):
        if not self.denies:
            return NO if self.profile_taken(r["seccomp"]) is None else YES
        return YES if r["seccomp"] is not None and (r["seccomp"] in self.keys["Seccomp"] or "*" in self.keys["Seccomp"]) else NO

    def no_new_privileges(self, r):
        return NO if self.keys.get("NoNewPrivileges") == "yes" and r["nnp"] == "no" else YES

    def selinux_label(self, r):
        if r["label"] is None:
            return NO if self.denies else YES
        return YES if any_of(self.keys.get("SELinuxLabel", []), r["label"]) else NO

    def tty(self, r):
        wanted = self.keys.get("Tty", "any")
        return YES if wanted == "any" or (wanted == "yes") == r["tty"] else NO

    def fds(self, r):
        top, kinds = self.keys.get("Fds", (0, set()))
        passed = r["fd_kinds"] - {"file"}
        if self.denies:
            return YES if passed & kinds or (top and r["n_fds"] >= top) else NO
        return YES if r["n_fds"] <= top and not passed - kinds - {"pipe"} else NO

    def files(self, r):
        passed, yes = "file" in r["fd_kinds"], self.keys.get("Files") == "yes"
        if self.denies:
            return YES if passed == yes else NO
        return NO if passed and not yes else YES

    @staticmethod
    def steers(name):
        for s in STEERING:
            if s.endswith("*") and name.startswith(s[:-1]) or s.startswith("*") and name.endswith(s[1:]) or name == s:
                return True
        return False

    def env_allow(self, r):
        star, listed = self.keys.get("EnvAllow", (True, []))
        for name, _ in r["env"]:
            if len(name) > 255:
                return NO
            if any_of(listed, name):
                continue
            if not star or (self.fixed and self.steers(name)):
                return NO
        return YES

    def env_deny(self, r):
        if "EnvDeny" not in self.keys:
            return YES
        hit = any(len(name) > 255 or any_of(self.keys["EnvDeny"], name) for name, _ in r["env"])
        return YES if hit == self.denies else NO

    def env_set(self, r):
        fixed = self.keys.get("EnvSet", {})
        return NO if any(fixed.get(name, value) != value for name, value in r["env"]) else YES

    def limit(self, r):
        mine = self.keys.get("Limits", {})
        return NO if any(k in mine and r["limits"].get(k, 0) > mine[k] for k in MATCHED_LIMITS) else YES

    def gone(self, r):
        mine, (kind, s) = self.keys.get("ClientGone", {}), r["gone"]
        if self.denies:
            hit = kind in mine and kind != "keep-for"
            if kind == "keep":
                hit = hit or "keep-for" in mine
            if kind == "keep-for":
                hit = "keep" in mine or ("keep-for" in mine and s >= mine["keep-for"])
            return YES if hit else NO
        if kind == "kill" or (kind != "keep-for" and kind in mine):
            return YES
        return YES if kind == "keep-for" and ("keep" in mine or s <= mine.get("keep-for", -1)) else NO

    def reason(self, r):
        if "Reason" not in self.keys:
            return YES
        return YES if r["reason"] and any_of(self.keys["Reason"], r["reason"]) else NO

    def when(self, r):
        if "When" not in self.keys:
            return YES
        if r["time"] is None:
            return UNKNOWN
        (day, now), (days, times, dates) = r["time"], self.keys["When"]
        if days and day.weekday() not in days:
            return NO
        if times and not any((a <= now < b) if a < b else (now >= a or now < b) for a, b in times):
            return NO
        return NO if day < dates.get("from:", day) or day > dates.get("until:", day) else YES

    MATCH = (("Who", who), ("Active", active), ("Unit", unit), ("Target", target), ("Image", image), ("Label", label),
             ("Owner", owner), ("Command", command), ("AsUser", as_user), ("AsGroup", as_group), ("Capabilities", capability),
             ("Seccomp", seccomp), ("NoNewPrivileges", no_new_privileges), ("SELinuxLabel", selinux_label), ("Tty", tty),
             ("Fds", fds), ("Files", files), ("EnvAllow", env_allow), ("EnvDeny", env_deny), ("EnvSet", env_set),
             ("Limits", limit), ("ClientGone", gone), ("Reason", reason), ("When", when))

    def matches(self, r):
        result = YES
        for key, function in self.MATCH:
            if self.denies and key not in self.keys:
                continue
            result = min(result, function(self, r))
            if result == NO:
                return NO
        return result

    def only(self, *keys):
        return self.denies and set(self.keys) <= set(keys) | {"Answer"}


def parse_rules(files):
    """[(name, bytes)], in order -> rules"""
    rules = [Rule(name, keys) for _, data in files for name, keys in split_text(data, "Rule")]
    if len({rule.name for rule in rules}) != len(rules) or len(rules) > 65536:
        raise Bad("rule twice")
    return rules


# The decision -----------------------------------------------------------------------------------------------------------

def outcome(rule, r):
    mask, everything = rule.keys.get("Capabilities", (0, False))
    mine, asked = rule.keys.get("Limits", {}), r["limits"]
    ret = {}
    for k in MATCHED_LIMITS:
        ret[k] = min(asked[k], mine.get(k, asked[k])) if asked.get(k) else mine.get(k, 0)
    for k in ("sessions", "per-minute"):
        ret[k] = mine.get(k, 0)
    return {
        "caps": mask if r["privileged"] else r["caps"],
        "caps_all": r["privileged"] and everything,
        "seccomp": rule.profile_taken(r["seccomp"]),
        "nnp": rule.keys.get("NoNewPrivileges") == "yes" or r["nnp"] == "yes",
        "env_set": sorted(rule.keys.get("EnvSet", {}).items()),
        "limits": ret,
    }


def decide(rules, r, early=False):
    """-> (answer, rule or None, outcome or None)"""
    results = [(rule, rule.matches(r)) for rule in rules]
    for rule, result in results:
        if rule.denies and result >= (YES if early else UNKNOWN):
            return "deny", rule, None
    for rule, result in results:
        if not rule.denies and result >= (UNKNOWN if early else YES):
            mine = rule.keys.get("Limits", {})
            if not early and (r["sessions"] >= mine.get("sessions", 1 << 40) or r["starts"] >= mine.get("per-minute", 1 << 40)):
                return "deny", rule, None
            return rule.keys["Answer"], rule, outcome(rule, r)
    return "deny", None, None


def may_know_name(rules, r, engine, name):
    def asked(rule):
        return min(rule.who(r), rule.active(r), rule.unit(r), rule.target_name(engine, name))
    if any(rule.only("Who", "Active", "Unit", "Target") and asked(rule) == YES for rule in rules):
        return False
    return any(not rule.denies and asked(rule) != NO for rule in rules)


def may_know_target(rules, r):
    def asked(rule):
        return min(rule.who(r), rule.active(r), rule.unit(r), rule.target(r), rule.image(r), rule.label(r), rule.owner(r))
    if any(rule.only("Who", "Active", "Unit", "Target", "Image", "Label", "Owner") and asked(rule) != NO for rule in rules):
        return False
    return any(not rule.denies and asked(rule) == YES for rule in rules)


# Test cases -------------------------------------------------------------------------------------------------------------

ONE_WORD = ("Active Unit Cgroup Target TargetId Image Metadata Own User Uid Gid DefaultUser Privileged Tty Seccomp SELinuxLabel "
            "Reason NoNewPrivileges ClientGone Sessions Starts Expect Rule").split()
SEVERAL = "Caller Label Owner Command Gids Groups Capabilities Fds Env Limits When".split()


def pair(text):
    key, equals, value = text.partition("=")
    if not equals:
        raise Bad("KEY=VALUE")
    return key, value


def uid_and_name(words, several=()):
    uid = name = None
    rest = []
    for w in words:
        prefix, text = prefixed(w, "uid:", "user:", *several)
        if prefix == "uid:" and uid is None:
            uid = number(text)
        elif prefix == "user:" and name is None and text:
            name = text
        elif prefix in several and text:
            rest.append(text)
        else:
            raise Bad("uid and name")
    if uid is None:
        raise Bad("no uid")
    return uid, name, rest


def case_of(name, assignments):
    """-> (name, request, expected answer, expected rule or None)"""
    given = {}
    for key, words in assignments:
        if key in given or key not in ONE_WORD + SEVERAL or not words or (key in ONE_WORD and len(words) > 1):
            raise Bad("case key " + key)
        given[key] = words
    for key in ("Caller", "Target", "Command", "Expect"):
        if key not in given:
            raise Bad("missing " + key)

    def text(key):
        return given[key][0].text if key in given else None

    def choice(key, default, *choices):
        return one_of(given[key], *choices) if key in given else default

    caller_words = [w for w in given["Caller"] if not w.special("names-failed")]
    if len(given["Caller"]) - len(caller_words) > 1:
        raise Bad("names-failed twice")
    uid, user_name, groups = uid_and_name(caller_words, ("group:",))
    engine, colon, target = text("Target").partition(":")
    if engine not in ENGINES or not target:
        raise Bad("target")
    owner_uid, owner_name, _ = uid_and_name(given["Owner"]) if "Owner" in given else (None, None, None)
    asked = text("User")
    default_uid = 1000
    if asked == "root":
        default_uid = 0
    elif asked is not None and re.fullmatch("0|[1-9][0-9]{0,9}", asked) and int(asked) <= MAX_ID:
        default_uid = int(asked)
    inside = default_uid if "Uid" not in given else None if given["Uid"][0].special("unknown") else number(text("Uid"))
    asked_groups = []
    for w in given.get("Groups", []):
        group, equals, gid = w.text.partition("=")
        if not group:
            raise Bad("group")
        if equals:
            asked_groups.append((group, number(gid)))
        else:
            asked_groups.append((group, int(group) if re.fullmatch("0|[1-9][0-9]{0,9}", group) and int(group) <= MAX_ID else None))
    kinds, n_fds = set(), None
    for w in given.get("Fds", []):
        if w.special("pipe", "inet", "inet-listen", "unix", "file"):
            kinds.add(w.text)
        elif n_fds is None:
            n_fds = number(w.text, (1 << 32) - 1)
        else:
            raise Bad("fds")
    gone = ("kill", 0)
    if "ClientGone" in given:
        prefix, rest = prefixed(given["ClientGone"][0], "keep-for:")
        gone = ("keep-for", seconds(rest)) if prefix else (one_of(given["ClientGone"], "kill", "hup", "keep"), 0)
    moment = None
    if "When" in given:
        if len(given["When"]) != 2:
            raise Bad("when")
        moment = date(given["When"][0].text), minute(given["When"][1].text)
        if moment[1] == 24 * 60:
            raise Bad("when")
    asked_limits = limits(given.get("Limits", []))
    if "sessions" in asked_limits or "per-minute" in asked_limits:
        raise Bad("limits of rules")
    request = {
        "caller": {"uid": uid, "name": user_name, "groups": groups, "names_failed": len(caller_words) != len(given["Caller"]),
                   "active": choice("Active", None, "yes", "no"), "unit": text("Unit"), "cgroup": text("Cgroup")},
        "target": {"engine": engine, "name": target, "id": text("TargetId"), "image": text("Image"),
                   "labels": [pair(w.text) for w in given.get("Label", [])],
                   "metadata_known": choice("Metadata", "known", "known", "unknown") == "known",
                   "owner_uid": owner_uid, "owner_name": owner_name, "own": choice("Own", None, "yes", "no")},
        "argv": [w.text for w in given["Command"]],
        "user": {"asked": asked, "uid": inside,
                 "gid": number(text("Gid")) if "Gid" in given else (inside or 0),
                 "gids": [number(w.text) for w in given.get("Gids", [])],
                 "is_default": {"yes": YES, "no": NO, "unknown": UNKNOWN}[
                     choice("DefaultUser", "no" if asked is not None else "yes", "yes", "no", "unknown")],
                 "asked_groups": asked_groups},
        "caps": capability_mask(given.get("Capabilities", [])),
        "privileged": choice("Privileged", "no", "yes", "no") == "yes",
        "tty": choice("Tty", "no", "yes", "no") == "yes",
        "seccomp": text("Seccomp"), "label": text("SELinuxLabel"), "reason": text("Reason"),
        "nnp": choice("NoNewPrivileges", None, "yes", "no"),
        "n_fds": n_fds or 0, "fd_kinds": kinds,
        "env": [pair(w.text) for w in given.get("Env", [])],
        "gone": gone, "limits": asked_limits, "time": moment,
        "sessions": number(text("Sessions"), (1 << 32) - 1) if "Sessions" in given else 0,
        "starts": number(text("Starts"), (1 << 32) - 1) if "Starts" in given else 0,
    }
    return name, request, choice("Expect", None, "deny", "allow", "ask-self", "ask-admin"), text("Rule")


def parse_cases(data):
    return [case_of(name, keys) for name, keys in split_text(data, "Case")]


def read_folder(folder, suffix):
    for name in sorted(os.listdir(folder), key=os.fsencode):
        if name.endswith(suffix) and not name.startswith("."):
            with open(os.path.join(folder, name), "rb") as f:
                yield name, f.read()


def check_folder(folder):
    """Lines about cases whose answer is not the expected one."""
    rules = parse_rules(list(read_folder(folder, ".conf")))
    for file, data in read_folder(folder, ".case"):
        for name, request, expected, wanted in parse_cases(data):
            answer, rule, _ = decide(rules, request)
            got = rule.name if rule else "none"
            if answer != expected or wanted not in (None, got):
                yield "%s: %s: %s by %s, expected %s%s" % (file, name, answer, got, expected, " by " + wanted if wanted else "")


if __name__ == "__main__":
    wrong = [line for folder in sys.argv[1:] for line in check_folder(folder)]
    for line in wrong:
        print(line)
    sys.exit(1 if wrong else 0)
