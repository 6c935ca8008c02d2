// SPDX-License-Identifier: Apache-2.0
#include "lb/balance/source_ip.h"

#include <cstddef>
#include <utility>

namespace sstplb::balance {

SourceIp::SourceIp(std::vector<Member> members, std::shared_ptr<const StickTable> table)
    : Policy(members), table_(std::move(table)), others_(std::move(members)) {
  for (std::size_t i = 0; i < this->members().size(); ++i) {
    by_name_.emplace(this->members()[i].name, static_cast<std::uint16_t>(i));
  }
}

void SourceIp::Pick(const Key& key, const LoadView& loads, Candidates& out) const {
  Candidates others(out.limit());
  others_.Pick(key, loads, others);
  out = others;
  const auto backend = table_->Lookup(key.source, key.now);
  if (!backend) return;
  const auto found = by_name_.find(*backend);
  if (found == by_name_.end() || !loads.Usable(found->second)) return;
  out.Clear();
  out.Add(found->second);
  for (const std::size_t index : others) out.Add(index);
  out.set_why("remembered");
}

}  // namespace sstplb::balance
