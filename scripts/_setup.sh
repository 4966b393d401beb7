# Sourced by scripts/demo, scripts/test and scripts/check: a working .venv from a bare clone, or one sentence why not.
#
#   set_up runtime|development
#
# Finds a Python, makes .venv, installs the pinned and hashed requirements and morphct itself (editable), and the system
# libraries where it may. A stamp (place, Python, lock, project file) makes the second call a matter of milliseconds;
# a .venv of another Python, of another place, or a broken one is built again. Where pip fetches from, and which
# certificates it trusts, is the machine's own configuration.

VENV=.venv
LIBRARIES=(libegl1 libgl1-mesa-dri libgomp1)

say() { printf '%s\n' "$*" >&2; }

die() {
    say "$*"
    exit 2
}

# A candidate's own binary (not a shim or a .venv that is about to be replaced), if it is 3.11 to 3.13; the second
# argument names a module it must have as well.
probe() {
    "$1" -c "
import importlib.util, os, sys
fits = (3, 11) <= sys.version_info[:2] <= (3, 13) and importlib.util.find_spec('$2') is not None
print(os.path.realpath(getattr(sys, '_base_executable', None) or sys.executable)) if fits else sys.exit(1)
" 2>/dev/null
}

find_python() { # PYTHON wins, then the machine's python3 if it will do, then the newest that does
    local candidate module pyenv=${PYENV_ROOT:-$HOME/.pyenv}/versions
    if [ -n "${PYTHON:-}" ]; then
        probe "$PYTHON" ensurepip ||
            die "PYTHON=$PYTHON is not a Python 3.11, 3.12 or 3.13 with venv: point it at one that is."
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

install_system() { # what for, packages: those that are missing, through apt when we may, else named in one sentence
    local what=$1 package missing=() log
    shift
    for package in "$@"; do
        dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        say "Installing system packages for $what: ${missing[*]}"
        log=$(mktemp)
        if { apt_install "${missing[@]}" || { apt-get update && apt_install "${missing[@]}"; }; } \
            >"$log" 2>&1 </dev/null; then
            rm -f "$log"
            return 0
        fi
        say "apt-get: $(tail -n 1 "$log")"
        rm -f "$log"
    fi
    say "System packages missing for $what: ${missing[*]}; as root: apt-get install -y --no-install-recommends ${missing[*]}"
}

apt_install() { DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"; }

version_of() { "$1" -c 'import sys; print(sys.version)' 2>/dev/null; }

stamp_of() { # python, lock: what a .venv is made of
    { pwd -P && version_of "$1" && cat "requirements/$2.txt" pyproject.toml; } | sha256sum | cut -c1-64
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

install_python() { "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --no-input "$@" </dev/null; }

set_up() {
    local lock=$1 python
    python=$(find_python) || exit $?
    if is_current "$python" "$lock"; then
        return 0
    fi
    install_system "pictures and threads" "${LIBRARIES[@]}"
    [ "$lock" = runtime ] || install_system "the browser tests" chromium
    if [ "$(cat "$VENV/.place" 2>/dev/null)" != "$(pwd -P) $(version_of "$python")" ] ||
        ! "$VENV/bin/python" -m pip --version >/dev/null 2>&1; then
        say "Making $VENV with $python"
        rm -rf "$VENV"
        "$python" -m venv "$VENV" || die "$python could not make a virtual environment: see the lines above (Debian: apt-get install python3-venv)."
        echo "$(pwd -P) $(version_of "$python")" >"$VENV/.place"
    fi
    rm -f "$VENV"/.stamp-*
    say "Installing requirements/$lock.txt into $VENV: some minutes the first time"
    install_python --require-hashes -r "requirements/$lock.txt" ||
        die "The locked requirements could not be installed: see the lines above."
    install_python --no-deps --no-build-isolation --editable . || die "morphct could not be installed: see the lines above."
    stamp_of "$python" "$lock" >"$VENV/.stamp-$lock"
}
