#!/usr/bin/env bash
# Builds the agent's container image from bin/kubebpfbox, without a registry: artifacts/image/kubebpfbox.tar. The Dockerfile makes the same with one.
#   usage: image.sh         environment: IMAGE_TAG (default: the program's version)
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/image-archive.sh
. scripts/image-archive.sh

# The whole output first: a reader that stops early would end the writer, and with it this script.
told=$(bin/kubebpfbox version)
version=$(grep -oE '[0-9]+\.[0-9]+\.[0-9]+' <<<"$told" | head -1)
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
scripts/image-root.sh "$root"

archive=artifacts/image/kubebpfbox.tar
image_write "$root" "$archive" "kubebpfbox:${IMAGE_TAG:-$version}" \
  '{"Entrypoint":["/usr/bin/kubebpfbox"],"Cmd":["run"],"Env":["PATH=/usr/bin","SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"],"ExposedPorts":{"9500/tcp":{}}}'
(cd "$root" && find . -type f -printf '%10s  %P\n' | sort -k2)
echo "$archive: docker.io/library/kubebpfbox:${IMAGE_TAG:-$version}, $(($(stat -c %s "$archive") / 1024)) KiB ($(gzip -c "$archive" | wc -c | awk '{ print int($1 / 1024) }') KiB compressed)"
