"""What tests/bench/run is made of."""
# SPDX-License-Identifier: Apache-2.0
