#!/usr/bin/env bash
# Everything that must hold before a change is merged. Installs what is missing (Debian), runs the stages that are named,
# or all of them, and closes with a table. A stage that fails does not stop the next one; the exit status is then 1.
#
#   ci/test.sh                    all stages, with a twelfth of the long tables of tests
#   ci/test.sh gcc rusticl        some of them
#   ci/test.sh --long             all stages, whole tables, a quarter of an hour of fuzzers, more mutants, and one stage more, long (ten
#                                 thousand random combinations, the largest tensors, a million calls, Valgrind). Hours
#   ci/test.sh --long gcc long    some of them
#
# Builds go to build-ci/, and are used again by the next run.
# shellcheck source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

all_stages=(format gcc docs clang sanitize threads fuzz coverage mutants rusticl oclgrind install mingw demo)

# ------------------------------------------------------------------------------------------------------- stages ------

# The tree is formatted as .clang-format says. Versions of clang-format differ, so the version is fixed.
stage_format() {
    find include platform host mpi cli tests examples -name '*.[ch]' -print0 | sort -z | xargs -0 clang-format-14 --dry-run -Werror
}

# The whole suite on PoCL, warnings being errors.
stage_gcc() {
    build gcc gcc
    use_pocl
    run_tests gcc
}

# The reference of the interface, complete; and every command that the pages show, run.
stage_docs() {
    ci/docs.sh
    build gcc gcc
    use_pocl
    ci/doc_commands.sh build-ci/gcc
}

# Another compiler has no warnings either. Its suite is the next stage's; here is what needs no device.
stage_clang() {
    build clang clang-14
    ctest --test-dir build-ci/clang --output-on-failure --parallel "$(nproc)" --label-regex '^unit$'
}

# The suite again with AddressSanitizer, LeakSanitizer and UndefinedBehaviorSanitizer. See lsan.supp for what is let off.
stage_sanitize() {
    build sanitize clang-14 -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCLXENT_HARDEN=OFF \
        -DCMAKE_C_FLAGS="-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer"
    export ASAN_OPTIONS=strict_string_checks=1:detect_stack_use_after_return=1
    export LSAN_OPTIONS=suppressions="$root/ci/lsan.supp":print_suppressions=0
    export UBSAN_OPTIONS=print_stacktrace=1
    use_pocl
    local status=0 less=()
    if ((share > 1)); then
        less=(--exclude-regex '^example_(cutmix|language_model|train_digits)$') # of which others do the same in less time
    fi
    # Freed memory is held back, so that a soak grows. LeakSanitizer itself crashes now and then ("Tracer caught signal 11"), so a test
    # may fail once, but with no finding: note_findings looks.
    run_tests sanitize '^(long|simulator|soak|fault|mpi-program)$' --repeat until-pass:2 "${less[@]}"
    # What an injected failure leaves behind inside the driver is not clxent's: these tests count its objects and memory themselves. Nor
    # is what MPI keeps when it ends, before which the other tests of clxent_mpi look.
    ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0 CLXENT_FAULT_CODES=$((share == 1 ? 100 : 1)) ctest \
        --test-dir build-ci/sanitize --output-on-failure --parallel "$(nproc)" --label-regex '^(fault|mpi-program)$' || status=$?
    note_counts sanitize
    return "$status"
}

# The tests with threads under ThreadSanitizer. Drivers are not built for it, and yet nothing has to be let off.
stage_threads() {
    local targets=(test_threads test_threads_shared)
    build threads clang-14 -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCLXENT_HARDEN=OFF -DCLXENT_BUILD_EXAMPLES=OFF \
        -DCMAKE_C_FLAGS="-fsanitize=thread -fno-omit-frame-pointer"
    use_pocl
    local status=0
    ctest --test-dir build-ci/threads --output-on-failure --label-regex '^threads$' || status=$?
    note_counts threads
    return "$status"
}

