# SPDX-License-Identifier: Apache-2.0
# Completion of airlock for fish.
function __airlock_targets
    airlock targets --json 2>/dev/null | string match -ra '"name":"([A-Za-z0-9_.:-]*)"' -g
end

set -l subcommands exec shell run explain attach logs rm ps history events inspect resize stop kill wait targets policy status
complete -c airlock -f
complete -c airlock -n "not __fish_seen_subcommand_from $subcommands" -a exec -d 'run a command in a running container'
complete -c airlock -n "not __fish_seen_subcommand_from $subcommands" -a shell -d 'run the shell of the user'
complete -c airlock -n "not __fish_seen_subcommand_from $subcommands" -a run -d 'the same, with its output collected'
complete -c airlock -n "not __fish_seen_subcommand_from $subcommands" -a explain -d 'show what exec would do'
complete -c airlock -n "not __fish_seen_subcommand_from $subcommands" -a attach -d 'attach to a detached session'
complete -c airlock -n "not __fish_seen_subcommand_from $subcommands" -a logs -d 'show the output that was kept'
complete -c airlock -n "not __fish_seen_subcommand_from $subcommands" -a rm -d 'forget sessions'
complete -c airlock -n "not __fish_seen_subcommand_from $subcommands" -a ps -d 'list sessions'
complete -c airlock -n "not __fish_seen_subcommand_from $subcommands" -a events -d 'show what becomes of sessions'
complete -c airlock -n "not __fish_seen_subcommand_from $subcommands" -a resize -d 'give a terminal another size'
complete -c airlock -n "not __fish_seen_subcommand_from $subcommands" -a history -d 'list sessions of the past'
complete -c airlock -n "not __fish_seen_subcommand_from $subcommands" -a inspect -d 'show everything about sessions'
complete -c airlock -n "not __fish_seen_subcommand_from $subcommands" -a stop -d 'end sessions'
complete -c airlock -n "not __fish_seen_subcommand_from $subcommands" -a kill -d 'send a signal'
complete -c airlock -n "not __fish_seen_subcommand_from $subcommands" -a wait -d 'wait for the end'
complete -c airlock -n "not __fish_seen_subcommand_from $subcommands" -a targets -d 'list containers'
complete -c airlock -n "not __fish_seen_subcommand_from $subcommands" -a policy -d 'check and show rules'
complete -c airlock -n "__fish_seen_subcommand_from policy; and not __fish_seen_subcommand_from check show" -a 'check show status'
complete -c airlock -n "__fish_seen_subcommand_from check show" -a '(__fish_complete_directories)'
complete -c airlock -n "not __fish_seen_subcommand_from $subcommands" -a status -d 'show version, policy and health'

