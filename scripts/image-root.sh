#!/usr/bin/env bash
# Lays out what is in the agent's image: the program, the shared libraries it is linked to, OpenSSL's, which .NET loads when it first speaks HTTPS (to the
# API server, an InfluxDB, a collector), the certificates of the authorities that everybody trusts, and /etc/passwd. No shell, no package manager: what is not there needs no update.
#   usage: image-root.sh FOLDER [PROGRAM]      PROGRAM: default bin/kubebpfbox
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/image-archive.sh
. scripts/image-archive.sh
root=$1 program=${2:-bin/kubebpfbox}

# The whole output first: a reader that stops early would end the writer, and with it this script.
libraries=$(ldconfig -p)
mkdir -p "$root"/{dev,etc,proc,sys,tmp,usr/bin,var/lib/kubebpfbox}
chmod 1777 "$root/tmp"
echo 'root:x:0:0:root:/:/usr/bin/kubebpfbox' >"$root/etc/passwd"
image_add "$root" "$program" /usr/bin/kubebpfbox
for library in libssl.so.3 libcrypto.so.3; do
  path=$(awk -v name="$library" '$1 == name { print $NF; exit }' <<<"$libraries")
  [[ -n $path ]] || { echo "image: $library is not installed; install the package libssl3" >&2; exit 1; }
  image_add "$root" "$path"
done
# Found there because the image says so in SSL_CERT_FILE.
authorities=/etc/ssl/certs/ca-certificates.crt
[[ -e $authorities ]] || { echo "image: $authorities is not there; install the package ca-certificates" >&2; exit 1; }
image_add "$root" "$authorities"
