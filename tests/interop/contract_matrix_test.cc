// SPDX-License-Identifier: Apache-2.0
//
// The ground truth: what protobuf does to values that one declaration of a field writes and another
// reads, for all pairs of types, cardinalities and syntaxes, beside what Compare says of the same
// change. No disagreement.
#include <gtest/gtest.h>
#include <holdfast/contract/compare.h>

#include <cstdio>
#include <deque>
#include <string>
#include <vector>

#include "contract/ground_truth.h"

namespace holdfast {
namespace {

using contract::Change;
using contract::Effect;
using contract::Outcome;
using namespace contract_test;  // NOLINT: the words of this test

// protobuf says on stderr what it refuses; there is a lot of it here.
const auto quiet = google::protobuf::SetLogHandler(nullptr);

constexpr const char* kLabelNames[] = {"", "optional ", "repeated ", "packed repeated "};

std::deque<OneField> Declarations(const std::vector<Label>& labels, bool proto3) {
  std::deque<OneField> fields;
  for (const Label label : labels) {
    for (const std::string_view kind : kKinds) {
      if (label == Label::kPacked && !IsNumber(kind)) continue;
      fields.emplace_back(kind, label, proto3);
    }
  }
  return fields;
}

std::string Describe(const OneField& field) {
  return kLabelNames[static_cast<int>(field.label())] + field.kind() +
         (field.schema().files()[0]->syntax() == google::protobuf::FileDescriptor::SYNTAX_PROTO3
              ? " (proto3)"
              : " (proto2)");
}

struct Said {
  Effect binary;
  Effect json;
};

// The worst of what Compare says of the field.
Said Ask(const OneField& older, const OneField& newer) {
  Said said;
  const auto worsen = [](Effect* all, const Effect& one) {
    all->new_reads_old = Worse(all->new_reads_old, one.new_reads_old);
    all->old_reads_new = Worse(all->old_reads_new, one.old_reads_new);
  };
  for (const Change& change : Compare(older.schema(), newer.schema())) {
    if (change.element != "T.f") continue;
    worsen(&said.binary, change.binary);
    worsen(&said.json, change.json);
  }
  return said;
}

void Agree(const OneField& older, const OneField& newer, int* compared) {
  const Said said = Ask(older, newer);
  const std::string change = Describe(older) + " -> " + Describe(newer);
  EXPECT_EQ(Name(said.binary.new_reads_old), Name(Worst(older, newer, BinaryTruth)))
      << change << ", new reads old";
  EXPECT_EQ(Name(said.binary.old_reads_new), Name(Worst(newer, older, BinaryTruth)))
      << change << ", old reads new";
  *compared += 2;
}

void AgreeOnAll(const std::deque<OneField>& olders, const std::deque<OneField>& newers) {
  int compared = 0;
  for (const OneField& older : olders) {
    for (const OneField& newer : newers) Agree(older, newer, &compared);
  }
  std::printf("%d declarations x %d, both ways: %d outcomes compared\n",
              static_cast<int>(olders.size()), static_cast<int>(newers.size()), compared);
}

const std::vector<Label> kProto2 = {Label::kSingular, Label::kUnpacked, Label::kPacked};
const std::vector<Label> kProto3 = {Label::kSingular, Label::kExplicit, Label::kUnpacked,
                                    Label::kPacked};

template <class Truth>
void Print(const char* title, Label label, bool proto3, const Truth& truth) {
  const std::deque<OneField> fields = Declarations({label}, proto3);
  std::printf("\n%s, proto%d; writer down, reader across\n\n| |", title, proto3 ? 3 : 2);
  for (const std::string_view kind : kKinds) std::printf(" %s |", std::string(kind).c_str());
  std::printf("\n|---|");
  for (std::size_t i = 0; i < std::size(kKinds); ++i) std::printf("---|");
  for (const OneField& writer : fields) {
    std::printf("\n| %s |", writer.kind().c_str());
    for (const OneField& reader : fields) std::printf(" %c |", Mark(Worst(writer, reader, truth)));
  }
  std::printf("\n");
}

TEST(ContractMatrix, EveryTypeReadAsEveryOtherDoesWhatCompareSays) {
  Print("binary", Label::kSingular, false, BinaryTruth);
  Print("binary", Label::kSingular, true, BinaryTruth);
  AgreeOnAll(Declarations({Label::kSingular}, false), Declarations({Label::kSingular}, false));
  AgreeOnAll(Declarations({Label::kSingular}, true), Declarations({Label::kSingular}, true));
}

TEST(ContractMatrix, CardinalitiesAndPackingDoWhatCompareSaysInProto2) {
  AgreeOnAll(Declarations(kProto2, false), Declarations(kProto2, false));
}

TEST(ContractMatrix, CardinalitiesAndPackingDoWhatCompareSaysInProto3) {
  AgreeOnAll(Declarations(kProto3, true), Declarations(kProto3, true));
}

TEST(ContractMatrix, FromOneSyntaxToTheOtherCompareIsRightAsWell) {
  AgreeOnAll(Declarations(kProto2, false), Declarations(kProto3, true));
}

TEST(ContractMatrix, JsonOfEveryTypeReadAsEveryOtherDoesWhatCompareSays) {
  Print("JSON", Label::kExplicit, true, JsonTruth);
  for (const bool proto3 : {false, true}) {
    const auto fields = Declarations({Label::kExplicit, Label::kUnpacked}, proto3);
    for (const OneField& older : fields) {
      for (const OneField& newer : fields) {
        // The JSON mapping has no single value where a list is expected. protobuf 3.21 for C++
        // takes it all the same; others do not, and Compare does not count on it.
        const bool lenient = !IsList(older.label()) && IsList(newer.label());
        const Outcome said = Ask(older, newer).json.new_reads_old;
        const Outcome truth = Worst(older, newer, JsonTruth);
        EXPECT_EQ(Name(said), Name(lenient ? Worse(truth, Outcome::kError) : truth))
            << Describe(older) << " -> " << Describe(newer);
        EXPECT_EQ(Name(Ask(newer, older).json.old_reads_new), Name(said));
      }
    }
  }
}

}  // namespace
}  // namespace holdfast
