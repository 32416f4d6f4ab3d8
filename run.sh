#!/bin/sh
# Runs the whole demo: producer, server and, where no TDengine answers, the embedded database.
# Options are environment variables (docs/settings.md); Ctrl-C or SIGTERM ends all of it.
set -eu
cd "$(dirname "$0")"

lock=run.lock # has the number of the process that runs here
python=.venv/bin/python
logs=${LOGS:-logs}
alive=$logs/.alive.pipe
port=${PERSPECTIVE_PORT:-8085}
case ${PERSPECTIVE_HOST:-localhost} in
*:*) host="[$PERSPECTIVE_HOST]" ;; # an IPv6 address
*) host=${PERSPECTIVE_HOST:-localhost} ;;
esac

export OPENBLAS_NUM_THREADS=1 # NumPy starts a thread for each processor else, and nothing here needs them
parts=   # what runs, as name:pid
writers= # the processes that write its logs

start() { # name command...: starts a part in the background, its output in a log of bounded size
    name=$1 pipe=$logs/.$1.pipe
    shift
    rm -f "$pipe"
    mkfifo "$pipe"
    $python -m bridge.logs "$logs/$name.log" <"$pipe" 9>&- &
    writers="$writers $!"
    "$@" >"$pipe" 2>&1 9>&- &
    part=$!
    parts="$parts $name:$part"
    { read -r _ <"$alive" || kill "$part"; } >/dev/null 2>&1 9>&- &
}

stay_alive() { # opens a pipe that each part's end is tied to: it closes when this process ends, killed or not
    rm -f "$alive"
    mkfifo "$alive"
    exec 9<>"$alive"
}

end() { # pid: SIGTERM, and SIGKILL for one that does not end within 5 s
    kill "$1" 2>/dev/null || return 0
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        sleep 0.5
        kill -0 "$1" 2>/dev/null || return 0
    done
    kill -9 "$1" 2>/dev/null || true
}

stop_all() {
    status=$?
    trap - EXIT
    trap '' INT TERM
    pids=
    for part in $parts; do
        pids="${part#*:} $pids" # the last started ends first: none loses what it still needs
    done
    for pid in $pids $writers; do # the writers end by themselves, after the last line
        end "$pid"
    done
    rm -f "$logs"/.*.pipe "$lock"
    exit "$status"
}

fail() {
    echo "run.sh: $*" >&2
    exit 1
}

check_parts() { # fails where a part has died
    for part in $parts; do
        kill -0 "${part#*:}" 2>/dev/null && continue
        sleep 0.5 # until the last lines are written
        echo "--- the last lines of $logs/${part%:*}.log" >&2
        tail -n 10 "$logs/${part%:*}.log" >&2
        fail "${part%:*} has ended; the rest ends too"
    done
}

wait_until() { # seconds what command...: until the command succeeds
    left=$(($1 * 4)) what=$2
    shift 2
    until "$@" 2>/dev/null; do
        check_parts
        [ "$left" -gt 0 ] || fail "$what did not come; see $logs/"
        left=$((left - 1))
        sleep 0.25
    done
}

runs_demo() { # pid: whether this is another process, and a run.sh; without a ps that can tell, it counts as one
    [ "$1" != $$ ] && kill -0 "$1" 2>/dev/null || return 1
    command=$(ps -o args= -p "$1" 2>/dev/null) || return 0
    case $command in *run.sh*) ;; *) return 1 ;; esac
}

take_lock() { # fails where another run.sh runs here; the lock of one that was killed is taken over
    until (set -C && echo $$ >"$lock") 2>/dev/null; do
        [ -w . ] || fail "this folder cannot be written"
        [ -s "$lock" ] || sleep 1 # it is made at this moment
        other=$(cat "$lock" 2>/dev/null) || continue # it has just ended
        runs_demo "${other:-$$}" && fail "the demo runs here already, as process $other: end it, or use a copy of this folder"
        rm -f "$lock"
    done
}

take_lock
trap stop_all EXIT
trap 'exit 0' INT TERM

sh install.sh
mkdir -p "$logs"
stay_alive

code=0
answer=$($python -m bridge.tdengine 2>&1) || code=$?
case $code in
0) echo "using $answer" ;;
3)
    [ "${PRODUCER:-yes}" = no ] || fail "$answer. PRODUCER=no sh run.sh shows the rows of a table of your own (README.md)"
    echo "using $answer"
    ;;
2) fail "$answer; TDENGINE_DSN says where to connect, and as whom" ;;
*)
    [ -d embedded ] || fail "no TDengine answers; start one, or set TDENGINE_DSN"
    database_port=${EMBEDDED_PORT:-6041}
    echo "no TDengine answers: starting the embedded database, for trying and testing, on port $database_port"
    export TDENGINE_DSN="taosws://root:taosdata@localhost:$database_port"
    # By default it keeps rows for an hour, and refuses older ones.
    start embedded $python -m embedded --port="$database_port" ${BACKFILL:+--retention=0}
    wait_until 20 "the embedded database" $python -m bridge.tdengine >/dev/null
    ;;
esac

[ "${PRODUCER:-yes}" = no ] || start producer $python producer.py
start server $python perspective_server.py
wait_until 60 "the page" $python -c "
import json, os, sys, urllib.parse, urllib.request
token = urllib.parse.quote(os.environ.get('PERSPECTIVE_TOKEN', ''))
status = json.load(urllib.request.urlopen(f'http://$host:$port/status?token={token}', timeout=2))
sys.exit('${PRODUCER:-yes}' != 'no' and not status['rows_seen'])"

echo "open http://$host:$port/ in a browser; logs are in $logs/; Ctrl-C ends it all"
while :; do
    check_parts
    sleep 1
done
