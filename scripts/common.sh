# shellcheck shell=bash
# Sourced by the scripts: goes to the top of the tree and settles what they run under.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say()  { printf '==> %s\n' "$*"; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

# OpenBLAS must choose its kernels for this processor, not for one named in the environment.
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE

# Where several builds of OpenBLAS are installed, Debian's alternatives prefer the pthread one. Ours
# is the OpenMP build, whose threads are those of the library; the system's choice stays as it is.
use_openmp_blas()
{
    local folder

    for folder in /usr/lib/*/openblas-openmp; do
        [ -e "$folder/libopenblas.so.0" ] || continue
        export LD_LIBRARY_PATH="$folder${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
        [ -d "$folder/pkgconfig" ] &&
            export PKG_CONFIG_PATH="$folder/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}"
        if [ "$(readlink -f "$folder/../libopenblas.so.0")" != "$(readlink -f "$folder/libopenblas.so.0")" ]; then
            say "OpenBLAS: using $folder (the system's default is another build; it is left as it is)"
        fi
        return 0
    done
}

# build FOLDER [meson option...]: configures once, then compiles what changed. MESON_OPTIONS in the
# environment adds options for every folder; with TARGETS only those are compiled.
build()
{
    local folder=$1; shift

    if [ -f "$folder/build.ninja" ]; then
        say "$folder is configured"
    else
        say "configuring $folder"
        mkdir -p "$(dirname "$folder")"
        # shellcheck disable=SC2086
        meson setup "$folder" ${MESON_OPTIONS:-} "$@" >"$folder.log" 2>&1 ||
            { cat "$folder.log"; rm -f "$folder.log"; fail "meson setup"; }
        rm -f "$folder.log"
    fi
    say "compiling $folder"
    # shellcheck disable=SC2086
    ninja -C "$folder" --quiet ${TARGETS:-}
}