# Inputs that libFuzzer invents, for fuzz_seconds, three fuzzers at once. What it finds interesting is kept in build-ci/fuzz-inputs for the next
# run, and what fails in build-ci/fuzz-found: repair, then keep it as tests/fuzz/corpus/NAME/found-SOMETHING.
stage_fuzz() {
    local fuzzer targets=(fuzz_npy fuzz_arguments fuzz_descriptor) status=0
    build fuzz clang-14 -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCLXENT_HARDEN=OFF -DCLXENT_BUILD_EXAMPLES=OFF \
        -DCLXENT_BUILD_FUZZERS=ON
    export LSAN_OPTIONS=suppressions="$root/ci/lsan.supp":print_suppressions=0 UBSAN_OPTIONS=print_stacktrace=1
    use_pocl
    run_fuzzer npy -max_len=4096 -malloc_limit_mb=64 &
    run_fuzzer arguments -max_len=1024 -malloc_limit_mb=64 &
    run_fuzzer descriptor -max_len=256 -len_control=0 -malloc_limit_mb=1024 &
    for fuzzer in $(jobs -p); do
        wait "$fuzzer" || status=1
    done
    return "$status"
}

# run_fuzzer NAME OPTION...
run_fuzzer() {
    local log="build-ci/fuzz-$1.log"
    mkdir -p "build-ci/fuzz-inputs/$1" build-ci/fuzz-found
    if ! "build-ci/fuzz/tests/fuzz/fuzz_$1" -max_total_time="$fuzz_seconds" -timeout=300 -report_slow_units=300 \
        -rss_limit_mb=8192 -print_final_stats=1 -artifact_prefix="build-ci/fuzz-found/$1-" "${@:2}" "build-ci/fuzz-inputs/$1" \
        "tests/fuzz/corpus/$1" >"$log" 2>&1; then
        tail -60 "$log"
        note_findings "$log" || true
        return 1
    fi
    sed -nE "s/^stat::number_of_executed_units: +([0-9]+)/\1 inputs of fuzzers run/p" "$log" | tee -a build-ci/counts
}

# Which lines of host/ the suite runs, by gcov: at least 95 of a hundred. What no test reaches is listed in build-ci/coverage.txt.
stage_coverage() {
    build coverage gcc -DCMAKE_BUILD_TYPE=Debug -DCLXENT_HARDEN=OFF -DCLXENT_BUILD_EXAMPLES=OFF \
        -DCMAKE_C_FLAGS="--coverage -fprofile-update=atomic"
    use_pocl
    find build-ci/coverage -name '*.gcda' -delete
    # Not what is about the program; and gcov adds exports of its own.
    CLXENT_TEST_SHARE=12 CLXENT_FAULT_CODES=1 run_tests coverage '^(long|simulator|slow|soak|repeat|program)$' \
        --exclude-regex '^(exports|test_check$|test_bench|test_fault_program)'
    gcovr --root . --filter host/ build-ci/coverage --txt build-ci/coverage.txt --print-summary --fail-under-line 95 \
        >build-ci/coverage-summary.txt
    sed -nE 's/^lines: ([0-9.]+)%.*/\1 % of the lines of host\/ run/p' build-ci/coverage-summary.txt | tee -a build-ci/counts
}

# Who tests the tests: some changes to kernels/ and host/, which the tests must notice: such tests as need no device.
stage_mutants() {
    local log="$root/build-ci/mutants.log" status=0 some=(--kernels 6 --host 30)
    if ((share == 1)); then
        some=(--kernels 50 --host 250)
    fi
    ci/mutate.sh --quick "${some[@]}" --seed "$CLXENT_TEST_SEED" >"$log" || status=$?
    cat "$log"
    sed -nE 's/^(kernels|host): ([0-9]+) of ([0-9]+) mutants killed.*/\2 mutants of \1\/ killed\n\3 mutants of \1\/ tried/p' \
        "$log" >>build-ci/counts
    return "$status"
}

# The suite on a second OpenCL implementation: Mesa's rusticl, which runs on the CPU through llvmpipe. It compiles slowly, so for every day
# it is a 24th of the long tables, and neither what takes long nor what is about the host.
stage_rusticl() {
    build gcc gcc
    use_rusticl
    if ((share == 1)); then
        run_tests gcc '^(long|simulator|soak)$'
    else
        CLXENT_TEST_SHARE=24 run_tests gcc '^(long|simulator|slow|soak|repeat|threads|fuzz|fault|device|mpi|mpi-program)$'
    fi
}

