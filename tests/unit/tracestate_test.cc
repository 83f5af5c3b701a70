// SPDX-License-Identifier: Apache-2.0
//
// The tracestate rows of the W3C suite (github.com/w3c/trace-context, test/test.py, at STRICT_LEVEL 2) and of
// the OpenTelemetry C++ tests (trace_state_test.cc), and what neither of them tests: leading spaces of values,
// left insertion, more than 512 characters.
#include "codec/tracestate.h"

#include <gtest/gtest.h>
#include <holdfast/tracestate.h>
#include <rapidcheck.h>

#include <string>
#include <string_view>
#include <vector>

namespace holdfast {
namespace {

using Values = std::vector<std::string>;

std::string Read(const Values& values) {
  const std::vector<std::string_view> views(values.begin(), values.end());
  const auto read = Tracestate::Parse(views);
  return read.ok() ? read->text() : "malformed";
}

Tracestate Make(std::string_view value) { return Tracestate::Parse(value).value(); }

std::string Bars(int first, int last) {
  std::string list;
  for (int i = first; i <= last; ++i) {
    list += (list.empty() ? "bar" : ",bar") + std::string(i < 10 ? "0" : "") + std::to_string(i) +
            "=" + std::to_string(i);
  }
  return list;
}

struct Row {
  Values values;
  std::string_view expected;
};

TEST(Tracestate, ReadsTheRowsOfTheSuite) {
  const Row rows[] = {
      {{"foo=1"}, "foo=1"},
      {{"foo=1,bar=2"}, "foo=1,bar=2"},
      {{""}, ""},
      {{"foo=1", ""}, "foo=1"},
      {{"", "foo=1"}, "foo=1"},
      {{"foo=1,bar=2", "rojo=1,congo=2", "baz=3"}, "foo=1,bar=2,rojo=1,congo=2,baz=3"},
      {{"foo=1 \t , \t bar=2, \t baz=3"}, "foo=1,bar=2,baz=3"},
      {{"foo=1\t \t,\t \tbar=2,\t \tbaz=3"}, "foo=1,bar=2,baz=3"},
      {{" foo=1"}, "foo=1"},
      {{"\tfoo=1"}, "foo=1"},
      {{"foo=1 "}, "foo=1"},
      {{"foo=1\t"}, "foo=1"},
      {{"\t foo=1 \t"}, "foo=1"},
  };
  for (const Row& row : rows) EXPECT_EQ(Read(row.values), row.expected) << row.values[0];
}

TEST(Tracestate, KeepsTheFirstMemberOfAKeyWhichIsTheNewest) {
  const Row rows[] = {
      {{"foo=1,foo=1"}, "foo=1"},
      {{"foo=1,foo=2"}, "foo=1"},
      {{"foo=1", "foo=1"}, "foo=1"},
      {{"foo=1", "foo=2"}, "foo=1"},
      {{"a=1,b=2,a=3,b=4,c=5"}, "a=1,b=2,c=5"},
  };
  for (const Row& row : rows) EXPECT_EQ(Read(row.values), row.expected);
}

TEST(Tracestate, RefusesTheWholeListForOneMalformedMember) {
  for (const char* value : {"foo =1", "FOO=1", "foo.bar=1", "@foo=1,bar=2", "foo=bar=baz",
                            "foo=,bar=3", "foo", "=1", "foo=1;bar=2,x", "foo=\x7f", "foo=a\tb",
                            "foo=1\r\n bar=2", "foo=\xc3\xa9", "foo= ", "foo=1,=,bar=2", "_a=1"}) {
    EXPECT_EQ(Read({value}), "malformed") << value;
    EXPECT_EQ(Read({"ok=1", value}), "malformed") << value;
    EXPECT_EQ(Read({value, "ok=1"}), "malformed") << value;
  }
  EXPECT_EQ(Read({std::string("foo=a\0b", 7)}), "malformed");
}

TEST(Tracestate, ReadsEveryLegalByte) {
  const std::string key_bytes = "abcdefghijklmnopqrstuvwxyz0123456789_-*/";
  std::string value;
  for (char byte = 0x20; byte <= 0x7e; ++byte) {
    if (byte != ',' && byte != '=') value += byte;
  }
  EXPECT_EQ(Read({key_bytes + "=1"}), key_bytes + "=1");
  EXPECT_EQ(Read({key_bytes + "@a-z0-9_-*/=1"}), key_bytes + "@a-z0-9_-*/=1");
  EXPECT_EQ(Make("foo=" + value).Get("foo"), value) << "its leading space is its own";
}

TEST(Tracestate, KeepsLeadingSpacesOfAValue) {
  EXPECT_EQ(Read({"foo=  1 ,bar= 2"}), "foo=  1,bar= 2");
}

// Since 2026-06 the suite expects "@" anywhere but in front, and one limit for the whole key.
TEST(Tracestate, TakesVendorKeysAsTheSuiteDoesNow) {
  for (const char* value : {"foo@=1,bar=2", "foo@@bar=1,bar=2", "foo@bar@baz=1,bar=2"}) {
    EXPECT_EQ(Read({value}), value);
  }
  const auto vendor = [](int tenant, int system) {
    return std::string(tenant, 't') + "@" + std::string(system, 'v') + "=1";
  };
  for (const std::string& value : {vendor(241, 14), vendor(242, 1), vendor(1, 15)}) {
    EXPECT_EQ(Read({value}), value);
  }
  EXPECT_EQ(Read({"foo=1", std::string(256, 'z') + "=1"}), "foo=1," + std::string(256, 'z') + "=1");
  EXPECT_EQ(Read({"foo=1", std::string(257, 'z') + "=1"}), "malformed");
  EXPECT_EQ(Read({"z=" + std::string(256, 'v')}), "z=" + std::string(256, 'v'));
  EXPECT_EQ(Read({"z=" + std::string(257, 'v')}), "malformed");
}

TEST(Tracestate, TakesThirtyTwoMembersAndNoMore) {
  EXPECT_EQ(Read({Bars(1, 10), Bars(11, 20), Bars(21, 30), Bars(31, 32)}), Bars(1, 32));
  EXPECT_EQ(Read({Bars(1, 10), Bars(11, 20), Bars(21, 30), Bars(31, 33)}), "malformed");
  EXPECT_EQ(Read({Bars(1, 32) + ", ,,"}), Bars(1, 32)) << "empty members do not count";
}

TEST(Tracestate, HoldsTheLargestLegalList) {
  std::string list;
  for (int i = 0; i < 32; ++i) {
    std::string key = std::to_string(i);
    key.resize(256, 'k');
    list += (list.empty() ? "" : ",") + key + "=" + std::string(256, 'v');
  }
  EXPECT_EQ(list.size(), HF_TRACESTATE_MAX);
  EXPECT_EQ(Read({list}), list);
}

TEST(Tracestate, ReadsTheRowsOfOpenTelemetry) {
  const Row rows[] = {
      {{"k1=v1"}, "k1=v1"},
      {{"k1=v1,k2=v2,,"}, "k1=v1,k2=v2"},
      {{",k1=v1"}, "k1=v1"},
      {{","}, ""},
      {{",=,"}, "malformed"},
      {{""}, ""},
      {{"K1=V1"}, "malformed"},
      {{"k1=v1,InvalidKey=v2"}, "malformed"},
      {{"k1=v1,k2=v2,invalidmember"}, "malformed"},
      {{"1a-2f@foo=bar1,*/foo-_/bar=bar4"}, "malformed"},
      {{"@foo=1"}, "malformed"},
      {{"1a-2f@foo=bar1,a*/foo-_/bar=bar4"}, "1a-2f@foo=bar1,a*/foo-_/bar=bar4"},
      {{"foo@@bar=1,baz=2"}, "foo@@bar=1,baz=2"},
      {{"foo@bar@baz=1"}, "foo@bar@baz=1"},
  };
  for (const Row& row : rows) EXPECT_EQ(Read(row.values), row.expected) << row.values[0];
}

TEST(Tracestate, GetsAndErasesByKey) {
  Tracestate state = Make("k1=v1,k2=v2,k3=v3");
  EXPECT_EQ(state.Get("k2"), "v2");
  EXPECT_EQ(state.Get("k"), std::nullopt);
  EXPECT_TRUE(state.Erase("k1"));
  EXPECT_FALSE(state.Erase("k1"));
  EXPECT_EQ(state.text(), "k2=v2,k3=v3");
  ASSERT_EQ(state.members().size(), 2u);
  EXPECT_EQ(state.members()[1].key, "k3");
  EXPECT_EQ(state.members()[1].value, "v3");
  EXPECT_TRUE(state.Erase("k2") && state.Erase("k3"));
  EXPECT_TRUE(state.empty());
}

TEST(Tracestate, WhatIsSetGoesToTheLeft) {
  Tracestate state = Make("k1=v1,k2=v2");
  EXPECT_TRUE(state.Set("k3", "v3").ok());
  EXPECT_EQ(state.text(), "k3=v3,k1=v1,k2=v2");
  EXPECT_TRUE(state.Set("k1", "x").ok());
  EXPECT_EQ(state.text(), "k1=x,k3=v3,k2=v2") << "moved, and there once";
}

TEST(Tracestate, TheThirtyThirdPushesTheRightMostOut) {
  Tracestate state = Make(Bars(1, 32));
  EXPECT_TRUE(state.Set("new", "1").ok());
  EXPECT_EQ(state.text(), "new=1," + Bars(1, 31));
  EXPECT_TRUE(state.Set("bar31", "x").ok());
  EXPECT_EQ(state.text(), "bar31=x,new=1," + Bars(1, 30)) << "a change pushes nobody out";
}

TEST(Tracestate, RefusesToSetWhatItCouldNotRead) {
  Tracestate state = Make("k=v");
  for (const auto& [key, value] :
       std::vector<std::pair<std::string, std::string>>{{"", "1"},
                                                        {"K", "1"},
                                                        {"a=b", "1"},
                                                        {"a,b", "1"},
                                                        {"a", ""},
                                                        {"a", "1,b=2"},
                                                        {"a", "x=y"},
                                                        {"a", "x "},
                                                        {" a", "1"},
                                                        {"a", "\n"},
                                                        {std::string(257, 'a'), "1"}}) {
    EXPECT_EQ(state.Set(key, value).code(), absl::StatusCode::kInvalidArgument) << key;
    EXPECT_EQ(state.text(), "k=v");
  }
}

std::string Fit(std::string_view list, std::size_t limit) {
  std::string out(limit, '\0');
  out.resize(codec::FitTracestate(list, limit, nullptr, out.data()).size);
  return out;
}

TEST(Tracestate, LongMembersAreCutFirstThenTheRightMost) {
  const std::string large = "l=" + std::string(200, 'x'), larger = "m=" + std::string(250, 'x');
  const std::string list = "a=1," + large + ",b=2," + larger + ",c=3";
  EXPECT_EQ(Fit(list, list.size()), list);
  EXPECT_EQ(Fit(list, list.size() - 1), "a=1," + large + ",b=2,c=3");
  EXPECT_EQ(Fit(list, 100), "a=1,b=2,c=3");
  EXPECT_EQ(Fit(list, 11), "a=1,b=2,c=3");
  EXPECT_EQ(Fit(list, 10), "a=1,b=2");
  EXPECT_EQ(Fit(list, 2), "");
  EXPECT_EQ(Fit(list, 0), "");
}

rc::Gen<std::string> Word(const std::string& bytes, int max) {
  return rc::gen::apply(
      [](char first, const std::string& rest, std::size_t size) {
        return first + rest.substr(0, std::min(rest.size(), size));
      },
      rc::gen::elementOf(std::string("abcz019")),
      rc::gen::container<std::string>(rc::gen::elementOf(bytes)),
      rc::gen::inRange<std::size_t>(0, static_cast<std::size_t>(max)));
}

TEST(Tracestate, ReadingWhatWasWrittenGivesTheSame) {
  EXPECT_TRUE(rc::check([] {
    Tracestate state;
    std::vector<std::pair<std::string, std::string>> model;
    for (int i = *rc::gen::inRange(0, 40); i > 0; --i) {
      const std::string key = *Word("abc019_-*/@", 255), value = *Word("az 09!#~;:\"", 255) + "x";
      RC_ASSERT(state.Set(key, value).ok() == (value.size() <= 256));
      if (value.size() > 256) continue;
      std::erase_if(model, [&](const auto& member) { return member.first == key; });
      model.insert(model.begin(), {key, value});
      if (model.size() > 32) model.pop_back();
    }
    const Tracestate back = Tracestate::Parse(state.text()).value();
    RC_ASSERT(back == state);
    const auto members = back.members();
    RC_ASSERT(members.size() == model.size());
    for (std::size_t i = 0; i < model.size(); ++i) {
      RC_ASSERT(members[i].key == model[i].first && members[i].value == model[i].second);
    }
  }));
}

TEST(Tracestate, WritingWhatWasReadIsAFixedPoint) {
  EXPECT_TRUE(rc::check([] {
    const auto header =
        *rc::gen::container<std::string>(rc::gen::elementOf(std::string("ab=,, \t1@*A")));
    const auto once = Tracestate::Parse(header);
    if (!once.ok()) return;
    RC_ASSERT(Tracestate::Parse(once->text()).value() == *once);
  }));
}

}  // namespace
}  // namespace holdfast
