# SPDX-License-Identifier: Apache-2.0
"""The accounts that exist only inside a run, in copies of passwd, group and shadow that are mounted over the host's.
Each one's password is its name. Never writes to the host's files."""
import crypt
import os

import sys_calls

# name: (wanted number, primary group, further groups). adm is who polkit asks where it wants an administrator.
USERS = {
        'airlock': (951, 'airlock', ()),
        'airlock-session': (952, 'airlock', ()),
        'adm': (953, 'adm', ()),
        'alice': (2001, 'alice', ('support',)),
        'bob': (2002, 'bob', ('support',)),
        'carol': (2003, 'carol', ()),
}
GROUPS = {'airlock': 951, 'support': 2010, 'alice': 2001, 'bob': 2002, 'carol': 2003}
PEOPLE = ('adm', 'alice', 'bob', 'carol')


def _lines(file, without):
        with open(file) as lines:
                return [line.rstrip('\n') for line in lines if line.split(':')[0] not in without]


def _free(number, lines):
        taken = {line.split(':')[2] for line in lines}
        while str(number) in taken:
                number += 1
        return number


def _members(group):
        return ','.join(user for user, (_, _, more) in USERS.items() if group in more)


def _groups():
        lines = _lines('/etc/group', GROUPS)
        numbers = {line.split(':')[0]: int(line.split(':')[2]) for line in lines}
        for group, wanted in GROUPS.items():
                numbers[group] = _free(wanted, lines)
                lines.append(f'{group}:x:{numbers[group]}:{_members(group)}')
        return lines, numbers


def _users(numbers, home):
        lines = _lines('/etc/passwd', USERS)
        for user, (wanted, group, _) in USERS.items():
                shell = '/bin/sh' if user in PEOPLE else '/usr/sbin/nologin'
                lines.append(f'{user}:x:{_free(wanted, lines)}:{numbers[group]}::{home}/{user}:{shell}')
        return lines


def _shadow():
        lines = _lines('/etc/shadow', USERS)
        for user in USERS:
                word = crypt.crypt(user, '$5$rounds=1000$airlocktest') if user in PEOPLE else '!'
                lines.append(f'{user}:{word}:19000:0:99999:7:::')
        return lines


def mount_over(folder, home):
        """Writes the copies into folder and binds each over the host's file."""
        groups, numbers = _groups()
        for file, lines, mode in (('group', groups, 0o644), ('passwd', _users(numbers, home), 0o644), ('shadow', _shadow(), 0o640)):
                path = os.path.join(folder, file)
                with open(path, 'w') as copy:
                        copy.write('\n'.join(lines) + '\n')
                os.chmod(path, mode)
                sys_calls.mount(path, '/etc/' + file, None, sys_calls.MS_BIND)
