#!/bin/sh
# The builder stage of docker/Dockerfile: sh docker/build.sh compile|prebuilt OUT
set -eu

source=$1
out=$2

case $source in
    compile)
        # Static, as what CI packs: nothing of the runtime image is linked. With --target the flag stays
        # off build scripts and procedural macros.
        triple=$(rustc -vV | sed -n 's/^host: //p')
        RUSTFLAGS='-C target-feature=+crt-static' cargo build --profile dist --locked --target "$triple" \
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
