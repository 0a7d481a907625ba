# SPDX-License-Identifier: Apache-2.0
"""The system calls that Debian 12's Python lacks: mount, umount, unshare, prctl. Nothing here knows what they are for."""
import ctypes
import os

_libc = ctypes.CDLL(None, use_errno=True)

CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWPID = 0x00020000, 0x02000000, 0x20000000
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000
MNT_DETACH = 2
PR_SET_PDEATHSIG = 1


def _checked(result, *what):
        if result < 0:
                number = ctypes.get_errno()
                raise OSError(number, os.strerror(number), ' '.join(str(part) for part in what))
        return result


def _bytes(text):
        return None if text is None else os.fsencode(text)


def mount(source, target, kind=None, flags=0, data=None):
        _checked(_libc.mount(_bytes(source), _bytes(target), _bytes(kind), ctypes.c_ulong(flags), _bytes(data)),
                 'mount', source, target)


def umount(target, flags=0):
        _checked(_libc.umount2(_bytes(target), flags), 'umount', target)


def unshare(flags):
        _checked(_libc.unshare(flags), 'unshare', hex(flags))


def prctl(option, value=0):
        _checked(_libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0), 'prctl', option)
