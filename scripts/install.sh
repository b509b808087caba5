#!/bin/bash
# SPDX-License-Identifier: AGPL-3.0-or-later
#
# Installs, repairs, upgrades or removes NanoScale on this machine; see --help and docs/installation-and-run-guide.md.
# Here: arguments, checks, packages, the build. What makes a machine a node is packaging/setup, which runs at the end.
set -Eeuo pipefail
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8
umask 022

SOURCE=$(cd "$(dirname "$0")/.." && pwd)
readonly SOURCE
readonly BUILD=$SOURCE/build-install
readonly TREE=$BUILD/tree
readonly DASHBOARD_WORK=$SOURCE/build-dashboard
# What building the dashboard takes, in MiB: memory with swap, and disk.
readonly DASHBOARD_MEMORY=2000 DASHBOARD_DISK=3000
readonly INSTALLED_SETUP=/opt/nanoscale/lib/setup

# What a node needs to run, what building needs on top. Versions of the libraries follow from the distribution's package names.
readonly RUN_PACKAGES=(ca-certificates curl dbus git iproute2 kmod nftables openssl sudo)
readonly RUN_LIBRARIES=(libarchive13 libcurl4 libjansson4 libmicrohttpd12 libsodium23 libsqlite3-0 libssl3 libsystemd0)
readonly BUILD_PACKAGES=(gcc libc6-dev meson ninja-build pkgconf libarchive-dev libcurl4-openssl-dev libjansson-dev
        libmicrohttpd-dev libsodium-dev libsqlite3-dev libssl-dev libsystemd-dev)

readonly REPEAT='see the message above, then run the same command again: every step can be repeated'
STEP=start
LOG=''

step() {
        STEP=$1
        printf '==> %s\n' "$1"
}
say() { printf '    %s\n' "$*"; }
fail() {
        printf '\nnanoscale: %s: %s\n  remedy: %s\n' "$STEP" "$1" "${2:-$REPEAT}" >&2
        exit 1
}
# shellcheck disable=SC2317 # called by the trap
cleanup() {
        rm -f ${LOG:+"$LOG"} ${JOIN_FILE:+"$JOIN_FILE"} ${DASHBOARD_LINK:+"$DASHBOARD_LINK"}
}
trap cleanup EXIT
trap 'fail "the command \"$BASH_COMMAND\" failed (line $LINENO)"' ERR