# The kernels of every operation, pass and engine at small sizes in a simulator that finds races, bad accesses, uninitialised values
# and OpenCL errors, also those for GPUs (test_group_memory). It reports what it finds in a log and goes on, so the log must be
# empty. Kernels are compiled without optimisation: the search for uninitialised values knows no `freeze`, an instruction that LLVM's optimiser puts in.
stage_oclgrind() {
    build gcc gcc
    export root
    export -f simulate
    printf '%s\n' 'test_simulator 2 0' 'test_simulator 2 1' test_group_memory test_linear_{cross_entropy,enqueue,filter,product,shards} |
        xargs -P "$(nproc)" -I TEST bash -c 'set -eu; simulate TEST'
}

# simulate TEST [SHARE NUMBER]: all lines of it, or a share of those of its table.
simulate() {
    local log="$root/build-ci/oclgrind-$1-${3:-0}.log" status=0
    rm -f "$log"
    CLXENT_TEST_SHARE=${2:-1} CLXENT_TEST_SEED=$((CLXENT_TEST_SEED + ${3:-0})) oclgrind --data-races --uninitialized --check-api \
        --build-options -cl-opt-disable --log "$log" "$root/build-ci/gcc/tests/$1" >"${log%.log}.out" 2>&1 || status=$?
    cat "${log%.log}.out"
    if [[ -s $log ]]; then
        head -100 "$log"
        status=1
    fi
    return "$status"
}

# What `cmake --install` puts in place, and what the Debian packages hold, is enough for programs in C and C++, be the library shared,
# static, or a folder of theirs.
stage_install() {
    use_pocl
    build gcc gcc
    tests/install/consumers.sh build-ci/gcc . build-ci/consumers
    tests/exports.sh build-ci/gcc/host/libclxent.a "$root"
    tests/exports.sh build-ci/gcc/mpi/libclxent_mpi.a "$root" mpi clxent_mpi.h
    clang-14 -x c++ -fsyntax-only -Wall -Wextra -pedantic -Werror -Iinclude -include clxent.h /dev/null
    ci/package.sh
    tests/install/packages.sh build-ci/packages . build-ci/unpacked
}

# Nothing stands in the way of Windows.
stage_mingw() {
    ci/mingw.sh
}

# What a newcomer runs first.
stage_demo() {
    ci/demo.sh
}

# What takes too long for every day: many random combinations of options, tensors of more than 2^31 elements, every type on
# every engine.
stage_long() {
    local job status=0
    export CLXENT_TEST_SHARE=1
    build gcc gcc
    use_pocl
    CLXENT_RANDOM_CASES=10000 build-ci/gcc/tests/test_random &
    check_at_length &
    for job in $(jobs -p); do
        wait "$job" || status=1
    done
    return "$status"
}

check_at_length() {
    ctest --test-dir build-ci/gcc --output-on-failure --label-regex '^long$'
    build-ci/gcc/cli/clxent check --all
    CLXENT_SOAK_CALLS=1000000 build-ci/gcc/tests/test_soak
    check_memory
}

# Valgrind, which sees uninitialised values too, over what needs no device, and over a little that does: it simulates the compiler
# of kernels as well, so that a program takes half a minute. See valgrind.supp for what is let off.
check_memory() {
    local test name
    for test in build-ci/gcc/tests/test_{status,half,npy,reference,reference_*}; do
        memcheck "$test"
    done
    for name in npy arguments; do
        memcheck "build-ci/gcc/tests/fuzz/fuzz_$name" "tests/fuzz/corpus/$name"
    done
    memcheck build-ci/gcc/tests/fuzz/fuzz_descriptor tests/fuzz/corpus/descriptor/{values-3,refused-*,member-*}
}

memcheck() {
    valgrind --quiet --error-exitcode=1 --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite \
        --suppressions=ci/valgrind.supp "$@"
}

# ------------------------------------------------------------------------------------------------------ helpers ------

# build NAME COMPILER [CMAKE OPTION...]: all, or the caller's `targets`. PoCL's cache of compiled kernels is the same for all
# builds: compiling them takes longer than anything else here, and does not depend on the host's compiler.
build() {
    mkdir -p "build-ci/$1" build-ci/pocl-cache
    ln -sfn ../pocl-cache "build-ci/$1/pocl-cache"
    cmake -S . -B "build-ci/$1" -G Ninja -DCMAKE_C_COMPILER="$2" -DCLXENT_WERROR=ON -DCLXENT_BUILD_TESTS=ON \
        -DCLXENT_BUILD_SHARED=ON -DCLXENT_BUILD_STATIC=ON "${@:3}" >/dev/null
    cmake --build "build-ci/$1" ${targets:+--target "${targets[@]}"}
}

