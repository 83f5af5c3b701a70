// SPDX-License-Identifier: Apache-2.0
#include "codec/tracestate.h"

#include <algorithm>
#include <cstring>

#include "codec/ascii.h"

namespace holdfast::codec {
namespace {

constexpr std::size_t kPartMax = 256;
constexpr std::size_t kLongMember = 128;

constexpr ByteClass kKeyByte = MakeByteClass([](char byte) {
  return IsLower(byte) || IsDigit(byte) || byte == '_' || byte == '-' || byte == '*' ||
         byte == '/' || byte == '@';
});
constexpr ByteClass kValueByte = MakeByteClass(
    [](char byte) { return byte >= 0x20 && byte <= 0x7e && byte != ',' && byte != '='; });

// 0 if the member is malformed. It has no white space around it.
std::size_t KeySize(std::string_view member) {
  const std::size_t key = SpanOf(kKeyByte, member);
  if (key == 0 || key > kPartMax || !(IsLower(member[0]) || IsDigit(member[0]))) return 0;
  if (key == member.size() || member[key] != '=') return 0;
  const std::string_view value = member.substr(key + 1);
  if (value.empty() || value.size() > kPartMax) return 0;
  return SpanOf(kValueByte, value) == value.size() ? key : 0;
}

std::string_view TakeMember(std::string_view& list) {
  const void* const comma = list.empty() ? nullptr : std::memchr(list.data(), ',', list.size());
  const std::size_t size =
      comma == nullptr ? list.size()
                       : static_cast<std::size_t>(static_cast<const char*>(comma) - list.data());
  const std::string_view member = list.substr(0, size);
  list.remove_prefix(std::min(list.size(), size + 1));
  return member;
}

}  // namespace

bool TracestateList::Add(std::string_view header) {
  while (!header.empty() && !malformed_ && !overflowed_) {
    const std::string_view member = TrimOws(TakeMember(header));
    if (member.empty() || AddMember(member)) continue;
    malformed_ = !overflowed_;
    size_ = kept_ = 0;
  }
  return !malformed_ && !overflowed_;
}

bool TracestateList::AddMember(std::string_view member) {
  const std::size_t key_size = KeySize(member);
  if (key_size == 0 || ++seen_ > kTracestateMembers) return false;
  const std::string_view key = member.substr(0, key_size);
  if (allowed_ != nullptr && !allowed_->Contains(key)) {
    ++untrusted_;
    return true;
  }
  if (IsThere(key)) {
    ++repeated_;
    return true;
  }
  if (size_ + (size_ != 0) + member.size() > capacity_) {
    overflowed_ = true;
    return false;
  }
  if (size_ != 0) out_[size_++] = ',';
  key_at_[kept_] = static_cast<std::uint16_t>(size_);
  key_size_[kept_] = static_cast<std::uint16_t>(key_size);
  ++kept_;
  std::memcpy(out_ + size_, member.data(), member.size());
  size_ += member.size();
  return true;
}

bool TracestateList::IsThere(std::string_view key) const {
  for (std::size_t i = 0; i < kept_; ++i) {
    if (key_size_[i] == key.size() && std::memcmp(out_ + key_at_[i], key.data(), key.size()) == 0) {
      return true;
    }
  }
  return false;
}

FittedTracestate FitTracestate(std::string_view list, std::size_t limit, const KeyList* allowed,
                               char* out) {
  std::string_view members[kTracestateMembers];
  std::size_t count = 0, size = 0;
  FittedTracestate fit;
  while (!list.empty() && count < kTracestateMembers) {
    const std::string_view member = TakeMember(list);
    if (allowed != nullptr && !allowed->Contains(member.substr(0, member.find('=')))) {
      ++fit.untrusted;
      continue;
    }
    members[count++] = member;
    size += member.size() + 1;
  }
  const auto leave_out = [&](std::size_t longer_than) {
    for (std::size_t i = count; i-- > 0 && size > limit + 1;) {
      if (members[i].size() <= longer_than) continue;
      size -= members[i].size() + 1;
      members[i] = {};
      ++fit.over;
    }
  };
  leave_out(kLongMember);
  leave_out(0);
  for (std::size_t i = 0; i < count; ++i) {
    if (members[i].empty()) continue;
    if (fit.size != 0) out[fit.size++] = ',';
    std::memcpy(out + fit.size, members[i].data(), members[i].size());
    fit.size += members[i].size();
  }
  return fit;
}

}  // namespace holdfast::codec
