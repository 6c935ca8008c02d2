#!/bin/sh
# promtool accepts the scrape configuration and the alert rules, every metric in the rules is one
# that the balancer has, and the rules fire when they should (alerts_test.yml).
# SPDX-License-Identifier: Apache-2.0
set -eu
root=$1
if ! command -v promtool >/dev/null; then
  echo "SKIPPED: promtool is not installed (Debian package prometheus)"
  exit 77
fi
folder=$root/deploy/prometheus
promtool check config "$folder/scrape.yml"
promtool check rules "$folder/alerts.yml"

for metric in $(grep -o 'sstplb_[a-z_]*' "$folder/alerts.yml" | sort -u); do
  base=${metric%_bucket}
  if ! grep -q "\"$base\"" "$root/metrics/names.def"; then
    echo "alerts.yml uses $metric, which the balancer does not have"
    exit 1
  fi
done

promtool test rules "$root/tests/config/alerts_test.yml"
