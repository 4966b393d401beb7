# Sourced by scripts/demo, scripts/test and scripts/check: a working .venv from a bare clone, or one sentence why not.
#
#   set_up runtime|development
#
# Finds a Python, makes .venv, installs the pinned and hashed requirements and morphct itself (editable), and the system
# libraries where it may. The lock is installed as it stands: no resolver looks anything up, so it installs the same on
# any day; scripts/locked.py then checks that what is there is the lock, and whole. A stamp (place, Python, lock; project
# file), written last, makes the second call a matter of milliseconds. A .venv without its stamp (another Python, another
# place, another lock, an installation that was cut short) is built again; only from runtime to development is added to
# what is there. Where pip fetches from, and which certificates it trusts, is the machine's own configuration.

VENV=.venv
LIBRARIES=(libegl1 libgl1-mesa-dri libgomp1)
LOG=$VENV/setup.log # what the tools said of the last set-up

say() { printf '%s\n' "$*" >&2; }

die() {
    say "$*"
    exit 2
}

# A candidate's own binary (not a shim or a .venv that is about to be replaced), if it is 3.11 to 3.13; the second
# argument names a module it must have as well.
probe() {
    "$1" -I -c "
import importlib.util, os, sys
fits = (3, 11) <= sys.version_info[:2] <= (3, 13) and all(map(importlib.util.find_spec, ['venv', '$2']))
print(os.path.realpath(getattr(sys, '_base_executable', None) or sys.executable)) if fits else sys.exit(1)
" 2>/dev/null
}

find_python() { # PYTHON wins, then the machine's python3 if it will do, then the newest that does
    local candidate module pyenv=${PYENV_ROOT:-$HOME/.pyenv}/versions
    if [ -n "${PYTHON:-}" ]; then
        probe "$PYTHON" ensurepip || die "$(unfit "$PYTHON")"
        return
    fi
    for module in ensurepip venv; do
        for candidate in python3 python3.13 python3.12 python3.11 \
            "$pyenv"/3.13.*/bin/python "$pyenv"/3.12.*/bin/python "$pyenv"/3.11.*/bin/python /usr/bin/python3; do
            if probe "$candidate" "$module"; then return; fi
        done
        # Debian's python3 comes without ensurepip: it is in a package of its own
        [ "$module" = venv ] || install_system "the virtual environment" python3-venv
    done
    die "No Python 3.11, 3.12 or 3.13 found: install one (Debian 12: apt-get install python3 python3-venv) or set PYTHON=/path/to/python."
}

unfit() { # why the PYTHON that was asked for will not do
    local version
    version=$("$1" -I -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) ||
        { echo "PYTHON=$1 does not start as a Python: give the path of a Python 3.11, 3.12 or 3.13."; return; }
    case $version in
    3.11 | 3.12 | 3.13)
        echo "PYTHON=$1 is a Python $version without venv or pip (ensurepip), which .venv is made with: install them (Debian: apt-get install python$version-venv) or give another Python." ;;
    *) echo "PYTHON=$1 is a Python $version: give the path of a Python 3.11, 3.12 or 3.13." ;;
    esac
}

install_system() { # what for, packages: those that are missing, through apt when we may, else named in one sentence
    local what=$1 package missing=() log
    shift
    command -v dpkg-query >/dev/null || return 0 # not a Debian: what is missing is said by what misses it
    for package in "$@"; do
        dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        say "Installing system packages for $what: ${missing[*]}"
        if log=$({ apt_install "${missing[@]}" || { apt-get update && apt_install "${missing[@]}"; }; } 2>&1 </dev/null); then
            return 0
        fi
        say "    apt-get: $(tail -n 1 <<<"$log")"
    fi
    say "System packages missing for $what: ${missing[*]}; as root: apt-get install -y --no-install-recommends ${missing[*]}"
}

