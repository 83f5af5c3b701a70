// SPDX-License-Identifier: Apache-2.0
// Redacted: no ordinary way of writing a value shows a secret, and none leads to it by accident.
#include <holdfast/redacted.h>

#include <sstream>
#include <type_traits>

namespace holdfast {
namespace {

constexpr std::string_view kSecret = "correct horse battery staple";

template <class T>
std::string Streamed(const T& value) {
  std::ostringstream out;
  out << value;
  return out.str();
}

static_assert(sizeof(Redacted<std::string>) == sizeof(std::string));
static_assert(sizeof(Redacted<std::string_view>) == sizeof(std::string_view));
static_assert(std::is_trivially_copyable_v<Redacted<std::string_view>>);
static_assert(!std::is_convertible_v<Redacted<std::string>, std::string>);
static_assert(!std::is_convertible_v<Redacted<std::string>, std::string_view>);
static_assert(!std::is_constructible_v<std::string, Redacted<std::string>>);
static_assert(!std::is_constructible_v<std::string_view, Redacted<std::string>>);
static_assert(!std::is_convertible_v<Redacted<int>, int>);
static_assert(!std::is_convertible_v<Redacted<bool>, bool>);
static_assert(!std::is_convertible_v<std::string, Redacted<std::string>>, "wrapping is said aloud");

struct Login {
  std::string user;
  Redacted<std::string> password;
};

TEST(Redacted, IsWrittenAsRedactedEverywhere) {
  const std::string token(kSecret);
  EXPECT_EQ(Streamed(Redacted(token)), "[redacted]");
  EXPECT_EQ(Streamed(Redacted(4711)), "[redacted]");
  EXPECT_EQ(Streamed(Redacted("literal")), "[redacted]");
  EXPECT_EQ(absl::StrCat("token=", Redacted(token), ";"), "token=[redacted];");
  EXPECT_EQ(testing::PrintToString(Redacted(token)), "[redacted]");
}

// Abseil's sinks take its own view where it was built for C++14, which a std::string_view is not.
TEST(Redacted, IsStringifiedAsRedacted) {
  struct View {
    View(const char* text) : text(text) {}
    std::string text;
  };
  struct Sink {
    std::string text;
    void Append(const View& piece) { text += piece.text; }
  } sink;
  AbslStringify(sink, Redacted(kSecret));
  EXPECT_EQ(sink.text, "[redacted]");
}

TEST(Redacted, IsAMemberLikeAnyOther) {
  Login login{.user = "ada", .password = Redacted<std::string>(std::string(kSecret))};
  const Login copy = login;
  login.password = Redacted<std::string>("another");
  EXPECT_EQ(copy.password.Reveal(), kSecret);
  EXPECT_EQ(login.password.Reveal(), "another");
  EXPECT_EQ(Login{}.password.Reveal(), "");
}

TEST(Redacted, OfAVariableRefersToItAndCopiesNothing) {
  const std::string token(kSecret);
  const auto wrapped = Redacted(token);
  EXPECT_EQ(wrapped.Reveal().data(), token.data());
  auto owned = Redacted(std::string(kSecret));
  static_assert(std::is_same_v<decltype(owned), Redacted<std::string>>);
  const char* const bytes = owned.Reveal().data();
  const std::string taken = std::move(owned).Reveal();
  EXPECT_EQ(taken.data(), bytes) << "moved out, not copied";
}

TEST(Redacted, HashesToEightDigitsThatCompareUnderOneKey) {
  const LogHashKey key = FreshLogHashKey();
  const std::string token(kSecret);
  const std::string digits = Redacted(token).Hashed(key);
  EXPECT_THAT(digits, testing::MatchesRegex("[0-9a-f]{8}"));
  EXPECT_EQ(Redacted(kSecret).Hashed(key), digits);
  EXPECT_NE(Redacted("Correct horse battery staple").Hashed(key), digits);
  EXPECT_NE(Redacted(token).Hashed(FreshLogHashKey()), digits);
  EXPECT_THAT(Redacted(std::string(1 << 20, 'x')).Hashed(key), testing::SizeIs(8));
  EXPECT_THAT(Redacted(std::string()).Hashed(key), testing::SizeIs(8));
}

// Computed with Python's hashlib: sha256(01 | 3 "log" | 16 key | 0 | 32 sha256(secret)), each length in
// four bytes, big-endian. Lines of processes of different versions must stay comparable.
TEST(Redacted, HashesTheSameForEver) {
  LogHashKey key;
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<std::uint8_t>(i);
  EXPECT_EQ(Redacted(kSecret).Hashed(key), "786b7fcc");
}

TEST(Redacted, HashesToNothingUnderAKeyThatNobodyFilled) {
  EXPECT_EQ(Redacted(kSecret).Hashed(LogHashKey{}), "[redacted]");
}

}  // namespace
}  // namespace holdfast
