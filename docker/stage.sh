#!/bin/sh
# Lays out what the final stages of docker/Dockerfile copy: sh docker/stage.sh BIN_DIR OUT
#
#   OUT/root      into every image: CA certificates, our licences
#   OUT/state     the empty state directory
#   OUT/<server>  into one image: its binary, if BIN_DIR has it, and the licences that only it needs
set -eu

bin_dir=$1
out=$2
ca_bundle=${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}

rm -rf "$out"
mkdir -p "$out/root/etc/ssl/certs" "$out/root/licenses" "$out/state"
cp -L "$ca_bundle" "$out/root/etc/ssl/certs/ca-certificates.crt"
cp LICENSE-* "$out/root/licenses/"

for server in ptolemies stripe shopify bayes darwin docker scaffold; do
    mkdir -p "$out/$server"
    if [ -e "$bin_dir/machina-$server" ]; then
        cp "$bin_dir/machina-$server" "$out/$server/"
    fi
done

if [ -e "$out/ptolemies/machina-ptolemies" ]; then
    version=$(sed -n '/^name = "surrealdb-core"$/{n;s/^version = "\(.*\)"$/\1/p;}' Cargo.lock)
    mkdir -p "$out/ptolemies/licenses"
    cp "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/"surrealdb-core-$version"/LICENSE \
        "$out/ptolemies/licenses/LICENSE-BUSL-1.1-surrealdb"
fi
