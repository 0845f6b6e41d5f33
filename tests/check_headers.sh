#!/bin/sh
# Every public header alone, twice in a row, compiles as C11 and as C++17 without a warning. Compilers
# that are absent are an error: the check would say nothing.
set -eu
strict="-Wall -Wextra -Wpedantic -Wshadow -Werror -fsyntax-only -Iinclude"
status=0 n=0
for header in include/wengert.h include/wengert/*.h; do
    name=${header#include/}
    text="#include <$name>
#include <$name>
typedef int not_empty;"
    for compiler in "gcc -std=c11 -Wstrict-prototypes -xc" "clang -std=c11 -Wstrict-prototypes -xc" \
        "g++ -std=c++17 -xc++" "clang++ -std=c++17 -xc++"; do
        # shellcheck disable=SC2086
        printf '%s\n' "$text" | $compiler $strict - || { echo "$name: $compiler fails"; status=1; }
        n=$((n + 1))
    done
done
echo "headers: $n compilations"
exit $status
