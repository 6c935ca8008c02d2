#!/bin/sh
# systemd accepts the unit, with programs that are there in place of ours.
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
said=$(systemd-analyze verify --man=no "$folder/sstplb.service" 2>&1 | grep -F sstplb.service || true)
if [ -n "$said" ]; then
  echo "$said"
  exit 1
fi
echo "systemd-analyze accepts the unit"
