// SPDX-License-Identifier: Apache-2.0
// The label codec: what is written is read, what is too long is cut as the table says, and garbage is no label.
#include <gtest/gtest.h>
#include <holdfast/process_owner.h>
#include <holdfast/record_label.h>

#include <string>

#include "model/dice.h"

namespace holdfast {
namespace {

RecordLabel Reread(const RecordLabelParts& parts) {
  const std::string bytes = EncodeRecordLabel(parts);
  EXPECT_LE(bytes.size(), HF_RECORD_LABEL_MAX);
  return DecodeRecordLabel(bytes).value();
}

TEST(RecordLabel, WhatIsWrittenIsRead) {
  const std::string key("\0{\xFF", 3);
  const RecordLabel label = Reread({.tenant = "acme",
                                    .operation = "charge",
                                    .owner = "host-7:4711",
                                    .space = "prod",
                                    .key_form = KeyForm::kPlain,
                                    .key = key});
  EXPECT_EQ(label, (RecordLabel{.tenant = "acme",
                                .operation = "charge",
                                .owner = "host-7:4711",
                                .space = "prod",
                                .key_form = KeyForm::kPlain,
                                .key = key}));
  EXPECT_EQ(Reread({}), RecordLabel{});
}

TEST(RecordLabel, OnlyAFormThatTellsTheKeyCarriesIt) {
  for (const KeyForm form : {KeyForm::kHash, KeyForm::kNone}) {
    const std::string bytes = EncodeRecordLabel({.key_form = form, .key = "4111-1111-1111-1111"});
    EXPECT_EQ(bytes.find("4111"), std::string::npos);
    EXPECT_EQ(DecodeRecordLabel(bytes)->key_form, form);
    EXPECT_EQ(DecodeRecordLabel(bytes)->key, "");
  }
  EXPECT_EQ(Reread({.key_form = KeyForm::kSealed, .key = "sealed"}).key, "sealed");
}

TEST(RecordLabel, TheLargestOfEverythingFits) {
  const std::string part(256, 'p');
  const std::string key(1024, 'k');
  const RecordLabel label = Reread({.tenant = part,
                                    .operation = part,
                                    .owner = part,
                                    .space = part,
                                    .key_form = KeyForm::kPlain,
                                    .key = key});
  EXPECT_EQ(label.tenant, part);
  EXPECT_EQ(label.operation, part);
  EXPECT_EQ(label.owner, part.substr(0, 128));
  EXPECT_EQ(label.space, part.substr(0, 128));
  EXPECT_EQ(label.key, key);
}

TEST(RecordLabel, AKeyThatDoesNotFitIsLeftOutWhole) {
  const std::string key(1152, 'k');
  const RecordLabel label = Reread({.key_form = KeyForm::kSealed, .key = key});
  EXPECT_EQ(label.key, "");
  EXPECT_EQ(label.key_form, KeyForm::kHash);
  EXPECT_EQ(Reread({.key_form = KeyForm::kSealed, .key = key.substr(1)}).key, key.substr(1));
}

TEST(RecordLabel, TextIsCutBetweenCharacters) {
  const std::string before(127, 'x');
  EXPECT_EQ(Reread({.owner = before + "\u20AC"}).owner, before);
  EXPECT_EQ(Reread({.owner = before.substr(2) + "\u20AC..."}).owner, before.substr(2) + "\u20AC");
  EXPECT_EQ(Reread({.owner = std::string(200, '\x80')}).owner, std::string(128, '\x80'));
}

TEST(RecordLabel, GarbageIsNoLabel) {
  EXPECT_FALSE(DecodeRecordLabel(""));
  EXPECT_FALSE(DecodeRecordLabel("\x02"));
  const std::string whole = EncodeRecordLabel({.tenant = "acme", .operation = "charge"});
  for (size_t size = 1; size < whole.size(); ++size) {
    const auto label = DecodeRecordLabel(whole.substr(0, size));
    const bool between_parts = size == 1 || size == 1 + 3 + 4;
    EXPECT_EQ(label.has_value(), between_parts) << size;
  }
}

TEST(RecordLabel, UnknownPartsAreSkipped) {
  std::string bytes = EncodeRecordLabel({.tenant = "acme"});
  bytes += std::string("\x7F\0\x02zz", 5);
  bytes += EncodeRecordLabel({.operation = "charge"}).substr(1);
  bytes += std::string("\x05\0\x02\x09k", 5);  // a key of no form that we know
  EXPECT_EQ(DecodeRecordLabel(bytes), (RecordLabel{.tenant = "acme", .operation = "charge"}));
}

TEST(RecordLabel, NoBytesHurt) {
  model::Dice dice(20260817);
  for (int round = 0; round < 20000; ++round) {
    std::string bytes = EncodeRecordLabel(
        {.tenant = "acme", .owner = "host:1", .key_form = KeyForm::kPlain, .key = "k"});
    for (uint64_t hits = dice.Below(4); hits > 0; --hits) {
      bytes[dice.Below(bytes.size())] = static_cast<char>(dice.Below(256));
    }
    bytes.resize(dice.Below(bytes.size() + 1));
    const auto label = DecodeRecordLabel(bytes);
    if (!label) continue;
    EXPECT_LE(label->tenant.size() + label->key.size(), bytes.size());
  }
}

TEST(ProcessOwner, IsHostAndProcessUnlessSaidOtherwise) {
  const std::string own = ProcessOwner();
  EXPECT_EQ(own.substr(own.rfind(':') + 1), std::to_string(getpid()));
  SetProcessOwner("billing-worker-3");
  EXPECT_EQ(ProcessOwner(), "billing-worker-3");
  SetProcessOwner("");
  EXPECT_EQ(ProcessOwner(), own);
}

}  // namespace
}  // namespace holdfast
