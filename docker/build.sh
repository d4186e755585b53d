#!/bin/sh
# The builder stage of docker/Dockerfile: sh docker/build.sh compile|prebuilt OUT
set -eu

source=$1
out=$2

case $source in
    compile)
        # With --target the flags stay off build scripts and procedural macros.
        triple=$(rustc -vV | sed -n 's/^host: //p')
        # shellcheck source=docker/static.sh
        . docker/static.sh
        cargo build --profile dist --locked --target "$triple" \
            -p machina-ptolemies -p machina-stripe -p machina-shopify -p machina-bayes \
            -p machina-darwin -p machina-docker -p machina-scaffold
        sh docker/stage.sh "target/$triple/dist" "$out"
        rm -rf target # the layer keeps what the final stages need
        ;;
    prebuilt)
        cp -R out/image "$out"
        ;;
    *)
        echo "BINARIES must be compile or prebuilt, not $source" >&2
        exit 64
        ;;
esac