usage() {
        cat <<'TEXT'
usage: scripts/install.sh --role orchestrator [options]     install the node that has dashboard, API and database
       scripts/install.sh --join STRING [options]           install a worker of that one ("nanoscale servers add" prints the string)
       scripts/install.sh [options]                         repair or upgrade the node that is here
       scripts/install.sh --uninstall [--yes]               remove NanoScale, all projects and their data

options
  --base-domain DOMAIN     projects answer at NAME.DOMAIN (default: this machine's full host name, else nanoscale.internal)
  --from TREE              take the files from TREE, made by "meson install --destdir TREE", instead of building
  --deb FILE               install this Debian package of NanoScale (made by packaging/build-deb) instead of building
  --join -                 reads the string from standard input, so that it is in no shell's history
  --dashboard FILE|none    install this build of the dashboard (made by scripts/build-dashboard), or none, instead of building it
  --name NAME              name of this node: a-z, 0-9, dashes (default: the host name)
  --address ADDRESS        name or address under which other nodes reach this one (default: the one that the way out has)
  --with-ufw               switch ufw on and let in ssh, 80, 443 and port 4000 (an active ufw gets the rules without this)
  --no-swap                set up neither zram nor a swap file
  --helper-transport KIND  how the agent reaches its root helper: socket (default) or sudo
  --yes                    ask nothing
  --help                   this text
TEXT
}

# --- arguments -------------------------------------------------------------------------------------------------------------------------

ROLE='' JOIN='' JOIN_FILE='' NAME='' ADDRESS='' BASE_DOMAIN='' FROM='' DEB='' TRANSPORT='' DASHBOARD='' DASHBOARD_LINK='' WITH_UFW=no NO_SWAP=no YES=no UNINSTALL=no

value_of() {
        if [ "$#" -lt 2 ] || [ -z "$2" ] || [ "${2#--}" != "$2" ]; then
                fail "$1 needs a value" 'scripts/install.sh --help shows how to write it'
        fi
}

# The string is a secret for ten minutes, and arguments can be read by every user of the machine: given as one, the script starts itself again
# with the string on its standard input.
hide_join() {
        local join='' words=()
        while [ $# -gt 0 ]; do
                words+=("$1")
                if [ "$1" = --join ] && [ $# -ge 2 ] && [ -n "$2" ] && [ "${2#-}" = "$2" ]; then
                        join=$2
                        words+=(-)
                        shift
                fi
                shift
        done
        [ -z "$join" ] || exec bash "$SOURCE/scripts/install.sh" "${words[@]}" <<<"$join"
}

parse() {
        STEP=arguments
        while [ $# -gt 0 ]; do
                case $1 in
                --role) value_of "$@" && ROLE=$2 && shift ;;
                --join) value_of "$@" && JOIN=$2 && shift ;;
                --name) value_of "$@" && NAME=$2 && shift ;;
                --address) value_of "$@" && ADDRESS=${2,,} && shift ;;
                --base-domain) value_of "$@" && BASE_DOMAIN=${2,,} && shift ;;
                --from) value_of "$@" && FROM=$2 && shift ;;
                --dashboard) value_of "$@" && DASHBOARD=$2 && shift ;;
                --deb) value_of "$@" && DEB=$2 && shift ;;
                --helper-transport) value_of "$@" && TRANSPORT=$2 && shift ;;
                --with-ufw) WITH_UFW=yes ;;
                --no-swap) NO_SWAP=yes ;;
                --yes | -y) YES=yes ;;
                --uninstall) UNINSTALL=yes ;;
                --help | -h)
                        usage
                        exit 0
                        ;;
                *) fail "unknown argument \"$1\"" 'scripts/install.sh --help lists what there is' ;;
                esac
                shift
        done
        check_values
}

