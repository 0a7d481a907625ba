# SPDX-License-Identifier: Apache-2.0
# Completion of airlock for bash.
_airlock_targets() { airlock targets --json 2>/dev/null | grep -o '"name":"[A-Za-z0-9_.:-]*"' | cut -d'"' -f4; }
_airlock_sessions() { airlock ps -q 2>/dev/null; }

_airlock() {
        local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} sub=${COMP_WORDS[1]}
        local exec_flags='--detach --detach-keys --env --env-file --interactive --tty --user --workdir --clear-env --group --group-add
                --privileged --cap-add --cap-drop --no-new-privs --seccomp --label --timeout --idle-timeout --cpu-timeout
                --memory --pids-limit --cpu-percent --client-gone --leftovers --stderr --name --reason --preserve-fds
                --preserve-fd --cidfile --latest --pid-file --wait --help'
        local words=

        if [ "$COMP_CWORD" -eq 1 ]; then
                words='exec shell run explain attach logs rm ps history events inspect resize stop kill wait targets policy status --help --version'
        else
                case $prev in
                --env-file | --cidfile | --pid-file) mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
                --seccomp) words='default target unconfined' ;;
                --client-gone) words='kill hup keep keep-for:' ;;
                --leftovers) words='kill keep' ;;
                --stderr) words='own tty' ;;
                --as) words=$(compgen -u) ;;
                --scope) words='leader group all' ;;
                -s | --signal) words='HUP INT QUIT KILL USR1 USR2 TERM CONT STOP' ;;
                *)
                        case $sub in
                        exec | shell) words="$exec_flags $(_airlock_targets)" ;;
                        explain) words="$exec_flags --as --json $(_airlock_targets)" ;;
                        run) words="$exec_flags --json $(_airlock_targets)" ;;
                        events) words='--filter --json --since --help' ;;
                        resize) words="--help $(_airlock_sessions)" ;;
                        history) words='--filter --json --no-trunc --quiet --since --help' ;;
                        ps) words='--all --filter --json --latest --no-trunc --quiet --help' ;;
                        inspect | wait) words="--json --help $(_airlock_sessions)" ;;
                        attach) words="--detach-keys --no-stdin --sig-proxy --steal --help $(_airlock_sessions)" ;;
                        logs) words="--follow --since-offset --help $(_airlock_sessions)" ;;
                        rm) words="--force --help $(_airlock_sessions)" ;;
                        stop) words="--all --filter --time --help $(_airlock_sessions)" ;;
                        kill) words="--signal --scope --help $(_airlock_sessions)" ;;
                        targets) words='--filter --json --help' ;;
                        status) words='--json --help' ;;
                        policy)
                                case $prev in
                                policy) words='check show status --json --help' ;;
                                *) mapfile -t COMPREPLY < <(compgen -d -- "$cur"; compgen -W '--json' -- "$cur"); return ;;
                                esac
                                ;;
                        esac
                        ;;
                esac
        fi
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}
complete -F _airlock airlock
