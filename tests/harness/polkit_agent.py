#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A scripted polkit agent, without PAM: PID UID yes|no|dismiss|fail|hang|wrongid|wrongcookie|later [fallback]. Run as root, it registers itself for the
process PID of UID and answers each question as told; it prints "ready", and on stderr what it was asked."""
import sys

from gi.repository import Gio, GLib

import polkit_client

INTERFACE = '''<node><interface name="org.freedesktop.PolicyKit1.AuthenticationAgent">
<method name="BeginAuthentication"><arg type="s" direction="in"/><arg type="s" direction="in"/><arg type="s" direction="in"/>
<arg type="a{ss}" direction="in"/><arg type="s" direction="in"/><arg type="a(sa{sv})" direction="in"/></method>
<method name="CancelAuthentication"><arg type="s" direction="in"/></method></interface></node>'''
ERRORS = {'dismiss': 'org.freedesktop.PolicyKit1.Error.Cancelled', 'fail': 'org.freedesktop.PolicyKit1.Error.Failed'}


class Agent:
        def __init__(self, connection, mode):
                self.connection, self.mode = connection, mode
                self.held = []          # questions that are never answered; dropping them would answer

        def respond(self, cookie, identity):
                answer = GLib.Variant.new_tuple(GLib.Variant('u', 0), GLib.Variant('s', cookie), identity)
                try:
                        polkit_client.call(self.connection, 'AuthenticationAgentResponse2', answer)
                except GLib.Error as error:
                        print('response refused:', error.message, file=sys.stderr, flush=True)

        def respond_later(self, parameters, invocation):
                self.respond(parameters.unpack()[4], parameters.get_child_value(5).get_child_value(0))
                invocation.return_value(None)
                return False

        def begin(self, parameters, invocation):
                cookie = parameters.unpack()[4]
                if self.mode == 'yes':
                        self.respond(cookie, parameters.get_child_value(5).get_child_value(0))
                elif self.mode == 'wrongid':
                        self.respond(cookie, GLib.Variant('(sa{sv})', ('unix-user', {'uid': GLib.Variant('u', 12345)})))
                elif self.mode == 'wrongcookie':
                        self.respond('0' * len(cookie), parameters.get_child_value(5).get_child_value(0))
                elif self.mode == 'hang':
                        self.held.append(invocation)
                        return
                elif self.mode == 'later':
                        GLib.timeout_add(2000, self.respond_later, parameters, invocation)
                        return
                if self.mode in ERRORS:
                        invocation.return_dbus_error(ERRORS[self.mode], self.mode)
                else:
                        invocation.return_value(None)

        def called(self, _connection, _sender, _path, _interface, method, parameters, invocation):
                print(method, parameters.unpack(), file=sys.stderr, flush=True)
                if method == 'BeginAuthentication':
                        self.begin(parameters, invocation)
                else:
                        invocation.return_value(None)


def main():
        pid, uid, mode = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
        connection = polkit_client.connect()
        agent = Agent(connection, mode)
        node = Gio.DBusNodeInfo.new_for_xml(INTERFACE)
        connection.register_object('/agent', node.interfaces[0], agent.called, None, None)
        subject = polkit_client.process_subject(pid, uid)
        if 'fallback' in sys.argv[4:]:
                options = {'fallback': GLib.Variant('b', True)}
                polkit_client.call(connection, 'RegisterAuthenticationAgentWithOptions',
                                   GLib.Variant('((sa{sv})ssa{sv})', (subject, 'C', '/agent', options)))
        else:
                polkit_client.call(connection, 'RegisterAuthenticationAgent',
                                   GLib.Variant('((sa{sv})ss)', (subject, 'C', '/agent')))
        print('ready', flush=True)
        GLib.MainLoop().run()


if __name__ == '__main__':
        main()
