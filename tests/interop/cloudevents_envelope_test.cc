// SPDX-License-Identifier: Apache-2.0
//
// The envelope codec beside protoc's code for the same schema, on random events in both directions, and on events broken
// at random:
//
//   what protoc's code writes is read alike, and the reverse
//   writing what was read is a fixed point
//   broken bytes that we take are taken by protoc's code too, and mean the same
//
// The reverse of the last does not hold, on purpose: refused here, and taken there, are a field or an attribute twice, a
// known field as another type or with a long tag, an entry without a name or without a value, values with more than one
// field, names and values against the rules of CloudEvents, a missing required field, more than a limit.
//
// HF_EVENTS: how many (default 100000); HF_SEED: of all that is random.
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/stubs/logging.h>
#include <google/protobuf/unknown_field_set.h>
#include <gtest/gtest.h>
#include <holdfast/envelope_view.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "io/cloudevents/v1/cloudevents.pb.h"

namespace holdfast {
namespace {

namespace peer = io::cloudevents::v1;
using PeerValue = peer::CloudEvent::CloudEventAttributeValue;

std::uint64_t FromEnvironment(const char* name, std::uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

class Source {
 public:
  explicit Source(std::uint64_t seed) : random_(seed) {}

  std::uint64_t Below(std::uint64_t bound) { return random_() % bound; }
  bool OneIn(std::uint64_t times) { return Below(times) == 0; }
  std::uint64_t Bits() { return random_() >> Below(64); }  // of all sizes alike

  // Mostly short, sometimes longer than one byte of length tells.
  std::size_t Size() { return OneIn(16) ? Below(600) : Below(40); }

  std::string Bytes() {
    std::string bytes(Size(), '\0');
    for (char& byte : bytes) byte = static_cast<char>(random_());
    return bytes;
  }
  // What a String may hold.
  std::string Text() {
    constexpr std::string_view kWide[] = {"\xC2\xA0",     "\xC3\xA9",         "\xDF\xBF",
                                          "\xE2\x82\xAC", "\xED\x9F\xBF",     "\xEE\x80\x80",
                                          "\xEF\xBF\xBD", "\xF0\x9F\x98\x80", "\xF4\x8F\xBF\xBD"};
    const bool wide = OneIn(3);
    std::string text;
    for (std::size_t i = Size(); i > 0; --i) {
      if (wide && OneIn(4)) {
        text += kWide[Below(std::size(kWide))];
      } else {
        text += static_cast<char>(' ' + Below(95));
      }
    }
    return text;
  }
  std::string RequiredText() { return Text() + static_cast<char>('a' + Below(26)); }
  std::string Name() {
    std::string name;
    for (std::size_t i = 1 + Below(OneIn(8) ? 60 : 20); i > 0; --i) {
      name += "abcdefghijklmnopqrstuvwxyz0123456789"[Below(36)];
    }
    return name;
  }
  std::string Reference() {
    constexpr std::string_view kParts[] = {"a", "orders", "/", "/x-y/", "%20", "?q=1", ".", "(1)"};
    std::string path = OneIn(2) ? "/" : "";
    for (std::size_t i = 1 + Below(6); i > 0; --i) path += kParts[Below(std::size(kParts))];
    return path;
  }
  std::string Uri() {
    constexpr std::string_view kSchemes[] = {"urn:", "https://acme.example/", "x+1:/",
                                             "ftp://u@[::1]:21/"};
    return std::string(kSchemes[Below(std::size(kSchemes))]) + "p" + (OneIn(3) ? "%C3%A9" : "");
  }

 private:
  std::mt19937_64 random_;
};

google::protobuf::UnknownFieldSet& UnknownFieldsOf(google::protobuf::Message& message) {
  return *message.GetReflection()->MutableUnknownFields(&message);
}

void SetKnown(Source& from, peer::CloudEvent& event) {
  auto& all = *event.mutable_attributes();
  if (from.OneIn(2)) all["subject"].set_ce_string(from.RequiredText());
  if (from.OneIn(2)) all["datacontenttype"].set_ce_string("application/x; a=" + from.Name());
  if (from.OneIn(2)) all["dataschema"].set_ce_uri(from.Uri());
  if (from.OneIn(3)) all["dataref"].set_ce_uri_ref(from.Reference());
  if (from.OneIn(3)) all["deprecated"].set_ce_boolean(from.OneIn(2));
  if (from.OneIn(3)) all["contractversion"].set_ce_string("1.4");
  if (from.OneIn(3)) all["attempt"].set_ce_integer(static_cast<std::int32_t>(from.Below(9)) + 1);
  if (from.OneIn(2)) {
    auto& time = *all["time"].mutable_ce_timestamp();
    time.set_seconds(static_cast<std::int64_t>(from.Below(315'537'897'600)) - 62'135'596'800);
    time.set_nanos(static_cast<std::int32_t>(from.OneIn(2) ? 0 : from.Below(1'000'000'000)));
  }
}

void SetOther(Source& from, PeerValue& value) {
  value.Clear();  // the name may have come before
  switch (from.Below(8)) {
    case 0:
      return value.set_ce_boolean(from.OneIn(2));
    case 1:
      return value.set_ce_integer(static_cast<std::int32_t>(from.Bits()));
    case 2:
      return value.set_ce_bytes(from.Bytes());
    case 3:
      return value.set_ce_uri(from.Uri());
    case 4:
      return value.set_ce_uri_ref(from.OneIn(9) ? "" : from.Reference());
    case 5:
      value.mutable_ce_timestamp()->set_seconds(static_cast<std::int64_t>(from.Below(9)) - 4);
      return;
    case 6:
      if (from.OneIn(4)) {  // of a kind that there is not yet
        UnknownFieldsOf(value).AddLengthDelimited(8, "new");
        return;
      }
      [[fallthrough]];
    default:
      return value.set_ce_string(from.Text());
  }
}

peer::CloudEvent RandomEvent(Source& from) {
  peer::CloudEvent event;
  event.set_id(from.RequiredText());
  event.set_source(from.Reference());
  event.set_spec_version("1.0");
  event.set_type(from.RequiredText());
  SetKnown(from, event);
  for (std::uint64_t i = from.Below(from.OneIn(20) ? 50 : 5); i > 0; --i) {
    const std::string name = from.Name();
    // Words that mean something, "id" and "data" for two, are no more than five of a million of these.
    if (hf_attribute_kind_of(name.data(), name.size()) != 0 || name == "data") continue;
    SetOther(from, (*event.mutable_attributes())[name]);
  }
  switch (from.Below(4)) {
    case 0:
      event.set_binary_data(from.Bytes());
      break;
    case 1:
      event.set_text_data(from.Text() + "\n\t");
      break;
    case 2:
      event.mutable_proto_data()->set_type_url("type.googleapis.com/acme." + from.Name());
      event.mutable_proto_data()->set_value(from.Bytes());
      break;
    default:
      break;
  }
  if (from.OneIn(8)) {
    UnknownFieldsOf(event).AddVarint(31, from.Bits());
    UnknownFieldsOf(event).AddGroup(32)->AddFixed32(1, 7);
  }
  return event;
}

// The same bytes for the same event, whatever the order of its map.
std::string Canonical(const peer::CloudEvent& event) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream out(&stream);
    out.SetSerializationDeterministic(true);
    event.SerializeToCodedStream(&out);
  }
  return bytes;
}

bool SameValue(const Attribute& ours, const PeerValue& theirs) {
  switch (theirs.attr_case()) {
    case PeerValue::kCeBoolean:
      return ours.kind == HF_ATTRIBUTE_BOOLEAN && ours.number == theirs.ce_boolean();
    case PeerValue::kCeInteger:
      return ours.kind == HF_ATTRIBUTE_INTEGER && ours.number == theirs.ce_integer();
    case PeerValue::kCeString:
      return ours.kind == HF_ATTRIBUTE_STRING && View(ours.text) == theirs.ce_string();
    case PeerValue::kCeBytes:
      return ours.kind == HF_ATTRIBUTE_BYTES && View(ours.text) == theirs.ce_bytes();
    case PeerValue::kCeUri:
      return ours.kind == HF_ATTRIBUTE_URI && View(ours.text) == theirs.ce_uri();
    case PeerValue::kCeUriRef:
      return ours.kind == HF_ATTRIBUTE_URI_REF && View(ours.text) == theirs.ce_uri_ref();
    case PeerValue::kCeTimestamp:
      return ours.kind == HF_ATTRIBUTE_TIMESTAMP &&
             ours.number == theirs.ce_timestamp().seconds() &&
             ours.nanos == theirs.ce_timestamp().nanos();
    default: {
      PeerValue again;
      return ours.kind == HF_ATTRIBUTE_OPAQUE &&
             again.ParseFromString(std::string(View(ours.text))) &&
             again.SerializeAsString() == theirs.SerializeAsString();
    }
  }
}

bool SameData(const EnvelopeView& ours, const peer::CloudEvent& theirs) {
  switch (theirs.data_case()) {
    case peer::CloudEvent::kBinaryData:
      return ours.data_kind() == DataKind::kBinary && ours.data() == theirs.binary_data();
    case peer::CloudEvent::kTextData:
      return ours.data_kind() == DataKind::kText && ours.data() == theirs.text_data();
    case peer::CloudEvent::kProtoData:
      return ours.data_kind() == DataKind::kProto &&
             ours.data_type() == theirs.proto_data().type_url() &&
             ours.data() == theirs.proto_data().value();
    default:
      return ours.data_kind() == DataKind::kNone && ours.data().empty();
  }
}

// The unknown fields as protoc's code would write them: it shortens varints.
std::string UnknownOf(const EnvelopeView& ours) {
  peer::CloudEvent event;
  std::string bytes;
  for (std::uint32_t i = 0; i < ours.raw().unknown_count; ++i) bytes += View(ours.raw().unknown[i]);
  EXPECT_TRUE(event.ParseFromString(bytes));
  return event.SerializeAsString();
}
std::string UnknownOf(const peer::CloudEvent& theirs) {
  std::string bytes;
  EXPECT_TRUE(theirs.GetReflection()->GetUnknownFields(theirs).SerializeToString(&bytes));
  return bytes;
}

bool Same(const EnvelopeView& ours, const peer::CloudEvent& theirs) {
  if (ours.id() != theirs.id() || ours.source() != theirs.source() ||
      ours.type() != theirs.type() || theirs.spec_version() != "1.0" ||
      ours.attributes().size() != theirs.attributes().size()) {
    return false;
  }
  for (const Attribute& attribute : ours.attributes()) {
    const auto found = theirs.attributes().find(std::string(View(attribute.name)));
    if (found == theirs.attributes().end() || !SameValue(attribute, found->second)) return false;
  }
  return SameData(ours, theirs) && UnknownOf(ours) == UnknownOf(theirs);
}

std::string Written(const EnvelopeView& event) {
  std::string bytes;
  EXPECT_TRUE(event.Encode(&bytes).ok());
  return bytes;
}

std::string Broken(Source& from, std::string bytes) {
  if (bytes.empty()) return bytes;
  const auto at = static_cast<std::size_t>(from.Below(bytes.size()));
  switch (from.Below(6)) {
    case 0:
      bytes[at] = static_cast<char>(from.Bits());
      break;
    case 1:
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << from.Below(8)));
      break;
    case 2:
      bytes.erase(at, 1 + from.Below(3));
      break;
    case 3:
      bytes.insert(at, 1, static_cast<char>(from.Bits()));
      break;
    case 4:
      bytes += bytes.substr(at, from.Below(40));
      break;
    default:
      bytes.resize(at);
  }
  return bytes;
}

struct Count {
  std::uint64_t events = 0, broken = 0, taken = 0, refused_here = 0, refused_by_both = 0;
};

void RequireAgreement(const std::string& bytes, Count& count) {
  EnvelopeView ours;
  peer::CloudEvent theirs;
  ++count.broken;
  const bool taken = ours.Decode(bytes).ok();
  const bool taken_there = theirs.ParseFromString(bytes);
  if (!taken) {
    ++(taken_there ? count.refused_here : count.refused_by_both);
    return;
  }
  ++count.taken;
  ASSERT_TRUE(taken_there) << testing::PrintToString(bytes);
  ASSERT_TRUE(Same(ours, theirs)) << testing::PrintToString(bytes);
}

TEST(CloudEventsEnvelope, AgreesWithProtocsCodeInBothDirections) {
  const google::protobuf::LogSilencer quiet;  // it says of each broken one what it thinks of it
  const std::uint64_t events = FromEnvironment("HF_EVENTS", 100'000);
  Source from(FromEnvironment("HF_SEED", 20260817));
  Count count;
  for (; count.events < events; ++count.events) {
    const peer::CloudEvent theirs = RandomEvent(from);
    const std::string bytes = theirs.SerializeAsString();
    EnvelopeView ours;
    ASSERT_EQ(ours.Decode(bytes), absl::OkStatus()) << theirs.ShortDebugString();
    ASSERT_TRUE(Same(ours, theirs)) << theirs.ShortDebugString();

    const std::string written = Written(ours);
    peer::CloudEvent read;
    ASSERT_TRUE(read.ParseFromString(written)) << theirs.ShortDebugString();
    ASSERT_EQ(Canonical(read), Canonical(theirs)) << theirs.ShortDebugString();

    EnvelopeView again;
    ASSERT_EQ(again.Decode(written), absl::OkStatus());
    ASSERT_EQ(Written(again), written) << theirs.ShortDebugString();

    RequireAgreement(Broken(from, bytes), count);
    RequireAgreement(Broken(from, Broken(from, written)), count);
    if (HasFatalFailure()) return;
  }
  std::printf(
      "%llu events alike in both directions; of %llu broken ones %llu taken, all alike, "
      "%llu refused here alone, %llu by both\n",
      static_cast<unsigned long long>(count.events), static_cast<unsigned long long>(count.broken),
      static_cast<unsigned long long>(count.taken),
      static_cast<unsigned long long>(count.refused_here),
      static_cast<unsigned long long>(count.refused_by_both));
  EXPECT_GT(count.taken, count.broken / 20);
  EXPECT_GT(count.refused_by_both, count.broken / 20);
}

}  // namespace
}  // namespace holdfast
