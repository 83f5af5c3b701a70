// SPDX-License-Identifier: Apache-2.0
// Store conformance: keys that mean something to somebody, bodies of every size, tokens whatever happens.
#ifndef HOLDFAST_TESTS_STORE_CONFORMANCE_HOSTILE_H_
#define HOLDFAST_TESTS_STORE_CONFORMANCE_HOSTILE_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "store/conformance_fixture.h"

namespace holdfast {

template <class Factory>
class StoreHostile : public StoreFixture<Factory> {};

TYPED_TEST_SUITE_P(StoreHostile);

TYPED_TEST_P(StoreHostile, EveryKeyIsItselfByteForByte) {
  const std::vector<std::string> keys = {std::string("\0", 1),
                                         std::string("\0\0", 2),
                                         std::string("a\0b", 3),
                                         std::string("a\0c", 3),
                                         "{}",
                                         "{a}b",
                                         "{a}c",
                                         "a:b",
                                         "*",
                                         "%s",
                                         "$1",
                                         "'; DROP TABLE hf_idem;--",
                                         "\xFF\xFE\x80",
                                         "\xFF\xFE\x81",
                                         "\xC3\x28",
                                         std::string(HF_IDEM_KEY_MAX, 'k'),
                                         std::string(HF_IDEM_KEY_MAX - 1, 'k'),
                                         " ",
                                         "  ",
                                         "\n",
                                         "\r\n",
                                         "A",
                                         "a",
                                         "\xC3\xA4",
                                         "a\xCC\x88"};
  for (size_t i = 0; i < keys.size(); ++i) {
    const std::string body = "of " + std::to_string(i);
    const uint64_t token = this->Win(keys[i], i + 1);
    ASSERT_EQ(this->StatusOf(testing::Complete(keys[i], token, body)), HF_STORE_OK) << i;
  }
  this->ReopenIfDurable();
  for (size_t i = 0; i < keys.size(); ++i) {
    const StoreReply replay = this->Ask(testing::Claim(keys[i], 100));
    ASSERT_EQ(replay.raw.status, HF_STORE_REPLAY) << i;
    EXPECT_EQ(*replay.body, "of " + std::to_string(i));
  }
}

TYPED_TEST_P(StoreHostile, EmptyAndOversizeKeysNeverReachAStore) {
  const hf_str none{nullptr, 0};
  for (const std::string& key :
       {std::string(), std::string(HF_IDEM_KEY_MAX + 1, 'k'), std::string(1 << 20, 'k')}) {
    const hf_str bytes{key.data(), key.size()};
    std::vector<uint8_t> id(32, 7);
    EXPECT_EQ(hf_idem_key_id(&none, &none, &none, &bytes, id.data()), HF_INVALID_ARGUMENT);
    EXPECT_EQ(id, std::vector<uint8_t>(32, 0));
  }
}

TYPED_TEST_P(StoreHostile, BodiesOfEverySizeComeBackAsTheyWere) {
  for (const size_t size : {size_t{0}, size_t{1}, size_t{65535}, size_t{65536}, size_t{65537},
                            size_t{HF_IDEM_BODY_MAX}}) {
    std::string body(size, '\0');
    for (size_t i = 0; i < size; ++i) body[i] = static_cast<char>(i * 31 + i / 251);
    const std::string key = "k" + std::to_string(size);
    ASSERT_EQ(this->StatusOf(testing::Complete(key, this->Win(key, 1), body)), HF_STORE_OK) << size;
    this->ReopenIfDurable();
    const StoreReply replay = this->Ask(testing::Claim(key, 2));
    ASSERT_EQ(replay.raw.status, HF_STORE_REPLAY) << size;
    ASSERT_NE(replay.body, nullptr);
    EXPECT_TRUE(*replay.body == body) << size;
    EXPECT_EQ(replay.raw.body.size, size);
  }
  const std::string larger(HF_IDEM_BODY_MAX + 1, 'x');
  EXPECT_EQ(this->StatusOf(testing::Complete("larger", this->Win("larger", 1), larger)),
            HF_STORE_UNAVAILABLE);
  EXPECT_EQ(this->StatusOf(testing::Read("larger")), HF_STORE_BUSY);
}

TYPED_TEST_P(StoreHostile, TokensRiseWhateverEndsAGeneration) {
  uint64_t highest = 0;
  const std::vector<std::function<void(uint64_t)>> ends = {
      [&](uint64_t token) { ASSERT_EQ(this->StatusOf(testing::Abandon("k", token)), HF_STORE_OK); },
      [&](uint64_t token) {
        ASSERT_EQ(this->StatusOf(testing::Fail("k", token, HF_EFFECT_RETRYABLE)), HF_STORE_OK);
      },
      [&](uint64_t) {
        ASSERT_EQ(this->StatusOf(testing::Release("k", HF_EFFECT_NOT_STARTED)), HF_STORE_OK);
      },
      [&](uint64_t) {
        ASSERT_EQ(this->StatusOf(testing::Release("k", HF_EFFECT_RETRYABLE)), HF_STORE_OK);
      },
      [&](uint64_t token) {
        ASSERT_EQ(this->StatusOf(testing::Fail("k", token, HF_EFFECT_AMBIGUOUS)), HF_STORE_OK);
        ASSERT_EQ(this->StatusOf(testing::Resolve("k", HF_EFFECT_NOT_STARTED)), HF_STORE_OK);
      },
      [&](uint64_t token) {
        ASSERT_EQ(this->StatusOf(this->Brief(testing::Complete("k", token, "x"))), HF_STORE_OK);
        this->LetLifePass("k");
        this->clock_.Advance(HF_S);
      },
      [&](uint64_t token) {
        ASSERT_EQ(this->StatusOf(this->Brief(testing::Complete("k", token, "x"))), HF_STORE_OK);
        this->LetLifePass("k");
        this->clock_.Advance(HF_S);
        for (int i = 0; i < 5; ++i) this->Ask(testing::Read("nobody"));  // stores purge on the way
        if (auto* operable = dynamic_cast<OperableStore*>(this->store_.get())) {
          ASSERT_TRUE(operable->Purge(1000, Duration{0}).ok());
        }
      },
  };
  for (int round = 0; round < 2; ++round) {
    for (size_t i = 0; i < ends.size(); ++i) {
      const uint64_t token = this->Win("k", static_cast<uint64_t>(round) * 100 + i + 1);
      ASSERT_GT(token, highest) << i;
      highest = token;
      ends[i](token);
      if (i % 2 == 0) this->ReopenIfDurable();
      this->clock_.Advance(-1);  // a clock that a test moves does not help
    }
  }
}

REGISTER_TYPED_TEST_SUITE_P(StoreHostile, EveryKeyIsItselfByteForByte,
                            EmptyAndOversizeKeysNeverReachAStore,
                            BodiesOfEverySizeComeBackAsTheyWere, TokensRiseWhateverEndsAGeneration);

}  // namespace holdfast

#endif  // HOLDFAST_TESTS_STORE_CONFORMANCE_HOSTILE_H_
