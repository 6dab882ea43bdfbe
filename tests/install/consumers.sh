#!/usr/bin/env bash
# Installs a build into an empty folder, moves it, and uses it in each way that README.md names: by pkg-config, by CMake's
# find_package, and, without installing, by add_subdirectory; as C11 and as C++11, with the shared and with the static library.
#
#   consumers.sh BUILD SOURCE FOLDER     FOLDER is emptied, and left for you to look at
# shellcheck source=common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh" "$2" "$3"
build=$(realpath "$1")
echo "version $version, interface $interface"

# ---- what is installed ----

cmake --install "$build" --prefix "$folder/first" >"$folder/install.log"
mv "$folder/first" "$folder/prefix" # nothing may depend on where it was
prefix=$folder/prefix
(cd "$prefix" && find . ! -type d | LC_ALL=C sort) >"$folder/files"
library=$(dirname "$(find "$prefix" -name libclxent.a)")
below=${library#"$prefix"/}
LC_ALL=C sort >"$folder/expected" <<END
./bin/clxent
./include/clxent.h
./include/clxent_mpi.h
./$below/cmake/clxent/clxent-config-version.cmake
./$below/cmake/clxent/clxent-config.cmake
./$below/cmake/clxent/clxent-mpi-targets-release.cmake
./$below/cmake/clxent/clxent-mpi-targets.cmake
./$below/cmake/clxent/clxent-targets-release.cmake
./$below/cmake/clxent/clxent-targets.cmake
./$below/libclxent.a
./$below/libclxent.so
./$below/libclxent.so.$interface
./$below/libclxent.so.$version
./$below/libclxent_mpi.a
./$below/libclxent_mpi.so
./$below/libclxent_mpi.so.$interface
./$below/libclxent_mpi.so.$version
./$below/pkgconfig/clxent.pc
./$below/pkgconfig/clxent_mpi.pc
./share/bash-completion/completions/clxent
./share/man/man1/clxent.1
./share/man/man3/clxent.h.3
END
echo "installed (<), expected (>):"
diff "$folder/files" "$folder/expected"
readelf -d "$library/libclxent.so" | grep -qF "soname: [libclxent.so.$interface]" || fail "the library has another SONAME"
[[ $("$prefix/bin/clxent" --version) == "clxent $version" ]] || fail "the program does not find its library"
mandoc -T lint -W warning "$prefix"/share/man/man[13]/clxent.*

# needs_library PROGRAM: does the loader have to find the shared library?
needs_library() {
    readelf -d "$1" | grep -qF "Shared library: [libclxent.so.$interface]"
}

# ---- pkg-config ----

export PKG_CONFIG_PATH=$library/pkgconfig
[[ $(pkg-config --modversion clxent) == "$version" ]] || fail "clxent.pc has another version"
warnings=(-Wall -Wextra -Wconversion -pedantic -Werror)
read -ra flags < <(pkg-config --cflags --libs clxent)
read -ra static < <(pkg-config --static --cflags --libs clxent | sed 's/-lclxent/-l:libclxent.a/')
gcc -std=c11 "${warnings[@]}" "$source/tests/install/consumer.c" -o "$folder/shared_c" "${flags[@]}" -lm
g++ -std=c++11 "${warnings[@]}" -x c++ "$source/tests/install/consumer.c" -x none -o "$folder/shared_cxx" "${flags[@]}"
gcc -std=c11 "${warnings[@]}" "$source/tests/install/consumer.c" -o "$folder/static_c" "${static[@]}"
g++ -std=c++11 "${warnings[@]}" -x c++ "$source/tests/install/consumer.c" -x none -o "$folder/static_cxx" "${static[@]}"
for name in shared_c shared_cxx; do
    needs_library "$folder/$name" || fail "$name is not linked with the shared library"
    LD_LIBRARY_PATH=$library "$folder/$name"
done
for name in static_c static_cxx; do
    needs_library "$folder/$name" && fail "$name needs the shared library"
    "$folder/$name"
done

# clxent_mpi leaves MPI to the compiler of MPI; a program of one process needs no mpirun.
read -ra flags < <(pkg-config --cflags --libs clxent_mpi)
mpicc -std=c11 "${warnings[@]}" "$source/tests/install/consumer_mpi.c" -o "$folder/mpi_c" "${flags[@]}"
OMPI_CC=g++ mpicc -DOMPI_SKIP_MPICXX -std=c++11 "${warnings[@]}" -x c++ "$source/tests/install/consumer_mpi.c" -x none -o "$folder/mpi_cxx" \
    "${flags[@]}"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
for name in mpi_c mpi_cxx; do
    LD_LIBRARY_PATH=$library "$folder/$name"
done

# ---- CMake ----

# use NAME OPTION...: builds a project beside this script and runs its tests.
use() {
    cmake -S "$source/tests/install/$1" -B "$folder/$1" -G Ninja "${@:2}" >"$folder/$1.log"
    cmake --build "$folder/$1" >>"$folder/$1.log" || { cat "$folder/$1.log" && return 1; }
    ctest --test-dir "$folder/$1" --output-on-failure
}
use find_package -DVERSION="$version" -DCMAKE_PREFIX_PATH="$prefix" -DMPI=ON
needs_library "$folder/find_package/shared_c" || fail "clxent::clxent is not the shared library"
needs_library "$folder/find_package/static_cxx" && fail "clxent::clxent_static is not the static library"
use add_subdirectory -DSOURCE="$source" -DCMAKE_INSTALL_PREFIX="$folder/nothing"
cmake --install "$folder/add_subdirectory" >/dev/null
[[ ! -e $folder/nothing ]] || fail "a project that has clxent in it installs clxent"
echo "all of them work"
