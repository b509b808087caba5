#!/bin/bash
# SPDX-License-Identifier: AGPL-3.0-or-later
#
# Tests everything, from set-up to the last system test; see --help. The last line is always `N passed, N failed`.
# shellcheck disable=SC2317 # suites and checks are called by their names
set -uo pipefail
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8
# Debian's python: its packages (pytest) are the ones that are installed here.
readonly PYTHON=/usr/bin/python3
ROOT=$(cd "$(dirname "$0")/.." && pwd)
readonly ROOT
readonly BUILD=${NANOSCALE_TEST_BUILD:-$ROOT/build-test}
readonly REPORT=$ROOT/scripts/lib/test_report.py
readonly SUITES=(lint dashboard unit clang asan fuzz system)
readonly FUZZ_SECONDS=${NANOSCALE_FUZZ_SECONDS:-10}
# A run that hangs must end by itself and still take its nodes down.
readonly SYSTEM_SECONDS=${NANOSCALE_SYSTEM_SECONDS:-7200}
# Processes that share the system tests, each with nodes of its own. Much of such a test is waiting, so there may be more of them than processors.
readonly LANES=${NANOSCALE_TEST_LANES:-3}
readonly PACKAGES=(gcc clang libclang-rt-14-dev clang-format meson ninja-build pkgconf libsystemd-dev libmicrohttpd-dev libcurl4-openssl-dev
        libsqlite3-dev libjansson-dev libsodium-dev libarchive-dev libssl-dev libcmocka-dev nginx-light shellcheck git openssl sqlite3 strace python3 python3-pytest
        mmdebstrap debian-archive-keyring systemd-container iproute2 nftables qemu-system-x86 e2fsprogs openssh-client tar util-linux chromium dpkg-dev debhelper)
export PYTHONDONTWRITEBYTECODE=1 PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 PYTHONPATH=$ROOT/tests/system

PASSED=0 FAILED=0 SUITE_PASSED=0 SUITE_FAILED=0 SUITE_START=0
# A run of all tests has so many second attempts in all (see usage). More that fail are no chance any more.
AGAIN=2
WORK='' TAIL=''
LANE_PIDS=() LANES_START=0

usage() {
        cat <<'TEXT'
usage: scripts/test.sh              everything
       scripts/test.sh NAME…        suites, unit tests or system tests by name
       scripts/test.sh --list       what there is
       scripts/test.sh --shell      boot an installed node and a git server, and leave them up until Ctrl-C

suites
  lint      shell scripts, formatting, who includes whom
  dashboard formatting, lint, types and tests of the pages, then their build and its size
  unit      build with gcc, all warnings errors; unit tests
  clang     the same with clang, without the tests of whole programs
  asan      the same under AddressSanitizer and UndefinedBehaviorSanitizer
  fuzz      every fuzz target for ten seconds
  system    NanoScale on Debian nodes with systemd (containers and a virtual machine)
Another name is a unit test's (base, …) or a part of a system test's name, as pytest -k takes it.

The system tests run beside the other suites, and are shown when those have ended.
A skipped test counts as failed. Journals of failed system tests are kept; their place is printed.
At most two of the unit tests and files of system tests that fail are run a second time, alone. Those that pass then count as passed, and are
listed as UNSTEADY with their first failure above: they depend on how the machine was busy, and that is a fault to be found.
The names of what failed are repeated at the end.
TEXT
}

passed() {
        SUITE_PASSED=$((SUITE_PASSED + $1))
}
failed() {
        SUITE_FAILED=$((SUITE_FAILED + $1))
}
# A line that is also repeated at the end of the run.
bad() {
        echo "$1"
        echo "$1" >>"$WORK/bad"
}
# One check: its name, then a command; its output is shown only when it fails.
check() {
        local name=$1 log=$WORK/check.log
        shift
        if "$@" >"$log" 2>&1 </dev/null; then
                passed 1
                echo "  ok    $name"
        else
                failed 1
                bad "  FAIL  $name"
                tail -n 25 "$log" | sed 's/^/        /'
        fi
}

