# SPDX-License-Identifier: Apache-2.0
# docs/threats.md: the catalogue's 117 rows and the helper's 40 checks, each once, each with tests that exist; with a run's output, that
# passed. Few rows may go without: the lists are here, so that the document alone cannot make them longer.
import re

COUNTS = {"D": 12, "P": 9, "K": 8, "F": 8, "S": 12, "N": 9, "O": 11, "T": 7, "W": 2, "E": 4, "C": 6, "X": 5, "L": 4, "V": 13, "Z": 7}
CATALOGUE = ["sec-%s%d" % (letter, n) for letter, last in COUNTS.items() for n in range(1, last + 1)]
CHECKS = ["inv-I%d" % n for n in range(1, 41)]
MOST_LEFT_OUT, MOST_CHECKS_LEFT_OUT = 12, 3
MAY_RUN_ELSEWHERE = {"sec-L1", "sec-L3", "sec-F7", "sec-S12"}
ROW = re.compile(r"^\| (sec-[A-Z]\d+|inv-I\d+) \|(.*)\|$", re.M)
NAME = re.compile(r"`((?:%s)-[^`]+)`" % "|".join(("sec", "inv", "rogue", "helper", "bus", "beh", "cli", "chaos", "boot", "install", "lint", "unit", "asan",
                                                   "seccomp", "policy", "setuid")))


def rows(text):
    return [(m.group(1), [cell.strip() for cell in m.group(2).split("|")]) for m in ROW.finditer(text)]


def names(cells):
    return [name for cell in cells for name in NAME.findall(cell)]


def check_row(name, cells):
    if len(cells) != 3:
        yield "%s has %d cells, expected what, verdict, tests" % (name, len(cells) + 1)
        return
    _, verdict, where = cells
    if verdict not in ("tested", "does not apply", "runs elsewhere"):
        yield "%s: verdict %r, expected tested, does not apply or runs elsewhere" % (name, verdict)
    if verdict == "tested" and not names([where]):
        yield "%s is tested and names no test" % name
    if verdict in ("does not apply", "runs elsewhere") and len(where.split()) < 4:
        yield "%s is %s without a reason" % (name, verdict)
    if verdict == "runs elsewhere" and name not in MAY_RUN_ELSEWHERE:
        yield "%s may not be left to another machine" % name


def check_check(name, cells):
    """What, where, reason, fires, passes; or said in words why not."""
    if len(cells) != 5:
        yield "%s has %d cells, expected what, where, reason, fires, passes" % (name, len(cells) + 1)
        return
    for cell, what in zip(cells[3:], ("fires", "passes")):
        if not NAME.findall(cell):
            yield "%s names no test that %s" % (name, what)


def left_out(found):
    return [name for name, cells in found if len(cells) > 1 and cells[1] == "does not apply"]


def check(text, tests, passed=None, catalogue=None, checks=None):
    found, catalogue, checks = rows(text), catalogue or CATALOGUE, checks or CHECKS
    ids = [name for name, _ in found]
    for name in catalogue + checks:
        if ids.count(name) != 1:
            yield "%s is there %d times" % (name, ids.count(name))
    for name, cells in found:
        if name not in catalogue + checks:
            yield "%s is no row of this table" % name
        yield from check_check(name, cells) if name.startswith("inv-") else check_row(name, cells)
        for test in names(cells):
            if test not in tests:
                yield "%s names %s, which is no test" % (name, test)
            elif passed is not None and test not in passed:
                yield "%s names %s, which did not pass" % (name, test)
    if len(left_out(found)) > MOST_LEFT_OUT:
        yield "%d rows are left out, at most %d" % (len(left_out(found)), MOST_LEFT_OUT)


def summary(text):
    found = rows(text)
    catalogue = {name for name, _ in found if name in CATALOGUE}
    checks = {name for name, _ in found if name in CHECKS}
    elsewhere = [name for name, cells in found if len(cells) == 3 and cells[1] == "runs elsewhere"]
    return "# docs/threats.md: %d + %d rows; do not apply: %s; run elsewhere: %s" % (
        len(catalogue), len(checks), " ".join(left_out(found)) or "none", " ".join(elsewhere) or "none")


def passed_of(path):
    """Names that a run of scripts/test printed as passed or, with the reason in tests/not-run.list, as not run here."""
    with open(path, encoding="utf-8", errors="replace") as f:
        return set(re.findall(r"^(?:ok|skip) (\S+)", f.read(), re.M))


BAD = """| sec-D1 | a | tested | by hand |
| sec-D1 | a | tested | `sec-gone` |
| sec-D2 | b | does not apply | no |
| sec-D3 | c | runs elsewhere | on another machine with a kernel |
| sec-D9 | d | maybe | `sec-t` |
| inv-I1 | e | f | g | `sec-t` | — |
"""
GOOD = """| sec-D1 | a | tested | `sec-t` |
| sec-D2 | b | does not apply | there is no such thing here |
| inv-I1 | e | f | g | `sec-t` | `sec-t` |
"""


def selftest(expect):
    expect("lint-threats-bad", check(BAD, {"sec-t"}, None, ["sec-D1", "sec-D2", "sec-D3", "sec-D4"], ["inv-I1"]), [
        "sec-D1 is there 2 times", "sec-D4 is there 0 times", "sec-D1 is tested and names no test", "sec-D1 names sec-gone",
        "sec-D2 is does not apply without a reason", "sec-D3 may not be left", "sec-D9 is no row", "sec-D9: verdict", "inv-I1 names no test that passes"])
    expect("lint-threats-good", check(GOOD, {"sec-t"}, {"sec-t"}, ["sec-D1", "sec-D2"], ["inv-I1"]), [])
    expect("lint-threats-failed", check(GOOD, {"sec-t"}, set(), ["sec-D1", "sec-D2"], ["inv-I1"]), [
        "sec-D1 names sec-t, which did not pass", "inv-I1 names sec-t, which did not pass", "inv-I1 names sec-t, which did not pass"])
