# SPDX-License-Identifier: Apache-2.0
"""A private system bus at the standard address with the real polkitd: the setuid agent helper of polkit clears its environment, so
another address would not reach it. Works in the run's own mount namespace alone."""
import os
import shutil
import subprocess
import time

import sys_calls

SOCKET = '/run/dbus/system_bus_socket'
CONFIG = '''<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
 <type>system</type><user>messagebus</user><auth>EXTERNAL</auth>
 <listen>unix:path=%(socket)s</listen>
 <policy context="default">
  <allow user="*"/><deny own="*"/><deny send_type="method_call"/><allow send_type="signal"/>
  <allow send_requested_reply="true" send_type="method_return"/><allow send_requested_reply="true" send_type="error"/>
  <allow receive_type="method_call"/><allow receive_type="method_return"/>
  <allow receive_type="error"/><allow receive_type="signal"/>
  <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus"/>
  <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus.Introspectable"/>
  <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus.Properties"/>
 </policy>
 <policy user="root">
  <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus.Monitoring"/>
 </policy>
 <includedir>%(policies)s</includedir>
</busconfig>
'''
# Who polkit asks where it wants an administrator; a run's own rules stand beside it.
ADMIN_RULE = 'polkit.addAdminRule(function(action, subject) { return ["unix-user:adm"]; });\n'


def _copy_all(folder, target, suffix):
        for name in sorted(os.listdir(folder)):
                if name.endswith(suffix):
                        shutil.copy(os.path.join(folder, name), target)


def prepare(folder, source, rules):
        """Bus policies, polkit actions and rules as an installation has them, below folder; the rules stay writable for root."""
        for name in ('policies', 'actions', 'rules.d', 'vendor-rules'):
                os.makedirs(os.path.join(folder, name), mode=0o755)
        shutil.copy('/usr/share/dbus-1/system.d/org.freedesktop.PolicyKit1.conf', folder + '/policies')
        _copy_all(source + '/dbus', folder + '/policies', '.conf')
        shutil.copy('/usr/share/polkit-1/actions/org.freedesktop.policykit.policy', folder + '/actions')
        _copy_all(source + '/policy', folder + '/actions', '.policy')
        with open(folder + '/vendor-rules/50-default.rules', 'w') as rule:
                rule.write(ADMIN_RULE)
        if rules:
                _copy_all(rules, folder + '/rules.d', '.rules')
        for mounted, point in (('actions', '/usr/share/polkit-1/actions'), ('rules.d', '/etc/polkit-1/rules.d'),
                               ('vendor-rules', '/usr/share/polkit-1/rules.d')):
                sys_calls.mount(os.path.join(folder, mounted), point, None, sys_calls.MS_BIND)
        with open(folder + '/bus.conf', 'w') as config:
                config.write(CONFIG % {'socket': SOCKET, 'policies': folder + '/policies'})


def daemon_command(folder):
        return ['dbus-daemon', '--config-file=' + folder + '/bus.conf', '--nofork', '--nopidfile', '--nosyslog']


def polkit_command():
        return ['/usr/lib/polkit-1/polkitd', '--no-debug']


def has_owner(name):
        call = ['dbus-send', '--system', '--print-reply=literal', '--dest=org.freedesktop.DBus', '/',
                'org.freedesktop.DBus.NameHasOwner', 'string:' + name]
        done = subprocess.run(call, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, check=False)
        return b'true' in done.stdout


def wait_until(condition, seconds):
        end = time.monotonic() + seconds
        while not condition():
                if time.monotonic() > end:
                        return False
                time.sleep(0.005)
        return True
