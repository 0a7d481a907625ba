# SPDX-License-Identifier: Apache-2.0
# What the lints share: the tree's own sources, C text without its comments, and verdict lines. A lint first
# shows on a made-up bad case that it fires (selftest), then judges the tree; a lint that cannot fail says nothing.
import json
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("AIRLOCK_BUILD", os.path.join(ROOT, "build"))

_TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
_failed = False


def tracked(root=ROOT):
    """Files that are ours: what git tracks, and new files that it does not ignore."""
    out = subprocess.run(
        ["git", "-c", "safe.directory=*", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        stdout=subprocess.PIPE, check=True).stdout.decode()
    return sorted(f for f in out.split("\0") if f and os.path.isfile(os.path.join(root, f)))


def read(path, root=ROOT):
    with open(os.path.join(root, path), encoding="utf-8", errors="replace") as f:
        return f.read()


def is_c(path):
    return path.endswith((".c", ".h"))


def code_only(text, keep_strings=True):
    """C text with comments blanked, line numbers kept."""
    def blank(m):
        s = m.group(0)
        if s.startswith("/"):
            return " " + "\n" * s.count("\n")
        return s if keep_strings else s[0] + s[0]
    return _TOKEN.sub(blank, text)


def code_lines(text):
    """Number of lines that hold code: neither blank nor comment alone."""
    return sum(1 for line in code_only(text).split("\n") if line.strip())


def compile_commands(build=BUILD):
    """Rows of the build's compile_commands.json that compile a source of this tree."""
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as f:
        rows = json.load(f)
    for row in rows:
        row["path"] = os.path.relpath(os.path.realpath(os.path.join(row["directory"], row["file"])), ROOT)
        row["args"] = row["arguments"] if "arguments" in row else row["command"].split()
    return [r for r in rows if not r["path"].startswith("..")]


def fake_tree(files):
    """A throw-away tree for selftests; returns a TemporaryDirectory."""
    d = tempfile.TemporaryDirectory(prefix="lint-")
    for name, text in files.items():
        path = os.path.join(d.name, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
    return d


def verdict(name, findings):
    """Prints the test's line, and each finding on a line of its own before it."""
    global _failed
    findings = list(findings)
    for f in findings:
        print("# " + f)
    if findings:
        _failed = True
        print("not ok %s - %d finding%s, the first: %s" % (name, len(findings), "s" * (len(findings) > 1), findings[0]))
    else:
        print("ok " + name)


def expect(name, got, wanted):
    """Selftest: each wanted text must be found in some finding, and there must be no finding besides."""
    got = list(got)
    wrong = ["nothing was found for: " + w for w in wanted if not any(w in g for g in got)]
    wrong += ["found without reason: " + g for g in got if not any(w in g for w in wanted)]
    verdict(name + "-selftest", wrong)


def done():
    sys.stdout.flush()
    sys.exit(1 if _failed else 0)