apt_install() { DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"; }

install_systems() { # lock: what its Python packages do not bring
    install_system "pictures and threads" "${LIBRARIES[@]}"
    if [ "$1" = development ] && ! command -v chromium chromium-browser google-chrome >/dev/null; then
        install_system "the browser tests" chromium
    fi
}

stamp_of() { # python, lock: what a .venv is made of, and what morphct in it is made of
    { pwd -P && "$1" -I -c 'import sys; print(sys.version)' && cat "requirements/$2.txt"; } | sha256sum | cut -c1-64
    sha256sum <pyproject.toml | cut -c1-64
}

is_current() { # python, lock: the stamp is right and morphct starts; a development .venv serves the runtime too
    local lock
    for lock in "$2" development; do
        if [ "$(cat "$VENV/.stamp-$lock" 2>/dev/null)" = "$(stamp_of "$1" "$lock")" ]; then
            "$VENV/bin/python" -c 'import morphct' >/dev/null 2>&1
            return
        fi
    done
    return 1
}

holds_whole() { # python, lock: its requirements are all there, whatever became of morphct
    [ ! -e "$VENV/.half" ] && "$VENV/bin/python" -I -m pip --version >/dev/null 2>&1 &&
        [ "$(head -n 1 "$VENV/.stamp-$2" 2>/dev/null)" = "$(stamp_of "$1" "$2" | head -n 1)" ]
}

quietly() { "$@" >>"$LOG" 2>&1 </dev/null; }

install_python() { # pip, deaf to settings that would put things elsewhere, and to other packages on PYTHONPATH
    quietly env -u PIP_TARGET -u PIP_PREFIX -u PIP_ROOT -u PIP_CONSTRAINT -u PIP_REQUIREMENT PIP_USER=0 PIP_NO_BINARY= \
        "$VENV/bin/python" -I -m pip install --disable-pip-version-check --no-input --no-color --progress-bar off --no-deps "$@"
}

# lines of pip and venv that explain nothing
NOISE='^$|^WARNING: Location |^Looking in |^\[notice\]|^(Collecting|Using cached|Downloading|Obtaining|Processing|Ignoring) '
NOISE+='|^Successfully |^Installing collected|^ERROR: (No matching|Could not find a version|Ignored the following)|━'

fail() { # the tool's last words that mean something, then one sentence
    sed -E -e 's/^ +//' -e "s/.*(Failed to establish [^']*).*/\1/" "$LOG" | grep -v -E "$NOISE" |
        cut -c1-160 | uniq | tail -n 3 | sed 's/^/    /' >&2 || true
    die "$* (all of it: $LOG)"
}

why() { # lock: what the log of a failed installation means
    local package
    if grep -q 'No space left on device' "$LOG"; then
        echo "The disk is full, so .venv is not whole: make room (about 3 GB) and call this again."
    elif grep -q 'DO NOT MATCH THE HASHES' "$LOG"; then
        package=$(sed -n 's/^ *\([A-Za-z0-9._-]*==[^ ]*\) from .*/\1/p' "$LOG" | head -n 1)
        echo "What the index gave for ${package:-a package} is not what requirements/$1.txt has the hash of: restore that file (git checkout requirements) or ask who keeps the index."
    elif grep -q -e 'Failed to establish a new connection' -e 'ConnectTimeoutError' -e 'NewConnectionError' \
        -e 'name resolution' -e 'Read timed out' -e 'ProxyError' "$LOG"; then
        echo "The package index cannot be reached, and nothing can be installed without it: see to the network (or pip's configuration) and call this again."
    elif grep -q 'from versions: none' "$LOG"; then
        package=$(sed -n 's/.*requirement \([^ ]*\) (from versions: none).*/\1/p' "$LOG" | head -n 1)
        echo "The package index gave nothing at all for $package: see to the network and to pip's configuration (pip config list), and call this again."
    elif grep -q 'No matching distribution found for' "$LOG"; then
        package=$(sed -n 's/.*No matching distribution found for \([^ ]*\).*/\1/p' "$LOG" | head -n 1)
        echo "The package index has no wheel of $package for this Python and machine: use another Python (PYTHON=...) or another index."
    else
        echo "requirements/$1.txt could not be installed into $VENV."
    fi
}

set_up() {
    local lock=$1 python
    python=$(find_python) || exit $?
    install_systems "$lock"
    if is_current "$python" "$lock"; then
        return 0
    fi
    [ -w . ] || die "$(pwd -P) cannot be written to, and .venv is made in it: clone to a place that can."
    # one at a time: another call in another terminal waits here, and then finds the work done
    exec 9<requirements
    if command -v flock >/dev/null && ! flock --nonblock 9; then
        say "Another set-up is at work in $(pwd -P): waiting for it"
        flock 9
    fi
    is_current "$python" "$lock" || build "$python" "$lock"
    exec 9<&-
}

build() { # python, lock
    local python=$1 lock=$2
    if [ "$lock" = runtime ] && holds_whole "$python" development; then
        lock=development
    fi
    if ! { holds_whole "$python" "$lock" || holds_whole "$python" runtime; }; then
        say "Making $VENV with $python"
        rm -rf "$VENV" && mkdir "$VENV" || die "$VENV cannot be made anew in $(pwd -P): see to its permissions."
        quietly "$python" -I -m venv "$VENV" || fail "$python could not make a virtual environment in $VENV."
    fi
    if ! holds_whole "$python" "$lock"; then
        say "Installing the locked packages (requirements/$lock.txt) into $VENV: some minutes the first time"
        : >"$LOG" && : >"$VENV/.half" # until the end: whole is only what has no such file
        install_python --only-binary :all: --require-hashes --requirement "requirements/$lock.txt" || fail "$(why "$lock")"
        quietly "$VENV/bin/python" -I scripts/locked.py installed "$lock" ||
            fail "requirements/$lock.txt does not hold all that it needs: restore it (git checkout requirements) or write it again with scripts/lock."
    fi
    say "Installing morphct into $VENV"
    rm -f "$VENV"/.stamp-*
    install_python --no-build-isolation --editable . || fail "morphct could not be installed into $VENV."
    stamp_of "$python" "$lock" >"$VENV/.stamp-new" && mv "$VENV/.stamp-new" "$VENV/.stamp-$lock" ||
        die "The disk is full, so $VENV is not whole: make room and call this again."
    rm -f "$VENV/.half"
}