set -l exec '__fish_seen_subcommand_from exec shell run explain'
complete -c airlock -n $exec -a '(__airlock_targets)'
complete -c airlock -n $exec -s d -l detach -d 'leave it running'
complete -c airlock -n $exec -l detach-keys -x -d 'keys that detach'
complete -c airlock -n $exec -s e -l env -x -d 'set a variable'
complete -c airlock -n $exec -l env-file -r -F -d 'read variables'
complete -c airlock -n $exec -s i -l interactive -d 'pass stdin'
complete -c airlock -n $exec -s t -l tty -d 'a terminal inside'
complete -c airlock -n $exec -s u -l user -x -d 'user inside'
complete -c airlock -n $exec -s w -l workdir -x -d 'directory inside'
complete -c airlock -n $exec -l clear-env -d 'begin with an empty environment'
complete -c airlock -n $exec -l group -x -d 'primary group'
complete -c airlock -n $exec -l group-add -x -d 'further groups'
complete -c airlock -n $exec -l privileged -d 'all capabilities of the rule'
complete -c airlock -n $exec -l cap-add -x -d 'add capabilities'
complete -c airlock -n $exec -l cap-drop -x -d 'drop capabilities'
complete -c airlock -n $exec -l no-new-privs -d 'set no_new_privs'
complete -c airlock -n $exec -l seccomp -x -a 'default target unconfined' -d profile
complete -c airlock -n $exec -l label -x -d 'security label'
complete -c airlock -n $exec -l timeout -x -d 'wall time'
complete -c airlock -n $exec -l idle-timeout -x -d 'idle time'
complete -c airlock -n $exec -l cpu-timeout -x -d 'CPU time'
complete -c airlock -n $exec -l memory -x -d limit
complete -c airlock -n $exec -l pids-limit -x -d limit
complete -c airlock -n $exec -l cpu-percent -x -d limit
complete -c airlock -n $exec -l client-gone -x -a 'kill hup keep keep-for:' -d 'when the client goes'
complete -c airlock -n $exec -l leftovers -x -a 'kill keep' -d 'processes that are left'
complete -c airlock -n $exec -l stderr -x -a 'own tty' -d 'beside a terminal'
complete -c airlock -n $exec -l name -x -d 'name of the session'
complete -c airlock -n $exec -l reason -x -d why
complete -c airlock -n $exec -l preserve-fds -x -d 'descriptors from 3'
complete -c airlock -n $exec -l preserve-fd -x -d descriptors
complete -c airlock -n $exec -l cidfile -r -F -d 'file with the id'
complete -c airlock -n $exec -s l -l latest -d 'the container that started last'
complete -c airlock -n $exec -l pid-file -r -F -d 'write the pid'
complete -c airlock -n $exec -l wait -x -d seconds
complete -c airlock -n '__fish_seen_subcommand_from explain' -l as -x -a '(__fish_complete_users)' -d 'what that account would get'
complete -c airlock -n '__fish_seen_subcommand_from attach' -l detach-keys -x -d 'keys that detach'
complete -c airlock -n '__fish_seen_subcommand_from attach' -l no-stdin -d 'read along'
complete -c airlock -n '__fish_seen_subcommand_from attach' -l sig-proxy -d accepted
complete -c airlock -n '__fish_seen_subcommand_from attach' -l steal -d 'take the place of who is attached'
complete -c airlock -n '__fish_seen_subcommand_from logs' -s f -l follow -d 'and what comes'
complete -c airlock -n '__fish_seen_subcommand_from logs' -l since-offset -x -d 'from that byte on'
complete -c airlock -n '__fish_seen_subcommand_from rm' -s f -l force -d 'end those that run'
complete -c airlock -n '__fish_seen_subcommand_from attach logs resize rm inspect stop kill wait' -a '(airlock ps -q 2>/dev/null)'
complete -c airlock -n '__fish_seen_subcommand_from kill' -s s -l signal -x -a 'HUP INT QUIT KILL USR1 USR2 TERM'
complete -c airlock -n '__fish_seen_subcommand_from kill' -l scope -x -a 'leader group all'
complete -c airlock -n '__fish_seen_subcommand_from stop' -s t -l time -x -d seconds
complete -c airlock -n '__fish_seen_subcommand_from ps' -s a -l all -d 'ended ones too'
complete -c airlock -n '__fish_seen_subcommand_from ps' -s l -l latest -d 'the newest one'
complete -c airlock -n '__fish_seen_subcommand_from stop' -s a -l all -d 'all that the filters take'
complete -c airlock -n '__fish_seen_subcommand_from history events' -l since -x -d 'from then on'
complete -c airlock -n '__fish_seen_subcommand_from ps history' -s q -l quiet -d 'ids alone'
complete -c airlock -n '__fish_seen_subcommand_from ps history' -l no-trunc -d 'whole ids'
complete -c airlock -n '__fish_seen_subcommand_from ps history events stop targets' -l filter -x -d KEY=VALUE
complete -c airlock -n '__fish_seen_subcommand_from run explain ps history events inspect resize wait targets policy status' -l json -d 'as JSON'
complete -c airlock -l help -s h -d help