# use_driver LIBRARY: the OpenCL loader sees this driver and no other, whatever is installed.
use_driver() {
    export OCL_ICD_VENDORS="$root/build-ci/vendors/${1##*/}.icd"
    mkdir -p build-ci/vendors
    echo "$1" >"$OCL_ICD_VENDORS"
}

use_rusticl() {
    use_driver libRusticlOpenCL.so.1
    export RUSTICL_ENABLE=llvmpipe MESA_SHADER_CACHE_DIR="$root/build-ci/mesa-cache"
}

use_pocl() {
    use_driver "$(cat /etc/OpenCL/vendors/pocl.icd)"
    export POCL_CACHE_DIR="$root/build-ci/pocl-cache"
}

# run_tests NAME [LABELS [OPTION...]]: the device that is tested, then the suite, but for tests with these labels. test_simulator
# is for Oclgrind, and has nothing for PoCL that others have not.
run_tests() {
    local status=0
    "build-ci/$1/cli/clxent" devices
    ctest --test-dir "build-ci/$1" --output-on-failure --parallel "$(nproc)" \
        --label-exclude "${2:-^(long|simulator)$}" "${@:3}" || status=$?
    note_counts "$1"
    return "$status"
}

# note_counts NAME: keeps what the tests that ran last in this build say that they have counted, for the closing table.
note_counts() {
    local log="build-ci/$1/Testing/Temporary/LastTest.log"
    sed -nE 's/^.*: ([0-9]+) (injections survived|hostile devices).*/\1 \2/p; s/^([0-9]+) repeats compared$/&/p' "$log" >>build-ci/counts
    note_findings "$log"
}

# note_findings LOG: the same of what sanitizers have found; fails if that is anything.
note_findings() {
    local found
    found=$(grep -cE '(ERROR|WARNING): [A-Za-z]+Sanitizer|: runtime error: ' "$1") || true
    echo "$found findings of sanitizers" >>build-ci/counts
    ((found == 0))
}

# All that was counted in this run, summed up by kind.
print_counts() {
    awk '{ n = $1; $1 = ""; if ($0 ~ /%/) last[$0] = n; else sum[$0] += n }
        END { for (k in sum) printf "%10d%s\n", sum[k], k; for (k in last) printf "%10s%s\n", last[k], k }' build-ci/counts | sort -k2
}

# --------------------------------------------------------------------------------------------------------- main ------

unset CLXENT_DEVICE
share=12
fuzz_seconds=18
if [[ ${1:-} == --long ]]; then
    shift
    share=1
    fuzz_seconds=900
    all_stages+=(long)
fi
if (($# == 0)); then
    set -- "${all_stages[@]}"
fi
# Compiling kernels is what takes time here. So of the long tables every twelfth line is run, the same in all stages, which share
# PoCL's cache, and others the next time; --long runs all of them.
export CLXENT_TEST_SHARE=$share CLXENT_TEST_SEED="${CLXENT_TEST_SEED:-$(date +%s)}"
for stage; do
    if ! declare -F "stage_$stage" >/dev/null; then
        echo "There is no stage '$stage'. Stages: ${all_stages[*]}" >&2
        exit 2
    fi
done

heading packages
install_packages "${test_packages[@]}" "${package_packages[@]}" "${mingw_packages[@]}"

mkdir -p build-ci
: >build-ci/counts
failed=0
table=""
for stage; do
    heading "$stage"
    began=$SECONDS
    set +e # a stage stops at its own first error, and this script goes on
    (
        set -e
        "stage_$stage"
    )
    status=$?
    set -e
    result=ok
    if ((status != 0)); then
        result=FAILED
        failed=1
    fi
    table+=$(printf '%-10s %5d s  %s' "$stage" $((SECONDS - began)) "$result")$'\n'
done

heading result
printf '%s' "$table"
echo
print_counts
exit $failed
