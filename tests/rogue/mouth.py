# SPDX-License-Identifier: Apache-2.0
"""A process that is user airlock, no capability, no_new_privs: the only one of this suite that speaks to the helper. What it sends was
prepared by others, as the fds of a broker are."""
import ctypes
import os
import socket
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'helper'))
from airlock_wire import *

libc = ctypes.CDLL(None, use_errno=True)


def be_the_broker():
    become_broker()
    libc.prctl(38, 1, 0, 0, 0)


def speak(data, fds):
    """All reports to one request: their kinds and bytes; the fds that come are closed."""
    s = connect()
    try:
        send(s, data, fds)
    except BrokenPipeError:
        pass
    found = []
    while True:
        kind, data, got = receive(s, 10)
        for fd in got:
            os.close(fd)
        if kind is None:
            break
        found.append(data)
        if kind == EXITED:      # a plan may have asked that the record be kept until it is acknowledged
            try:
                send(s, head(ACK, 16, 0))
            except OSError:
                pass
    s.close()
    return found


class Mouth:
    def __init__(self):
        self.sock, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for s in (self.sock, theirs):
            s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        self.pid = os.fork()
        if self.pid == 0:
            try:
                self.sock.close()
                be_the_broker()
                self._serve(theirs)
            finally:
                os._exit(1)
        theirs.close()

    @staticmethod
    def _serve(sock):
        while True:
            try:
                data, fds, flags, _ = socket.recv_fds(sock, 1 << 17, 300)
                if not data:
                    os._exit(0)
                answer = speak(data, fds)
            except OSError as why:
                answer = [b'!' + str(why).encode()]
            for fd in fds:
                os.close(fd)
            sock.send(struct.pack('=I', len(answer)) + b''.join(struct.pack('=I', len(a)) + a for a in answer))

    def ask(self, data, fds=()):
        """Bytes of each report; the kernel lets at most 253 fds through a message, and so does this."""
        socket.send_fds(self.sock, [data], list(fds))
        got = self.sock.recv(1 << 20)
        n, at, found = struct.unpack_from('=I', got)[0], 4, []
        for _ in range(n):
            size = struct.unpack_from('=I', got, at)[0]
            found.append(got[at + 4:at + 4 + size])
            at += 4 + size
        if found and found[0].startswith(b'!'):
            raise OSError(found[0].decode())
        return found

    def end(self):
        self.sock.close()
        os.waitpid(self.pid, 0)
