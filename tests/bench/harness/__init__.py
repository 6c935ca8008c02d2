"""What the scripts of tests/bench share."""
# SPDX-License-Identifier: Apache-2.0
