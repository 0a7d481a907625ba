# SPDX-License-Identifier: Apache-2.0
"""Finds, runs and counts the tests; tests/README.md is its contract. What does not report, reports twice, or skips without standing
in tests/not-run.list has failed: a test that silently vanishes would be a pass."""
import argparse
import fnmatch
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

TOP = os.getcwd()
HEADER_LINES = 30
DEFAULT_TIMEOUT = 120
RESULT = re.compile(r'^(ok|not ok|skip) (\S+)(?: - (.*))?$')


class Build:
        def __init__(self, folder, prefix, sanitized=False, setuid=False):
                self.folder, self.prefix, self.sanitized, self.setuid = folder, prefix, sanitized, setuid

        def environment(self):
                return {**os.environ, 'AIRLOCK_SRC': TOP, 'AIRLOCK_BUILD': self.folder, 'AIRLOCK_BUILT': '1',
                        'AIRLOCK_SANITIZED': '1' if self.sanitized else '0',
                        # scripts/with-airlock reads these itself, also where a test calls it.
                        'AIRLOCK_SETUID': '1' if self.setuid else '0', 'LC_ALL': 'C.UTF-8',
                        **({'AIRLOCK_BUILD_SETUID': TOP + '/build-asan-setuid'} if self.sanitized and self.setuid else {})}

        def takes(self, about):
                """Whether a script with these header lines runs in it."""
                kind = 'asan-setuid' if self.sanitized and self.setuid else 'asan' if self.sanitized else 'setuid' if self.setuid else None
                return not kind or about.get(kind) == 'yes'


class Unit:
        """Something that is started once and reports one or more tests."""
        def __init__(self, build, source, suite, command, timeout, names=None, folder=TOP, alone=None):
                self.build, self.source, self.suite, self.command = build, source, suite, command
                self.timeout, self.folder, self.alone = timeout, folder, alone
                self.names = [build.prefix + name for name in names] if names else [build.prefix + alone]

        def chosen(self, patterns):
                if not patterns or self.source in patterns or self.suite in patterns or self.build.prefix + self.suite in patterns:
                        return self.names
                return [name for name in self.names if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)]


def header(path):
        found = {}
        with open(path, errors='replace') as file:
                for _, line in zip(range(HEADER_LINES), file):
                        match = re.match(r'^# (with-airlock|timeout|asan|setuid|asan-setuid|vm): ?(.*)$', line)
                        if match:
                                found[match[1]] = match[2].strip()
        return found


def meson_units(build):
        listed = subprocess.run(['meson', 'introspect', '--tests', build.folder], capture_output=True, text=True, check=True)
        for entry in json.loads(listed.stdout):
                suites = [suite.split(':')[-1] for suite in entry['suite']] or ['unit']
                if build.sanitized and 'no-asan' in suites:
                        continue
                suite = next((each for each in suites if each != 'no-asan'), 'unit')
                unit = Unit(build, entry['name'], suite, entry['cmd'], entry['timeout'] or DEFAULT_TIMEOUT,
                            folder=entry['workdir'] or build.folder, alone=f'{suite}-{entry["name"]}')
                unit.extra = entry['env']
                yield unit


def script_units(build, vm):
        for path in sorted(glob.glob('tests/*/test-*')):
                if not os.path.isfile(path) or not os.access(path, os.X_OK):
                        continue
                suite = path.split('/')[1]
                about = header(path)
                if (suite == 'vm' and not vm) or not build.takes(about):
                        continue
                listed = subprocess.run([path, '--list'], capture_output=True, text=True, check=False, timeout=60,
                                        stdin=subprocess.DEVNULL, env=build.environment())
                names = [line for line in listed.stdout.split('\n') if line and ' ' not in line]
                alone = None if names and listed.returncode == 0 else f'{suite}-{os.path.basename(path)[len("test-"):]}'
                command = [os.path.join(TOP, path)]
                if 'with-airlock' in about:
                        command = [TOP + '/scripts/with-airlock', *about['with-airlock'].split(), *command]
                yield Unit(build, path, suite, command, int(about.get('timeout', DEFAULT_TIMEOUT)),
                           None if alone else names, alone=alone)


def lint_units(build):
        for path in sorted(glob.glob('tests/lint/*')):
                if os.path.isfile(path) and os.access(path, os.X_OK) and not path.startswith('tests/lint/test-'):
                        yield Unit(build, path, 'lint', [os.path.join(TOP, path)], DEFAULT_TIMEOUT,
                                   alone='lint-' + os.path.basename(path))


def not_run():
        allowed = {}
        with open('tests/not-run.list') as lines:
                for line in lines:
                        if line.strip() and not line.startswith('#'):
                                name, _, why = line.strip().partition(' ')
                                allowed[name] = why.strip()
        return allowed


class Tally:
        def __init__(self, verbose):
                self.passed, self.failed, self.skipped, self.verbose = 0, [], 0, verbose
                self.allowed = not_run()
                self.seen = set()

        def add(self, word, name, why, seconds):
                if name in self.seen:
                        word, why = 'not ok', 'reported twice'
                self.seen.add(name)
                if word == 'skip' and name not in self.allowed:
                        word, why = 'not ok', f'skipped ({why}), and tests/not-run.list does not allow it'
                took = f' ({seconds:.1f} s)' if seconds >= 1 else ''
                print(f'{word} {name}' + (f' - {why}' if why else '') + took, flush=True)
                if word == 'ok':
                        self.passed += 1
                elif word == 'skip':
                        self.skipped += 1
                else:
                        self.failed.append(name)
                return word != 'not ok'

        def finish(self):
                for name in self.failed:
                        print('failed: ' + name)
                print(f'tests: {self.passed} passed, {len(self.failed)} failed, {self.skipped} skipped', flush=True)
                return 1 if self.failed or not self.passed else 0