finish() {
        trap - EXIT
        trap '' INT TERM HUP
        stop_lanes
        if [ -n "$WORK" ]; then
                [ ! -s "$WORK/bad" ] || cat "$WORK/bad"
                rm -rf "$WORK"
        fi
        echo "$PASSED passed, $FAILED failed"
        if [ "$FAILED" -gt 0 ] || [ "$PASSED" = 0 ]; then
                exit 1
        fi
        exit 0
}

# --- set-up ----------------------------------------------------------------------------------------------------------------------------------

set_up() {
        local missing
        missing=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "${PACKAGES[@]}" 2>/dev/null |
                awk '$2 == "installed" { print $1 }' | sort | comm -13 - <(printf '%s\n' "${PACKAGES[@]}" | sort))
        if [ -z "$missing" ]; then
                return 0
        fi
        echo "installing: ${missing//$'\n'/ }"
        export DEBIAN_FRONTEND=noninteractive
        # shellcheck disable=SC2086 # one word a package
        if ! { apt-get -q -o DPkg::Lock::Timeout=300 update && apt-get -q -y -o DPkg::Lock::Timeout=300 install --no-install-recommends $missing; } \
                >"$WORK/apt.log" 2>&1 </dev/null; then
                tail -n 20 "$WORK/apt.log"
                echo 'the packages that the tests need cannot be installed' >&2
                failed 1
                return 1
        fi
}

# configure NAME CC OPTION…: a build directory that a later run uses again.
configure() {
        local name=$1 cc=$2
        shift 2
        mkdir -p "$BUILD"
        if [ ! -f "$BUILD/$name/build.ninja" ]; then
                rm -rf "${BUILD:?}/$name"
                CC=$cc meson setup --werror "$@" "$BUILD/$name" "$ROOT" >"$WORK/setup-$name.log" 2>&1 </dev/null || {
                        tail -n 6 "$WORK/setup-$name.log" | sed 's/^/        /'
                        return 1
                }
        fi
}

# --- suites ----------------------------------------------------------------------------------------------------------------------------------