# A host name, or an IPv4 or IPv6 address without brackets.
is_address() {
        local label='[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?' part
        if [[ $1 =~ ^[0-9.]+$ ]]; then
                [[ $1 =~ ^[1-9][0-9]{0,2}(\.(0|[1-9][0-9]{0,2})){3}$ ]] || return 1
                for part in ${1//./ }; do
                        [ "$part" -le 255 ] || return 1
                done
        elif [[ $1 == *:* ]]; then
                [[ $1 =~ ^[0-9a-f]{0,4}(:[0-9a-f]{0,4}){2,7}$ && $1 != :: && $1 != *::*::* && $1 != *:::* ]]
        else
                [[ $1 =~ ^($label\.)+$label$ && ${#1} -le 253 && ! $1 =~ \.[0-9]+$ ]]
        fi
}

# ns1.TOKEN.PIN.HOST:PORT, as agent/src/security/join_string.h reads it. What is wrong is not shown: the token in it is a secret.
check_join_string() {
        local host port
        local remedy='copy the whole line that "nanoscale servers add" prints on the orchestrator'
        [[ ${#JOIN} -le 400 && $JOIN =~ ^ns1\.[A-Za-z0-9]{32}\.[0-9a-f]{64}\.(.+):([1-9][0-9]{0,4})$ ]] ||
                fail '--join: this is not a string to join with' "$remedy"
        host=${BASH_REMATCH[1]} port=${BASH_REMATCH[2]}
        if [[ $host == \[*:*\] ]]; then
                host=${host#[}
                host=${host%]}
        elif [[ $host == *:* ]]; then
                fail '--join: the address in this string is not of its form' "$remedy"
        fi
        is_address "$host" || fail '--join: the address in this string is not of its form' "$remedy"
        [ "$port" -le 65535 ] || fail '--join: the port in this string is none' "$remedy"
}

read_join() {
        if [ "$JOIN" != - ]; then
                return 0
        fi
        [ ! -t 0 ] || printf 'The string that "nanoscale servers add" printed: ' >&2
        IFS= read -r JOIN || [ -n "$JOIN" ] || fail '--join: there is nothing on standard input' 'write it there: install.sh --join - <FILE'
        JOIN=${JOIN%$'\r'}
        check_join_string
}

check_values() {
        local label='[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?'
        if [ "$UNINSTALL" = yes ]; then
                return 0
        fi
        case $ROLE in
        '' | orchestrator | worker) ;;
        *) fail "--role \"$ROLE\" does not exist" 'use orchestrator or worker' ;;
        esac
        if [ -n "$JOIN" ]; then
                [ "$ROLE" != orchestrator ] || fail '--join makes a worker, not an orchestrator' 'give --role orchestrator or --join'
                ROLE=worker
                read_join
        fi
        if [ -n "$NAME" ]; then
                [[ $NAME =~ ^$label$ ]] || fail "--name \"$NAME\" is not a name for a node" 'write 1 to 63 of a-z, 0-9 and dashes, without a dash first or last'
        fi
        if [ -n "$ADDRESS" ]; then
                is_address "$ADDRESS" || fail "--address \"$ADDRESS\" is not an address" 'write a host name, or an IPv4 or IPv6 address without brackets'
        fi
        if [ -n "$BASE_DOMAIN" ]; then
                [[ $BASE_DOMAIN =~ ^($label\.)+$label$ && ${#BASE_DOMAIN} -le 189 ]] ||
                        fail "--base-domain \"$BASE_DOMAIN\" is not a domain name" 'write one like apps.example.com: letters, digits and dashes, with a dot'
        fi
        case $TRANSPORT in
        '' | socket | sudo) ;;
        *) fail "--helper-transport \"$TRANSPORT\" does not exist" 'use socket or sudo' ;;
        esac
        if [ -n "$DASHBOARD" ] && [ "$DASHBOARD" != none ]; then
                [ -f "$DASHBOARD" ] || fail "--dashboard \"$DASHBOARD\" is not a file" 'make one with: scripts/build-dashboard --output FILE'
                DASHBOARD=$(realpath "$DASHBOARD")
        fi
        if [ -n "$FROM" ]; then
                [ -d "$FROM" ] || fail "--from \"$FROM\" is not a directory" 'make one with: meson install --destdir TREE'
                FROM=$(cd "$FROM" && pwd)
        fi
        if [ -n "$DEB" ]; then
                [ -f "$DEB" ] || fail "--deb \"$DEB\" is not a file" 'make one with: packaging/build-deb'
                [ -z "$FROM" ] || fail '--deb and --from exclude each other' 'give one of them'
                DEB=$(realpath "$DEB")
        fi
}

# --- checks --------------------------------------------------------------------------------------------------------------------------------

check_root() {
        STEP=checks
        [ "$(id -u)" = 0 ] || fail 'only root can do this' 'become root (su -, or sudo where it is installed), then run the same command again'
}

check_systemd() {
        if [ ! -d /run/systemd/system ] || [ "$(cat /proc/1/comm)" != systemd ]; then
                fail "systemd does not run this machine (process 1 is $(cat /proc/1/comm))" \
                        'to try NanoScale here, in a container with its own systemd: ./scripts/demo.sh'
        fi
}

# What was asked for, against what is here. packaging/setup looks again.
check_role() {
        local config=/opt/nanoscale/config/config.json now=''
        step 'role'
        if [ -e "$config" ]; then
                if tr -d ' \n\t' <"$config" | grep -q '"role":"worker"'; then now=worker; else now=orchestrator; fi
        fi
        if [ -n "$ROLE" ] && [ -n "$now" ] && [ "$ROLE" != "$now" ]; then
                fail "this machine is a node with the role $now already" "take NanoScale off it first (scripts/install.sh --uninstall), then install it as $ROLE"
        fi
        ROLE=${ROLE:-$now}
        [ -n "$ROLE" ] || fail '--role is missing' 'scripts/install.sh --role orchestrator, or --join STRING for a worker'
        if [ "$ROLE" = worker ] && [ -z "$JOIN" ] && [ ! -e /opt/nanoscale/config/identity.json ]; then
                fail '--join is missing: this worker has not joined an orchestrator yet' 'on the orchestrator: nanoscale servers add; then here: scripts/install.sh --join STRING'
        fi
        say "$ROLE"
}

# In a file that root alone can read, not in an argument or a variable.
write_join_file() {
        if [ -n "$JOIN" ]; then
                JOIN_FILE=$(mktemp /run/nanoscale-join.XXXXXX)
                printf '%s\n' "$JOIN" >"$JOIN_FILE"
        fi
}

# The options of packaging/setup are words without blanks (NANOSCALE_SETUP_OPTIONS); a path may have some.
link_dashboard() {
        if [ -n "$DASHBOARD" ] && [ "$DASHBOARD" != none ]; then
                DASHBOARD_LINK=$(mktemp -u /run/nanoscale-dashboard.XXXXXX)
                ln -s "$DASHBOARD" "$DASHBOARD_LINK"
        fi
}

check_machine() {
        local id version free memory
        step 'checks'
        id=$(sed -n 's/^ID=//p' /etc/os-release | tr -d '"')
        version=$(sed -n 's/^VERSION_ID=//p' /etc/os-release | tr -d '"')
        if [ "$id" != debian ] || ! [ "${version%%.*}" -ge 12 ] 2>/dev/null; then
                fail "this is $id $version, not Debian 12 or newer" 'use a server with Debian 12'
        fi
        case $(uname -m) in
        x86_64 | aarch64) ;;
        *) fail "processors of the kind $(uname -m) are not supported" 'use a server with x86_64 or aarch64' ;;
        esac
        mkdir -p /opt
        free=$(df --output=avail -k /opt | tail -1)
        [ "$free" -ge $((1024 * 1024)) ] || fail "only $((free / 1024)) MiB are free below /opt; 1024 are needed" 'free some space (apt-get clean helps), or use a bigger disk'
        memory=$(awk '/^MemTotal:/ { print int($2 / 1024) }' /proc/meminfo)
        [ "$memory" -ge 400 ] || fail "this machine has $memory MiB of memory; 512 are the least" 'use a bigger server'
}

# --- packages ------------------------------------------------------------------------------------------------------------------------------

is_installed() {
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

wanted_packages() {
        local library
        printf '%s\n' "${RUN_PACKAGES[@]}"
        # Whatever flavour of nginx is there stays.
        command -v nginx >/dev/null || echo nginx-light
        [ -x /usr/bin/certbot ] || echo certbot
        if [ "$WITH_UFW" = yes ]; then
                echo ufw
        fi
        if [ -z "$FROM" ]; then
                printf '%s\n' "${BUILD_PACKAGES[@]}"
                return 0
        fi
        for library in "${RUN_LIBRARIES[@]}"; do
                # Debian 13 renamed some for their 64-bit time.
                if ! is_installed "$library" && is_installed "${library}t64"; then
                        library=${library}t64
                fi
                echo "$library"
        done
}

in_renamed_form() {
        local name
        for name in "$@"; do
                if [ -z "$(apt-cache madison "$name")" ] && [ -n "$(apt-cache madison "${name}t64")" ]; then
                        name=${name}t64
                fi
                echo "$name"
        done
}

quietly() {
        if ! "$@" >"$LOG" 2>&1 </dev/null; then
                tail -n 20 "$LOG" | sed 's/^/    | /' >&2
                return 1
        fi
}

install_packages() {
        local name missing=()
        step 'packages'
        while IFS= read -r name; do
                is_installed "$name" || missing+=("$name")
        done < <(wanted_packages)
        if [ ${#missing[@]} = 0 ]; then
                say 'all there'
                return 0
        fi
        say "installing: ${missing[*]}"
        export DEBIAN_FRONTEND=noninteractive
        local apt=(apt-get -y -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0)
        quietly "${apt[@]}" update || fail 'the lists of packages cannot be fetched' 'check the network and /etc/apt/sources.list, then run this again'
        mapfile -t missing < <(in_renamed_form "${missing[@]}")
        quietly "${apt[@]}" install --no-install-recommends "${missing[@]}" ||
                fail 'apt-get could not install the packages' 'correct what it says above (dpkg --configure -a, apt-get -f install), then run this again'
        bash "$SOURCE/packaging/setup" note-packages "${missing[@]}"
}

# --- build -----------------------------------------------------------------------------------------------------------------------------------

# What the programs are made of, in one word. By content: a copied tree may bring older times, which ninja would take for "nothing new".
source_word() {
        (cd "$SOURCE" && find VERSION meson.build meson_options.txt agent packaging scripts/security -type f -print0 | LC_ALL=C sort -z |
                xargs -0 sha256sum | sha256sum | cut -d' ' -f1)
}

# Builds what is installed and no more (not the tests: half of the time on a small server), always in the same place below the source, so that the
# same source makes the same bytes and an upgrade replaces only what differs.
build() {
        local targets word
        step 'build'
        word=$(source_word)
        if [ "$(cat "$BUILD/source" 2>/dev/null)" = "$word" ]; then
                say 'done before'
                FROM=$TREE
                return 0
        fi
        rm -rf "$BUILD"
        quietly meson setup --buildtype=debugoptimized --prefix=/opt/nanoscale -Dtests=false "$BUILD" "$SOURCE" ||
                fail 'meson could not set up the build' 'please report it with the lines above'
        targets=$(meson introspect --installed "$BUILD" | python3 -c '
import json, os, sys
build = sys.argv[1]
print("\n".join(sorted(os.path.relpath(p, build) for p in json.load(sys.stdin) if p.startswith(build + os.sep))))' "$BUILD")
        [ -n "$targets" ] || fail 'the source has nothing to install' 'check out a release of NanoScale'
        # shellcheck disable=SC2086 # one word a target
        quietly ninja -C "$BUILD" $targets || fail 'the programs do not compile' 'please report it with the lines above'
        quietly meson install -C "$BUILD" --no-rebuild --strip --destdir "$TREE" || fail 'the built files cannot be collected' 'please report it with the lines above'
        echo "$word" >"$BUILD/source"
        FROM=$TREE
}

# The dashboard, on an orchestrator: the file that was given, or a build of this source. A machine too small for that goes on without.
build_dashboard() {
        local memory free file id
        if [ "$ROLE" = worker ] || [ -n "$DASHBOARD" ] || [ -e "$FROM/opt/nanoscale/lib/dashboard.tar" ]; then
                return 0
        fi
        step 'dashboard'
        id=$(python3 "$SOURCE/scripts/build-dashboard" --id)
        if [ "$(readlink /opt/nanoscale/dashboard/current || true)" = "$id" ]; then
                say 'done before'
                return 0
        fi
        memory=$(awk '/^(MemTotal|SwapTotal):/ { sum += $2 } END { print int(sum / 1024) }' /proc/meminfo)
        free=$(($(df --output=avail -k "$SOURCE" | tail -1) / 1024))
        if [ "$memory" -lt "$DASHBOARD_MEMORY" ] || [ "$free" -lt "$DASHBOARD_DISK" ]; then
                say "not built: that takes $DASHBOARD_MEMORY MiB of memory with swap and $DASHBOARD_DISK MiB of disk; here are $memory and $free"
                say 'to add it: scripts/build-dashboard --output FILE on another machine, then here scripts/install.sh --dashboard FILE'
                return 0
        fi
        file=$DASHBOARD_WORK/dashboard-$id.tar
        say 'building it takes one to five minutes'
        if [ ! -e "$file" ] && ! quietly python3 "$SOURCE/scripts/build-dashboard" --work "$DASHBOARD_WORK" --output "$file"; then
                say 'not built, see above; all else is installed. To try again, run the same command again'
                return 0
        fi
        DASHBOARD=$file
}

# --- install and remove -------------------------------------------------------------------------------------------------------------------------

setup_options() {
        echo "--role $ROLE"
        if [ -n "$NAME" ]; then echo "--name $NAME"; fi
        if [ -n "$ADDRESS" ]; then echo "--address $ADDRESS"; fi
        if [ -n "$JOIN_FILE" ]; then echo "--join-file $JOIN_FILE"; fi
        if [ -n "$BASE_DOMAIN" ]; then echo "--base-domain $BASE_DOMAIN"; fi
        if [ -n "$DASHBOARD" ]; then echo "--dashboard ${DASHBOARD_LINK:-$DASHBOARD}"; fi
        if [ -n "$TRANSPORT" ]; then echo "--helper-transport $TRANSPORT"; fi
        if [ "$WITH_UFW" = yes ]; then echo --with-ufw; fi
        if [ "$NO_SWAP" = yes ]; then echo --no-swap; fi
}

# What it runs has said itself what failed and what to do.
set_up() {
        step 'node'
        # shellcheck disable=SC2046 # words on purpose; every value was checked
        bash "$FROM$INSTALLED_SETUP" install --from "$FROM" $(setup_options) || exit 1
}

set_up_by_package() {
        step 'package'
        export DEBIAN_FRONTEND=noninteractive
        NANOSCALE_SETUP_OPTIONS=$(setup_options | tr '\n' ' ')
        export NANOSCALE_SETUP_OPTIONS
        quietly apt-get -y -o DPkg::Lock::Timeout=300 update || fail 'the lists of packages cannot be fetched' 'check the network and /etc/apt/sources.list, then run this again'
        apt-get -y -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 install --no-install-recommends --reinstall --allow-downgrades "$DEB" ||
                fail "the package $DEB cannot be installed" 'correct what it says above, then run this again'
}

uninstall() {
        local answer setup=$SOURCE/packaging/setup
        [ -e "$setup" ] || setup=$INSTALLED_SETUP
        if [ "$YES" = no ] && [ -t 0 ]; then
                read -r -p 'This removes NanoScale, all projects, their data and their logs from this machine. Type "remove" to go on: ' answer
                [ "$answer" = remove ] || fail 'nothing was removed' 'type the word remove, or use --yes'
        fi
        step 'remove'
        if is_installed nanoscale; then
                apt-get -y -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 purge nanoscale || exit 1
                return 0
        fi
        bash "$setup" remove || exit 1
        rm -rf "$BUILD" "$DASHBOARD_WORK"
}

main() {
        hide_join "$@"
        parse "$@"
        check_root
        check_systemd
        if [ "$UNINSTALL" = yes ]; then
                uninstall
                return 0
        fi
        check_role
        LOG=$(mktemp)
        check_machine
        write_join_file
        if [ -n "$DEB" ]; then
                link_dashboard
                set_up_by_package
                return 0
        fi
        if is_installed nanoscale; then
                fail 'NanoScale was installed from its Debian package here' 'upgrade it with --deb FILE, or remove it first with --uninstall'
        fi
        install_packages
        if [ -z "$FROM" ]; then
                build
                build_dashboard
        fi
        link_dashboard
        set_up
}

main "$@"