def start(unit, chosen, logs):
        """Runs it to its end or its time-out: (exit status or None, output)."""
        environment = {**unit.build.environment(), **getattr(unit, 'extra', {}), 'AIRLOCK_LOGS': logs}
        arguments = [] if unit.alone or len(chosen) == len(unit.names) else [name[len(unit.build.prefix):] for name in chosen]
        with tempfile.TemporaryFile() as output:
                process = subprocess.Popen([*unit.command, *arguments], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                           cwd=unit.folder, env=environment, start_new_session=True)
                try:
                        status = process.wait(unit.timeout)
                except subprocess.TimeoutExpired:
                        status = None
                finally:
                        try:
                                os.killpg(process.pid, signal.SIGKILL)
                        except ProcessLookupError:
                                pass
                        process.wait()
                output.seek(0)
                return status, output.read().decode(errors='replace')


def judge_alone(unit, status, text):
        if status == 0:
                return [('ok', unit.names[0], None)]
        if status == 77:
                return [('skip', unit.names[0], (text.strip().split('\n') or [''])[-1])]
        why = f'no end after {unit.timeout} s' if status is None else f'ended with {status}'
        return [('not ok', unit.names[0], why)]


def judge_lines(unit, chosen, status, text):
        found = []
        for line in text.split('\n'):
                match = RESULT.match(line)
                if match:
                        name = unit.build.prefix + match[2]
                        listed = name in chosen
                        found.append((match[1], name, match[3]) if listed else ('not ok', name, 'reported, but not listed'))
        missing = set(chosen) - {name for _, name, _ in found}
        why = f'no end after {unit.timeout} s' if status is None else f'not reported; the file ended with {status}'
        found += [('not ok', name, why) for name in chosen if name in missing]
        if status not in (0, None) and not any(word == 'not ok' for word, _, _ in found):
                found.append(('not ok', unit.build.prefix + unit.source, f'the file ended with {status}'))
        return found


def reports(logs):
        return sorted(glob.glob(logs + '/sanitizer*'))


def show(text, logs):
        """What a reader needs after a failure, indented so that no line looks like a result."""
        print('\n'.join('    | ' + line for line in text.rstrip().split('\n')[-60:]))
        for path in sorted(glob.glob(logs + '/*')):
                with open(path, errors='replace') as file:
                        lines = file.read().rstrip().split('\n')
                if lines != ['']:
                        print(f'    {os.path.basename(path)}:')
                        print('\n'.join('    | ' + line for line in lines[-30:]))


def run(unit, chosen, tally):
        logs = tempfile.mkdtemp(prefix='airlock-logs.')
        began = time.monotonic()
        status, text = start(unit, chosen, logs)
        seconds = time.monotonic() - began
        results = judge_alone(unit, status, text) if unit.alone else judge_lines(unit, chosen, status, text)
        if reports(logs):
                results.append(('not ok', unit.build.prefix + unit.source, 'a sanitizer reported'))
        fine = all([tally.add(*result, seconds if unit.alone or len(results) == 1 else 0) for result in results])
        if not unit.alone and seconds >= 1:
                print(f'    {unit.source}: {seconds:.1f} s', flush=True)
        if not fine or tally.verbose:
                show(text, logs)
        shutil.rmtree(logs)


def find(vm, asan):
        plain = Build(TOP + '/build', '')
        units = [*lint_units(plain), *meson_units(plain), *script_units(plain, vm)]
        units += script_units(Build(TOP + '/build', 'setuid-', setuid=True), vm)
        if asan:
                sanitized = Build(TOP + '/build-asan', 'asan-', sanitized=True)
                units += [*meson_units(sanitized), *script_units(sanitized, vm)]
                units += script_units(Build(TOP + '/build-asan', 'asan-setuid-', sanitized=True, setuid=True), vm)
        return units


def main():
        parser = argparse.ArgumentParser(prog='scripts/test', add_help=False)
        parser.add_argument('--list', action='store_true')
        parser.add_argument('--no-vm', dest='vm', action='store_false')
        parser.add_argument('--no-asan', dest='asan', action='store_false')
        parser.add_argument('-v', dest='verbose', action='store_true')
        parser.add_argument('names', nargs='*')
        chosen = parser.parse_args()
        plan = [(unit, unit.chosen(chosen.names)) for unit in find(chosen.vm, chosen.asan)]
        plan = [(unit, names) for unit, names in plan if names]
        if chosen.list:
                for _, names in plan:
                        print('\n'.join(names))
                return 0
        if not plan:
                print('not ok scripts/test - no test has such a name')
                print('tests: 0 passed, 1 failed, 0 skipped')
                return 1
        tally = Tally(chosen.verbose)
        for unit, names in plan:
                run(unit, names, tally)
        return tally.finish()


if __name__ == '__main__':
        sys.exit(main())
