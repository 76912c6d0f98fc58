# To be sourced: container images made of files of this machine, without a registry, a daemon or root. An archive is a docker-archive, which
# `docker load`, `podman load`, `ctr images import`, `skopeo copy docker-archive:` and `kind load image-archive` all take.
# shellcheck shell=bash

# image_add ROOT FILE [PATH]: copies FILE to PATH (its own path unless given) below ROOT, an ELF file together with the shared libraries it is linked to.
image_add() {
  local root=$1 file=$2 path=${3:-$2} library
  mkdir -p "$root/$(dirname "$path")"
  cp -rL --no-target-directory "$file" "$root/$path"
  while read -r library; do
    [[ -e $root/$library ]] && continue
    mkdir -p "$root/$(dirname "$library")"
    cp -L "$library" "$root/$library"
  done < <([[ -f $file ]] && ldd "$file" 2>/dev/null | grep -oE '/[^ ]+' | grep -vxF "$file:")
}

# image_write ROOT ARCHIVE NAME:TAG CONFIG: one layer of all that is below ROOT. CONFIG is the image's "config" object (Entrypoint, Cmd, Env) as JSON.
# The same files give the same bytes: names in order, no times, no users of this machine.
image_write() {
  local root=$1 archive=$2 name=$3 config=$4 work layer_digest config_digest architecture
  work=$(mktemp -d)
  case $(uname -m) in x86_64) architecture=amd64 ;; aarch64) architecture=arm64 ;; *) architecture=$(uname -m) ;; esac
  image_tar "$root" "$work/layer.tar" .
  layer_digest=$(sha256sum "$work/layer.tar" | cut -d' ' -f1)
  printf '{"architecture":"%s","os":"linux","created":"1970-01-01T00:00:00Z","config":%s,"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
    "$architecture" "$config" "$layer_digest" >"$work/config.json"
  config_digest=$(sha256sum "$work/config.json" | cut -d' ' -f1)
  mv "$work/config.json" "$work/$config_digest.json"
  printf '[{"Config":"%s.json","RepoTags":["docker.io/library/%s"],"Layers":["layer.tar"]}]' "$config_digest" "$name" >"$work/manifest.json"
  mkdir -p "$(dirname "$archive")"
  image_tar "$work" "$archive" manifest.json "$config_digest.json" layer.tar
  rm -rf "$work"
}

# image_tar FOLDER ARCHIVE FILE...
image_tar() { tar --create --file "$2" --directory "$1" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --format=gnu "${@:3}"; }
