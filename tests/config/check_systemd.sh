#!/bin/sh
# systemd accepts the units, with programs that are there in place of ours, and finds the service
# well confined.
# SPDX-License-Identifier: Apache-2.0
set -eu
root=$1
if ! command -v systemd-analyze >/dev/null; then
  echo "SKIPPED: systemd-analyze is not installed (Debian package systemd)"
  exit 77
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
sed -e 's#^\(ExecStart[^=]*\)=/usr/bin/sstplb .*#\1=/bin/true#' -e '/^Documentation=/d' \
  "$root/deploy/sstplb.service" >"$folder/sstplb.service"
sed -e '/^Documentation=/d' "$root/deploy/sstplb.socket" >"$folder/sstplb.socket"
said=$(systemd-analyze verify --man=no "$folder/sstplb.service" "$folder/sstplb.socket" 2>&1 |
  grep -F sstplb || true)
if [ -n "$said" ]; then
  echo "$said"
  exit 1
fi
# 0 is a program that can do nothing, 100 one that is not confined.
if ! said=$(systemd-analyze security --offline=true --threshold=25 --no-pager \
  "$folder/sstplb.service" 2>&1); then
  echo "$said"
  exit 1
fi
echo "systemd-analyze accepts the units"
