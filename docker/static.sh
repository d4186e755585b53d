# shellcheck shell=sh
# Sourced by docker/build.sh and scripts/smoke: how the binaries of images are linked. Nothing of the
# runtime image is used, and the relocations that a start reads are packed: a megabyte less of memory.
# The packing needs glibc 2.36 (Debian 12) where it is built.
export RUSTFLAGS='-C target-feature=+crt-static -C link-arg=-Wl,-z,pack-relative-relocs'
