# SPDX-License-Identifier: Apache-2.0
"""How a Python test speaks: "ok NAME", "not ok NAME - why", "skip NAME - why", --list, and selection by NAME."""
import fnmatch
import os
import subprocess
import sys
import time
import traceback

SRC = os.environ.get('AIRLOCK_SRC') or os.path.abspath(os.path.join(os.path.dirname(__file__), '..', '..'))
BUILD = os.environ.get('AIRLOCK_BUILD') or os.path.join(SRC, 'build')

_tests = []
_setups = []


class Failed(Exception):
        pass


class Skipped(Exception):
        pass


def fail(why):
        raise Failed(why)


def skip(why):
        raise Skipped(why)


def equal(got, wanted, what='value'):
        if got != wanted:
                raise Failed(f'{what} is {got!r}, expected {wanted!r}')


def contains(text, part, what='text'):
        if part not in text:
                raise Failed(f'{what} is {text!r}, without {part!r}')


def run(*argv, status=None, timeout=60, **more):
        """Runs a command, text in and out; with status= it must end with that."""
        done = subprocess.run(argv, capture_output=True, text=True, timeout=timeout, **more)
        if status is not None and done.returncode != status:
                raise Failed(f'{argv} ended with {done.returncode}, expected {status}: {done.stderr[-300:]}')
        return done


def within(seconds, condition, what='condition'):
        """Tries again until the condition holds; its last value comes back."""
        end = time.monotonic() + seconds
        while True:
                value = condition()
                if value:
                        return value
                if time.monotonic() > end:
                        raise Failed(f'{what} did not come true within {seconds} s')
                time.sleep(0.02)


def test(name):
        """Decorator: registers a function without arguments as the test of that name."""
        def register(function):
                _tests.append((name, function))
                return function
        return register


SETUID = os.environ.get('AIRLOCK_SETUID') == '1'


def service_test(name):
        """As test(), for what setuid mode does not have: a listener, its socket."""
        return (lambda function: function) if SETUID else test(name)


def setup(function):
        """Decorator: runs once before the first test, never with --list."""
        _setups.append(function)
        return function


def _why(error):
        text = str(error) or type(error).__name__
        if not isinstance(error, (Failed, Skipped)):
                text = f'{type(error).__name__}: {text}'
        return ' '.join(text.split())[:500]


def _one(name, function):
        try:
                function()
        except Skipped as error:
                print(f'skip {name} - {_why(error)}', flush=True)
        except Exception as error:
                if not isinstance(error, Failed):
                        traceback.print_exc()
                print(f'not ok {name} - {_why(error)}', flush=True)
                return 1
        else:
                print(f'ok {name}', flush=True)
        return 0


def main(arguments=None):
        arguments = sys.argv[1:] if arguments is None else arguments
        if arguments[:1] == ['--list']:
                for name, _ in _tests:
                        print(name)
                sys.exit(0)
        chosen = [(name, function) for name, function in _tests
                  if not arguments or any(fnmatch.fnmatchcase(name, pattern) for pattern in arguments)]
        failed = 0
        try:
                for function in _setups:
                        function()
        except Exception as error:
                traceback.print_exc()
                for name, _ in chosen:
                        print(f'not ok {name} - set-up: {_why(error)}', flush=True)
                sys.exit(1)
        for name, function in chosen:
                failed |= _one(name, function)
        sys.exit(failed)
