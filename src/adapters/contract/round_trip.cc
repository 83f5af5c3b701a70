// SPDX-License-Identifier: Apache-2.0
// See contract/round_trip.h.
#include <google/protobuf/arena.h>
#include <google/protobuf/util/message_differencer.h>
#include <holdfast/contract/deprecation.h>
#include <holdfast/contract/payload.h>
#include <holdfast/contract/round_trip.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::inline v0_5::contract {
namespace {

namespace pb = google::protobuf;

// The path of the first difference, and which it is. Values stay out of it: samples may be of real data.
class FirstDifference final : public pb::util::MessageDifferencer::Reporter {
 public:
  using Path = std::vector<pb::util::MessageDifferencer::SpecificField>;

  void ReportAdded(const pb::Message&, const pb::Message&, const Path& path) override {
    Keep(path, "was not there");
  }
  void ReportDeleted(const pb::Message&, const pb::Message&, const Path& path) override {
    Keep(path, "is gone");
  }
  void ReportModified(const pb::Message&, const pb::Message&, const Path& path) override {
    Keep(path, "is another");
  }
  const std::string& text() const { return text_; }

 private:
  void Keep(const Path& path, std::string_view what) {
    if (!text_.empty()) return;
    for (const auto& part : path) {
      if (!text_.empty()) text_ += '.';
      text_ += part.field != nullptr ? part.field->name()
                                     : "#" + std::to_string(part.unknown_field_number);
      if (part.index >= 0) text_ += "[" + std::to_string(part.index) + "]";
    }
    text_ += ": ";
    text_ += what;
  }

  std::string text_;
};

// What conversions take away.
bool IsCompared(const Attribute& attribute) {
  const std::string_view name = View(attribute.name);
  return name != "dataschema" &&
         std::find(std::begin(kDeprecationAttributes), std::end(kDeprecationAttributes), name) ==
             std::end(kDeprecationAttributes);
}

bool Same(const Attribute& a, const Attribute& b) {
  return a.kind == b.kind && a.number == b.number && a.nanos == b.nanos &&
         View(a.text) == View(b.text);
}

// What differs of all but the payload; empty if nothing does.
std::string AttributeDifference(const EnvelopeView& before, const EnvelopeView& after) {
  if (before.id() != after.id()) return "id: is another";
  if (before.source() != after.source()) return "source: is another";
  for (const Attribute& attribute : before.attributes()) {
    const std::string name(View(attribute.name));
    if (!IsCompared(attribute)) continue;
    const Attribute* const found = after.Find(name);
    if (found == nullptr) return name + ": is gone";
    if (!Same(attribute, *found)) return name + ": is another";
  }
  for (const Attribute& attribute : after.attributes()) {
    const std::string name(View(attribute.name));
    if (IsCompared(attribute) && before.Find(name) == nullptr) return name + ": was not there";
  }
  return before.data_kind() == after.data_kind() ? "" : "data: is of another kind";
}

absl::StatusOr<std::string> PayloadDifference(const RegisteredVersion& version,
                                              const EnvelopeView& before,
                                              const EnvelopeView& after) {
  pb::Arena arena;
  pb::Message* const was = version.prototype->New(&arena);
  pb::Message* const is = version.prototype->New(&arena);
  if (absl::Status read = ReadPayload(before, was); !read.ok()) return read;
  if (absl::Status read = ReadPayload(after, is); !read.ok()) return read;
  FirstDifference difference;
  pb::util::MessageDifferencer differencer;
  differencer.set_float_comparison(pb::util::MessageDifferencer::EXACT);
  pb::util::DefaultFieldComparator comparator;
  comparator.set_treat_nan_as_equal(true);
  differencer.set_field_comparator(&comparator);
  differencer.ReportDifferencesTo(&difference);
  differencer.Compare(*was, *is);
  return difference.text();
}

absl::Status Differs(const std::string& text) {
  return MakeStatus(HF_FAILED_PRECONDITION, HF_R_CONTRACT_CONVERSION, text);
}

absl::Status CheckSample(const Converter& converter, const EnvelopeView& sample, VersionNumber to) {
  const auto number = ParseVersionNumber(sample.Text("contractversion"));
  const auto* const version = number ? converter.contracts().Find(sample.type(), *number) : nullptr;
  if (version == nullptr) return Differs("is of no registered version");
  const auto up = converter.Upcast(sample, to);
  if (!up.ok()) return up.status();
  if (up->size() != 1) {
    return Differs("becomes " + std::to_string(up->size()) + " events in " + Text(to));
  }
  const auto down = converter.Downcast(up->front().view(), *number);
  if (!down.ok()) return down.status();
  if (down->size() != 1) {
    return Differs("comes back as " + std::to_string(down->size()) + " events");
  }
  const EnvelopeView& after = down->front().view();
  if (const std::string text = AttributeDifference(sample, after); !text.empty()) {
    return Differs(text);
  }
  const auto text = PayloadDifference(*version, sample, after);
  if (!text.ok()) return text.status();
  return text->empty() ? absl::OkStatus() : Differs(*text);
}

}  // namespace

absl::Status CheckRoundTrip(const Converter& converter, std::span<const Envelope> samples,
                            VersionNumber to) {
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const EnvelopeView& sample = samples[i].view();
    const absl::Status same = CheckSample(converter, sample, to);
    if (same.ok()) continue;
    absl::Status told(same.code(), "sample " + std::to_string(i) + " (" +
                                       std::string(sample.type()) + " " +
                                       std::string(sample.Text("contractversion")) +
                                       "): " + std::string(same.message()));
    same.ForEachPayload(
        [&](absl::string_view url, const absl::Cord& value) { told.SetPayload(url, value); });
    return told;
  }
  return absl::OkStatus();
}

}  // namespace holdfast::inline v0_5::contract
