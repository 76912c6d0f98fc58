#!/usr/bin/env bash
# Builds the agent's container image from bin/kubebpfbox, without a registry: artifacts/image/kubebpfbox.tar.
#   usage: image.sh         environment: IMAGE_TAG (default: the program's version)
# In it: the program, the shared libraries it is linked to, OpenSSL's, which .NET loads when it first speaks HTTPS (to the API server), and
# /etc/passwd. No shell, no package manager: what is not there needs no update.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/image-archive.sh

# Whole outputs first: a reader that stops early would end the writer, and with it this script.
told=$(bin/kubebpfbox version)
version=$(grep -oE '[0-9]+\.[0-9]+\.[0-9]+' <<<"$told" | head -1)
libraries=$(ldconfig -p)
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root"/{dev,etc,proc,sys,tmp,usr/bin,var/lib/kubebpfbox}
chmod 1777 "$root/tmp"
echo 'root:x:0:0:root:/:/usr/bin/kubebpfbox' >"$root/etc/passwd"
image_add "$root" bin/kubebpfbox /usr/bin/kubebpfbox
for library in libssl.so.3 libcrypto.so.3; do
  path=$(awk -v name="$library" '$1 == name { print $NF; exit }' <<<"$libraries")
  [[ -n $path ]] || { echo "image: $library is not installed; install the package libssl3" >&2; exit 1; }
  image_add "$root" "$path"
done

archive=artifacts/image/kubebpfbox.tar
image_write "$root" "$archive" "kubebpfbox:${IMAGE_TAG:-$version}" \
  '{"Entrypoint":["/usr/bin/kubebpfbox"],"Cmd":["run"],"Env":["PATH=/usr/bin"],"ExposedPorts":{"9500/tcp":{}}}'
(cd "$root" && find . -type f -printf '%10s  %P\n' | sort -k2)
echo "$archive: docker.io/library/kubebpfbox:${IMAGE_TAG:-$version}, $(($(stat -c %s "$archive") / 1024)) KiB ($(gzip -c "$archive" | wc -c | awk '{ print int($1 / 1024) }') KiB compressed)"
