// SPDX-License-Identifier: Apache-2.0
// What an operator does with `holdfast idem`, against a real store: the same walk for each kind of URL.
#ifndef HOLDFAST_TESTS_STORE_COMMAND_WALK_H_
#define HOLDFAST_TESTS_STORE_COMMAND_WALK_H_

#include <gtest/gtest.h>
#include <holdfast/operable_store.h>
#include <holdfast/record_label.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "store/requests.h"

namespace holdfast::testing {

struct Said {
  int exit_code = -1;
  std::string text;  // standard output and error
};

inline Said Holdfast(const std::vector<std::string>& words) {
  std::string line = std::string(std::getenv("HF_BINARY_DIR")) + "/bin/holdfast";
  for (const std::string& word : words) line += " '" + word + "'";
  Said said;
  FILE* const pipe = popen((line + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return said;
  char buffer[4096];
  for (size_t got = 0; (got = fread(buffer, 1, sizeof(buffer), pipe)) > 0;) {
    said.text.append(buffer, got);
  }
  const int status = pclose(pipe);
  said.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return said;
}

class CommandWalk {
 public:
  using OpenFn = std::function<std::unique_ptr<Store>()>;
  CommandWalk(std::string url, OpenFn open) : url_(std::move(url)), open_(std::move(open)) {}

  void Run() {
    Seed();
    Looks();
    RefusesWhatMakesNoSense();
    Resolves();
    ReleasesAndFences();
    DumpsAndVerifies();
  }

 private:
  Said Idem(std::string verb, std::vector<std::string> more = {}) {
    std::vector<std::string> words = {"idem", std::move(verb), url_};
    words.insert(words.end(), more.begin(), more.end());
    return Holdfast(words);
  }

  uint64_t Win(Store& store, std::string_view key, uint64_t who, std::string_view tenant) {
    const std::string label =
        EncodeRecordLabel({.tenant = tenant, .operation = "charge", .owner = "worker-7:\x1b[31m"});
    StoreRequest claim = Claim(key, who);
    claim.lease = 3600 * HF_S;
    claim.label = {label.data(), label.size()};
    const StoreReply reply = store.Execute(claim, Duration{0});
    EXPECT_EQ(reply.raw.status, HF_STORE_WON) << reply.detail;
    return reply.raw.token;
  }

  void Expect(Store& store, const StoreRequest& request, hf_store_status wanted) {
    const StoreReply reply = store.Execute(request, Duration{0});
    EXPECT_EQ(reply.raw.status, wanted) << reply.detail;
  }

  void Seed() {
    const std::unique_ptr<Store> store = open_();
    ASSERT_NE(store, nullptr);
    Expect(*store, Fail("doubt", Win(*store, "doubt", 1, "acme"), HF_EFFECT_AMBIGUOUS),
           HF_STORE_OK);
    Expect(*store, Complete("done", Win(*store, "done", 2, "acme"), "the result"), HF_STORE_OK);
    Expect(*store, Fail("again", Win(*store, "again", 3, "umbrella"), HF_EFFECT_RETRYABLE),
           HF_STORE_OK);
    held_ = Win(*store, "held", 4, "umbrella");
  }

  void Looks() {
    const Said all = Idem("list");
    EXPECT_EQ(all.exit_code, 0) << all.text;
    for (const char* word :
         {"in_doubt", "completed", "retryable", "in_progress", "acme", "charge"}) {
      EXPECT_NE(all.text.find(word), std::string::npos) << word << " in\n" << all.text;
    }
    EXPECT_EQ(all.text.find('\x1b'), std::string::npos)
        << "a label must not reach the terminal raw";
    const Said doubts = Idem("list", {"--state", "in_doubt", "--json"});
    EXPECT_EQ(std::count(doubts.text.begin(), doubts.text.end(), '\n'), 1) << doubts.text;
    const Said tenant = Idem("list", {"--tenant", "umbrella", "--json"});
    EXPECT_EQ(std::count(tenant.text.begin(), tenant.text.end(), '\n'), 2) << tenant.text;

    const Said show = Idem("show", {"--key", "doubt"});
    EXPECT_EQ(show.exit_code, 0) << show.text;
    EXPECT_NE(show.text.find("in_doubt"), std::string::npos) << show.text;
    const std::string prefix = show.text.substr(show.text.find("id") + 14, 8);
    EXPECT_EQ(Idem("show", {"--id", prefix}).text, show.text);

    const Said explain = Idem("explain", {"--key", "doubt"});
    EXPECT_NE(explain.text.find("resolve"), std::string::npos) << explain.text;
  }

  void RefusesWhatMakesNoSense() {
    EXPECT_EQ(Idem("show", {"--key", "nobody"}).exit_code, 1);
    EXPECT_EQ(Idem("show").exit_code, 2);
    EXPECT_EQ(Idem("show", {"--id", "xyz"}).exit_code, 2);
    EXPECT_EQ(Idem("resolve", {"--key", "doubt", "--retry"}).exit_code, 2) << "no reason given";
    EXPECT_EQ(Idem("resolve", {"--key", "doubt", "--reason", "r"}).exit_code, 2) << "no fate given";
    const Said done = Idem("release", {"--key", "done", "--retry", "--reason", "r"});
    EXPECT_EQ(done.exit_code, 1) << "a result must not be lost by the way";
    const Said living = Idem("resolve", {"--key", "held", "--retry", "--reason", "r"});
    EXPECT_EQ(living.exit_code, 1);
    EXPECT_NE(living.text.find("release"), std::string::npos) << living.text;
  }

  void Resolves() {
    const Said resolved = Idem(
        "resolve", {"--key", "doubt", "--retry", "--reason", "provider says no", "--actor", "ada"});
    EXPECT_EQ(resolved.exit_code, 0) << resolved.text;
    const Said show = Idem("show", {"--key", "doubt"});
    EXPECT_NE(show.text.find("retryable"), std::string::npos) << show.text;
    EXPECT_NE(show.text.find("provider says no"), std::string::npos) << show.text;
    EXPECT_NE(show.text.find("ada"), std::string::npos) << show.text;
  }

  void ReleasesAndFences() {
    const Said released = Idem("release", {"--key", "held", "--retry", "--reason", "host is gone"});
    EXPECT_EQ(released.exit_code, 0) << released.text;
    const std::unique_ptr<Store> store = open_();
    ASSERT_NE(store, nullptr);
    Expect(*store, Complete("held", held_, "too late"), HF_STORE_FENCED);
    EXPECT_GT(store->Execute(Claim("held", 9), Duration{0}).raw.token, held_);
  }

  void DumpsAndVerifies() {
    const Said dump = Idem("export", {"--bodies"});
    EXPECT_EQ(std::count(dump.text.begin(), dump.text.end(), '\n'), 4) << dump.text;
    EXPECT_NE(dump.text.find("dGhlIHJlc3VsdA=="), std::string::npos) << "the result, in base64";
    const Said verify = Idem("verify");
    EXPECT_EQ(verify.exit_code, 0) << verify.text;
    EXPECT_NE(verify.text.find("4 records"), std::string::npos) << verify.text;
    EXPECT_EQ(Idem("purge").exit_code, 0);
    EXPECT_EQ(Idem("migrate").exit_code, 0);
  }

  const std::string url_;
  const OpenFn open_;
  uint64_t held_ = 0;
};

}  // namespace holdfast::testing

#endif  // HOLDFAST_TESTS_STORE_COMMAND_WALK_H_