# build_and_test NAME CC TESTS OPTION…: compiles, then runs the unit tests (all where TESTS is empty). A build that fails is one failed test.
build_and_test() {
        local name=$1 cc=$2 tests=$3
        shift 3
        if ! compile "$name" "$cc" "$@"; then
                bad "  FAIL  build with $cc"
                [ ! -f "$WORK/build-$name.log" ] || grep -E -A12 'FAILED|error' "$WORK/build-$name.log" | head -n 80 | sed 's/^/        /'
                failed 1
                return 0
        fi
        # shellcheck disable=SC2086 # one word a test
        meson_test "$name" testlog 2 $tests
        second_attempts "$name" "$BUILD/$name/meson-logs/testlog.json"
        count meson "$BUILD/$name/meson-logs/testlog.json" "$BUILD/$name/meson-logs/again.json"
}
# meson_test BUILD REPORT PROCESSES TEST-OR-OPTION…
meson_test() {
        local name=$1 report=$2 processes=$3
        shift 3
        rm -f "$BUILD/$name/meson-logs/$report.json"
        ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 UBSAN_OPTIONS=print_stacktrace=1 meson test -C "$BUILD/$name" --logbase "$report" \
                --no-rebuild --num-processes "$processes" --timeout-multiplier 3 "$@" >"$WORK/test-$name-$report.log" 2>&1 </dev/null
}
second_attempts() {
        local name=$1 report=$2 tests
        rm -f "$BUILD/$name/meson-logs/again.json"
        mapfile -t tests < <("$PYTHON" "$REPORT" failed-meson "$report")
        if [ ${#tests[@]} -gt 0 ] && [ ${#tests[@]} -le "$AGAIN" ]; then
                AGAIN=$((AGAIN - ${#tests[@]}))
                meson_test "$name" again 1 "${tests[@]}"
        fi
}

# compile NAME CC OPTION…: locked, since a system test builds its probe in the directory of gcc (test_units_journal.py).
compile() {
        local name=$1 lock
        mkdir -p "$BUILD"
        exec {lock}>"$BUILD/$name.lock"
        flock "$lock"
        configure "$@" && ninja -C "$BUILD/$name" -j2 >"$WORK/build-$name.log" 2>&1 </dev/null
        local code=$?
        exec {lock}>&-
        return "$code"
}

# count KIND FILE…: adds what reports say, and shows what failed.
count() {
        local numbers
        numbers=$("$PYTHON" "$REPORT" "$@" 3>&1 >"$WORK/count" 4>>"$WORK/bad") || numbers='0 1'
        cat "$WORK/count"
        passed "${numbers% *}"
        failed "${numbers#* }"
}

suite_unit() { build_and_test gcc gcc ''; }
# Whole programs behave the same whoever compiled them; their tests run with gcc and under the sanitizers.
suite_clang() { build_and_test clang clang '--no-suite program'; }
suite_asan() { build_and_test asan gcc '' -Db_sanitize=address,undefined; }

shell_scripts() {
        git -c safe.directory='*' -C "$ROOT" ls-files -z -co --exclude-standard | while IFS= read -r -d '' file; do
                if [ -f "$ROOT/$file" ] && head -c 64 "$ROOT/$file" | head -n 1 | grep -qaE '^#! ?/(usr/)?bin/(env )?(ba|da)?sh'; then
                        printf '%s\0' "$ROOT/$file"
                fi
        done
}
c_sources() {
        git -c safe.directory='*' -C "$ROOT" ls-files -z -co --exclude-standard '*.c' '*.h' | while IFS= read -r -d '' file; do
                [ ! -f "$ROOT/$file" ] || printf '%s\0' "$ROOT/$file"
        done
}
check_shell() { shell_scripts | xargs -0 -r shellcheck -x; }
check_format() { c_sources | xargs -0 -r clang-format --dry-run -Werror; }
check_python() {
        "$PYTHON" - "$ROOT/tests" "$ROOT/scripts" <<'TEXT'
import ast, pathlib, sys
for top in sys.argv[1:]:
    for path in pathlib.Path(top).rglob('*.py'):
        ast.parse(path.read_text(), str(path))
TEXT
}
suite_lint() {
        local script
        check 'shell scripts (shellcheck)' check_shell
        check 'formatting of C (clang-format)' check_format
        check 'syntax of Python' check_python
        for script in "$ROOT"/scripts/check-*; do
                case $script in
                *.sh) check "${script##*/}" bash "$script" ;;
                *.py) check "${script##*/}" "$PYTHON" "$script" ;;
                esac
        done
}

# With Bun, Node and packages of its own, which a later run uses again.
on_dashboard() { "$ROOT/scripts/build-dashboard" --work "$BUILD/dashboard" --run "$@"; }
suite_dashboard() {
        local report=$WORK/vitest.xml
        if ! on_dashboard true >"$WORK/packages.log" 2>&1 </dev/null; then
                bad '  FAIL  Bun, Node and the packages of the dashboard'
                tail -n 25 "$WORK/packages.log" | sed 's/^/        /'
                failed 1
                return 0
        fi
        check 'formatting (prettier)' on_dashboard bun run format:check
        check 'lint (eslint)' on_dashboard bun run lint
        check 'types (tsc)' on_dashboard bun run typecheck
        on_dashboard bun run test --reporter=junit --outputFile="$report" >"$WORK/vitest.log" 2>&1 </dev/null
        count junit "$report" "$WORK/none.xml"
        check 'build' "$ROOT/scripts/build-dashboard" --work "$BUILD/dashboard" --keep --output "$BUILD/dashboard/dashboard.tar"
        check "size of the pages' scripts" on_dashboard bun run size
}

suite_fuzz() {
        local target name seeds seconds=$FUZZ_SECONDS
        if ! configure fuzz clang -Dfuzzing=true -Db_sanitize=address,undefined -Db_lundef=false -Dc_args=-fsanitize=fuzzer-no-link ||
                ! "$PYTHON" "$REPORT" fuzz-targets "$BUILD/fuzz" >"$WORK/targets"; then
                echo '  FAIL  set-up of the fuzz targets'
                failed 1
                return 0
        fi
        while IFS= read -r target; do
                name=${target##*/}
                seeds=()
                for directory in "$ROOT/tests/fuzz/corpus/$name" "$ROOT/tests/corpus/$name"; do
                        [ ! -d "$directory" ] || seeds+=("$directory")
                done
                mkdir -p "$WORK/fuzz/$name"
                check "$name, $seconds s" fuzz_one "$target" "$WORK/fuzz/$name" "${seeds[@]+"${seeds[@]}"}"
        done <"$WORK/targets"
}
fuzz_one() {
        local target=$1
        shift
        ninja -C "$BUILD/fuzz" -j2 "${target#"$BUILD/fuzz/"}" || return 1
        mkdir -p "$BUILD/fuzz/findings"
        UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 timeout -k 5 $((seconds + 600)) "$target" -max_total_time="$seconds" \
                -timeout=30 -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$BUILD/fuzz/findings/${target##*/}-" "$@"
}

# pytest_run INSTANCE REPORT OPTION…: becomes pytest.
pytest_run() {
        local instance=$1 report=$2
        shift 2
        cd "$ROOT/tests/system" || exit 1
        export NANOSCALE_TEST_INSTANCE=$instance
        exec timeout -s INT -k 120 "$SYSTEM_SECONDS" "$PYTHON" -m pytest -p no:cacheprovider -v --tb=short --no-header --junitxml="$report" "$@" . </dev/null
}
# 0: all passed, 1: some did not. Anything else (stopped, out of time, broken set-up) leaves tests that never ran, and no report counts those.
ended() {
        if [ "$1" -gt 1 ]; then
                bad "  FAIL  the system tests did not run to their end (code $1)"
                failed 1
        fi
}
# The system tests whose names match EXPRESSION, as pytest -k takes it, in one process that is seen at work.
system_tests() {
        local report=$WORK/pytest.xml code
        (pytest_run "${NANOSCALE_TEST_INSTANCE:-0}" "$report" --durations=8 -k "$1")
        code=$?
        count junit "$report" "$WORK/again.xml"
        ended "$code"
}

# All of them, in processes that take file after file from one queue. What each prints is kept apart; a line for each test is shared.
start_lanes() {
        local lane instance=${NANOSCALE_TEST_INSTANCE:-0}
        mkdir "$WORK/queue"
        : >"$WORK/progress"
        LANES_START=$SECONDS
        for ((lane = 0; lane < LANES; lane++)); do
                (pytest_run $((instance + 10 * lane)) "$WORK/lane$lane.xml" --queue="$WORK/queue" --progress="$WORK/progress") >"$WORK/lane$lane.log" 2>&1 &
                LANE_PIDS+=($!)
        done
}
# On the way out: pytest takes its nodes down when it is interrupted.
stop_lanes() {
        [ -z "$TAIL" ] || kill "$TAIL" 2>/dev/null
        if [ ${#LANE_PIDS[@]} -gt 0 ]; then
                kill -INT "${LANE_PIDS[@]}" 2>/dev/null
                wait "${LANE_PIDS[@]}"
                LANE_PIDS=()
        fi
}
suite_system() {
        local lane code log reports=() codes=()
        [ ${#LANE_PIDS[@]} -gt 0 ] || start_lanes
        SUITE_START=$LANES_START
        tail -n +1 -s 1 -f "$WORK/progress" &
        TAIL=$!
        for lane in "${!LANE_PIDS[@]}"; do
                wait "${LANE_PIDS[lane]}"
                codes[lane]=$?
                reports[lane]=$WORK/lane$lane.xml
        done
        LANE_PIDS=()
        sleep 1.5 # for the last lines
        kill "$TAIL"
        wait "$TAIL" 2>/dev/null
        TAIL=''
        for lane in "${!codes[@]}"; do
                code=${codes[lane]} log=$WORK/lane$lane.log
                if [ "$code" = 1 ]; then
                        sed -nE '/^=+ (ERRORS|FAILURES) =+$/,$p' "$log"
                elif [ "$code" != 0 ]; then
                        tail -n 100 "$log"
                fi
                ended "$code"
        done
        system_tests_again "${codes[*]}" "${reports[@]}"
        count junit "${reports[@]}" "$WORK/again.xml"
}
# The files with tests that failed, where every lane came to its end: their nodes are made anew, and nothing else runs.
system_tests_again() {
        local ends=$1 files
        shift
        case " $ends " in
        *' '[!01]*) return 0 ;;
        esac
        mapfile -t files < <("$PYTHON" "$REPORT" failed-junit "$@")
        if [ ${#files[@]} -gt 0 ] && [ ${#files[@]} -le "$AGAIN" ]; then
                AGAIN=$((AGAIN - ${#files[@]}))
                echo "   again, alone: ${files[*]}"
                (pytest_run "${NANOSCALE_TEST_INSTANCE:-0}" "$WORK/again.xml" --only="${files[*]}") >"$WORK/again.log" 2>&1
                ended $?
                sed -nE '/^=+ (ERRORS|FAILURES) =+$/,$p' "$WORK/again.log"
        fi
}

# --- what to run -----------------------------------------------------------------------------------------------------------------------------

run_suite() {
        local name=$1
        shift
        SUITE_PASSED=0 SUITE_FAILED=0 SUITE_START=$SECONDS
        echo "== $name"
        "$@"
        echo "   $name: $SUITE_PASSED passed, $SUITE_FAILED failed, $((SECONDS - SUITE_START)) s"
        PASSED=$((PASSED + SUITE_PASSED)) FAILED=$((FAILED + SUITE_FAILED))
}

unit_names() {
        configure gcc gcc && "$PYTHON" "$REPORT" unit-tests "$BUILD/gcc"
}

list() {
        echo "suites: ${SUITES[*]}"
        echo 'unit tests:'
        unit_names | sed 's/^/  /'
        echo 'system tests:'
        collect | grep :: | sed 's/^/  /'
}
# collect OPTION…: the names of system tests.
collect() {
        (cd "$ROOT/tests/system" && "$PYTHON" -m pytest -p no:cacheprovider -q --collect-only "$@" . 2>/dev/null </dev/null)
}

main() {
        local name known units='' others=''
        case ${1:-} in
        --help | -h)
                usage
                exit 0
                ;;
        --list | --shell | '' | [!-]*) ;;
        *)
                usage >&2
                exit 2
                ;;
        esac
        if [ "$(id -u)" != 0 ]; then
                echo 'scripts/test.sh needs root: it installs packages and makes network namespaces, mounts and cgroups. Run it again as root.' >&2
                echo '0 passed, 0 failed'
                exit 1
        fi
        WORK=$(mktemp -d)
        trap finish EXIT
        # What did not run to its end has not passed.
        trap 'FAILED=$((FAILED + 1)); exit 1' INT TERM HUP
        if ! set_up; then
                FAILED=1
                finish
        fi
        case ${1:-} in
        --list)
                trap 'rm -rf "$WORK"' EXIT
                list
                exit 0
                ;;
        --shell)
                trap - EXIT INT TERM HUP
                rm -rf "$WORK"
                exec "$PYTHON" -m nodes.shell
                ;;
        '') set -- "${SUITES[@]}" ;;
        esac
        known=" ${SUITES[*]} "
        case " $* " in
        *' system '*) start_lanes ;;
        esac
        for name in "$@"; do
                if [ "${known#* "$name" }" != "$known" ]; then
                        run_suite "$name" "suite_$name"
                        continue
                fi
                [ -n "$units" ] || units=$(unit_names)
                if printf '%s\n' "$units" | grep -qxF -- "$name"; then
                        run_suite "unit test $name" build_and_test gcc gcc "$name"
                elif collect -k "$name" | grep :: >/dev/null; then
                        others+="${others:+ or }$name"
                else
                        bad "  FAIL  no suite, unit test or system test has the name $name"
                        FAILED=$((FAILED + 1))
                fi
        done
        if [ -n "$others" ]; then
                run_suite "system tests: $others" system_tests "$others"
        fi
        finish
}

main "$@"
