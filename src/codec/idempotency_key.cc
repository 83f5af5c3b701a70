// SPDX-License-Identifier: Apache-2.0
#include "codec/idempotency_key.h"

#include "codec/ascii.h"

namespace holdfast::codec {
namespace {

constexpr ByteClass kPrintable =
    MakeByteClass([](char byte) { return byte >= ' ' && byte <= '~'; });
constexpr ByteClass kBareByte = MakeByteClass([](char byte) {
  return byte > ' ' && byte <= '~' && byte != '"' && byte != ',' && byte != ';';
});

// What may follow the String: nothing, or parameters, which mean nothing here.
bool TailIsLegal(std::string_view tail) {
  return tail.empty() || (tail.front() == ';' && SpanOf(kPrintable, tail) == tail.size());
}

// `text` comes after the opening quote.
bool ReadQuoted(std::string_view text, TextSink& out) {
  while (!text.empty() && text.front() != '"') {
    if (text.front() == '\\') {
      text.remove_prefix(1);
      if (text.empty() || (text.front() != '"' && text.front() != '\\')) return false;
    }
    if (!Has(kPrintable, text.front())) return false;
    out.Put(text.front());
    text.remove_prefix(1);
  }
  return !text.empty() && out.need() > 0 && TailIsLegal(text.substr(1));
}

}  // namespace

bool ParseIdempotencyKey(std::string_view value, TextSink& out) {
  const std::string_view text = TrimOws(value);
  if (text.starts_with('"')) return ReadQuoted(text.substr(1), out);
  if (text.empty() || SpanOf(kBareByte, text) != text.size()) return false;
  out.Put(text);
  return true;
}

bool FormatIdempotencyKey(std::string_view key, TextSink& out) {
  if (key.empty() || SpanOf(kPrintable, key) != key.size()) return false;
  out.Put('"');
  for (const char byte : key) {
    if (byte == '"' || byte == '\\') out.Put('\\');
    out.Put(byte);
  }
  out.Put('"');
  return true;
}

}  // namespace holdfast::codec
