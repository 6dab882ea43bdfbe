#!/usr/bin/env bash
# Installs the Debian packages that ci/package.sh made into an empty root, and uses them there. Needs neither root's rights nor a
# network: nothing outside of FOLDER changes. What apt would install beside them is looked up, and not done.
#
#   packages.sh PACKAGES SOURCE FOLDER     FOLDER is emptied, and left for you to look at
# shellcheck source=common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh" "$2" "$3"
packages=$(realpath "$1")
architecture=$(dpkg --print-architecture)
library=$packages/libclxent${interface}_$version-1_$architecture.deb
development=$packages/libclxent-dev_$version-1_$architecture.deb
program=$packages/clxent_$version-1_$architecture.deb

# ---- what they need ----

# expect_depends DEB TEXT: one of the alternatives of one of its dependencies.
expect_depends() {
    local depends
    depends=$(dpkg-deb --field "$1" Depends)
    [[ ", $depends, " == *[\ \|]"$2"[\ ,]* ]] || fail "$(basename "$1") does not depend on $2: $depends"
}
expect_depends "$library" libc6
expect_depends "$library" libopencl1
expect_depends "$development" "libclxent$interface (= $version-1)"
expect_depends "$development" ocl-icd-opencl-dev
expect_depends "$program" "libclxent$interface (= $version-1)"
expect_depends "$program" libopencl1
[[ $(dpkg-deb --info "$library" shlibs) == *"libclxent $interface libclxent$interface (>= $version-1)"* ]] ||
    fail "programs linked with $library would not get the right dependency"

apt-get install --simulate --no-install-recommends "$library" "$development" "$program" >"$folder/apt.log"
[[ $(grep -cE "^Inst (libclxent$interface|libclxent-dev|clxent) " "$folder/apt.log") == 3 ]] || fail "apt would not install them"
! grep '^Remv' "$folder/apt.log" || fail "apt would remove packages for them"

# ---- what is in them ----

root=$folder/root
mkdir -p "$root/var/lib/dpkg"
touch "$root/var/lib/dpkg/status"
# dpkg notices files that two of them have. It only unpacks: to configure, it would run their scripts, for which an empty root has
# no shell.
dpkg --root="$root" --log=/dev/null --force-not-root --force-depends --path-include='*' \
    --unpack "$library" "$development" "$program" >"$folder/dpkg.log"
dpkg --root="$root" --verify | tee "$folder/verify.log"
[[ ! -s $folder/verify.log ]] || fail "files are not those that were packed"

for package in "libclxent$interface" libclxent-dev clxent; do
    for file in copyright changelog.gz changelog.Debian.gz; do
        [[ -s $root/usr/share/doc/$package/$file ]] || fail "$package has no $file"
    done
done
files=$(find "$root/usr" -type f)
for file in $files; do
    [[ $(stat -c %a "$file") == 644 || $file == */bin/clxent ]] || fail "$file has the mode $(stat -c %a "$file")"
    ! grep -qF "$source" "$file" || fail "$file names the folder where it was built"
done
at=$(dirname "$(find "$root/usr/lib" -name "libclxent.so.$interface")")
for file in "$root/usr/bin/clxent" "$at/libclxent.so.$version"; do
    ! readelf -dW "$file" | grep -E 'RPATH|RUNPATH' || fail "$file looks for libraries in a place of its own"
    ! readelf -SW "$file" | grep -E '\.(symtab|debug_info)' || fail "$file is not stripped"
done
! readelf -SW "$at/libclxent.a" 2>/dev/null | grep '\.debug_info' || fail "libclxent.a has names for a debugger"
for page in "$root/usr/share/man/man1/clxent.1.gz" "$root/usr/share/man/man3/clxent.h.3.gz"; do
    zcat "$page" | mandoc -T lint -W warning
done

# ---- using them ----

export LD_LIBRARY_PATH=$at PKG_CONFIG_PATH=$at/pkgconfig
"$root/usr/bin/clxent" --version
"$root/usr/bin/clxent" softmax "$source/tests/fuzz/corpus/npy/f4" --output "$folder/probabilities.npy" --verify
read -ra flags < <(pkg-config --cflags --libs clxent)
gcc -std=c11 "$source/tests/install/consumer.c" -o "$folder/consumer" "${flags[@]}" -lm
"$folder/consumer"
cmake -S "$source/tests/install/find_package" -B "$folder/find_package" -G Ninja -DVERSION="$version" \
    -DCMAKE_PREFIX_PATH="$root/usr" >"$folder/cmake.log"
cmake --build "$folder/find_package" --target static_cxx >>"$folder/cmake.log"
"$folder/find_package/static_cxx"
echo "all of them work"
