#!/usr/bin/env bash
# The first thing to run: installs what is missing (Debian), builds clxent into build-demo/, trains a small network on
# handwritten digits with it, and computes the loss of the test images with the clxent program. Takes about a minute.
#
#   ci/demo.sh                    on the default device
#   CLXENT_DEVICE=cpu ci/demo.sh  on another one: a number, cpu or gpu
# shellcheck source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

heading "1/4 Packages: a C compiler, CMake, an OpenCL loader, and PoCL, which runs OpenCL on the CPU"
install_packages "${demo_packages[@]}"
echo "all there"

heading "2/4 Building into build-demo/"
cmake -S . -B build-demo -DCMAKE_BUILD_TYPE=Release -DCLXENT_BUILD_TESTS=OFF >/dev/null
cmake --build build-demo --parallel "$(nproc)"
export POCL_CACHE_DIR="$root/build-demo/pocl-cache" # compiled kernels are kept here, not in the home directory
mkdir -p "$POCL_CACHE_DIR"

heading "3/4 Training on 1437 handwritten digits, testing on 360 others"
build-demo/examples/train_digits examples/data/digits.csv build-demo/logits.npy build-demo/targets.npy

heading "4/4 The loss of those 360, by the clxent program, checked against its CPU reference"
build-demo/cli/clxent cross-entropy build-demo/logits.npy build-demo/targets.npy --verify

cat <<'END'

It works. The test images' logits and labels are in build-demo/. To try next:

  build-demo/cli/clxent devices
  build-demo/cli/clxent softmax build-demo/logits.npy --output build-demo/probabilities.npy
  build-demo/cli/clxent cross-entropy build-demo/logits.npy build-demo/targets.npy --label-smoothing 0.1 --accuracy --json
  build-demo/examples/train_tumour examples/data/breast_cancer.csv
  build-demo/examples/cutmix examples/data/digits.csv
  build-demo/examples/language_model 600 README.md docs/*.md
  build-demo/examples/segmentation build-demo/segmentation.ppm
END
