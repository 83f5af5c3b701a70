// SPDX-License-Identifier: Apache-2.0
#include <absl/strings/escaping.h>
#include <holdfast/contract/schema.h>

#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace holdfast::inline v0_5::contract {
namespace {

namespace pb = google::protobuf;

// Names in a set may be any bytes, and of any length: the middle of a long text is left out.
std::string Shown(const std::string& text) {
  constexpr std::size_t kPart = 200;
  if (text.size() <= 2 * kPart) return absl::Utf8SafeCEscape(text);
  return absl::Utf8SafeCEscape(text.substr(0, kPart)) + " ... " +
         absl::Utf8SafeCEscape(text.substr(text.size() - kPart));
}

absl::Status Malformed(const std::string& text) {
  return MakeStatus(HF_INVALID_ARGUMENT, HF_R_MALFORMED, Shown(text));
}

absl::Status TooMany(const std::string& text) {
  return MakeStatus(HF_RESOURCE_EXHAUSTED, HF_R_OUT_OF_RANGE, Shown(text));
}

// protobuf compares each reserved or extension range of a message or enum with each other and with each field.
template <class Declared>
bool HasTooManyRanges(const Declared& declared) {
  return declared.reserved_range_size() > Schema::kMaxRanges;
}

// The first message or enum that does, "" if none.
std::string TooManyRanges(const pb::DescriptorProto& message) {
  if (HasTooManyRanges(message) || message.extension_range_size() > Schema::kMaxRanges)
    return message.name();
  for (const auto& numbers : message.enum_type()) {
    if (HasTooManyRanges(numbers)) return numbers.name();
  }
  for (const auto& nested : message.nested_type()) {
    if (std::string found = TooManyRanges(nested); !found.empty()) return found;
  }
  return "";
}

std::string TooManyRanges(const pb::FileDescriptorProto& file) {
  for (const auto& numbers : file.enum_type()) {
    if (HasTooManyRanges(numbers)) return numbers.name();
  }
  for (const auto& message : file.message_type()) {
    if (std::string found = TooManyRanges(message); !found.empty()) return found;
  }
  return "";
}

// The first thing protobuf objects to; the others mostly follow from it.
class FirstError final : public pb::DescriptorPool::ErrorCollector {
 public:
  void AddError(const std::string& file, const std::string& element, const pb::Message*,
                ErrorLocation, const std::string& message) override {
    if (text_.empty()) text_ = file + ": " + element + ": " + message;
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace

struct Schema::Impl {
  pb::DescriptorPool pool;
  std::vector<const pb::FileDescriptor*> files;
};

namespace {

// Builds the files of a set into a pool, each after what it imports, in whatever order the set has them.
class Builder {
 public:
  Builder(const pb::FileDescriptorSet& set, pb::DescriptorPool* pool) : set_(set), pool_(pool) {}

  absl::Status Build() {
    if (set_.file_size() > Schema::kMaxFiles) {
      return TooMany("the set has " + std::to_string(set_.file_size()) + " files, more than " +
                     std::to_string(Schema::kMaxFiles));
    }
    for (const pb::FileDescriptorProto& file : set_.file()) {
      if (file.name().empty()) return Malformed("a file of the set has no name");
      const auto [known, fresh] = by_name_.emplace(file.name(), &file);
      if (!fresh && known->second->SerializeAsString() != file.SerializeAsString()) {
        return Malformed(file.name() + ": is in the set twice, with different contents");
      }
    }
    for (const pb::FileDescriptorProto& file : set_.file()) {
      if (absl::Status built = Add(file); !built.ok()) return built;
    }
    return absl::OkStatus();
  }

 private:
  // A file that is on the way already is refused, so that the path is no longer than the set; how long it may get is
  // bounded because protobuf follows public imports by recursion.
  absl::Status Add(const pb::FileDescriptorProto& root) {
    std::vector<std::pair<const pb::FileDescriptorProto*, int>> path{{&root, 0}};
    while (!path.empty()) {
      auto& [file, next] = path.back();
      State& state = states_[file->name()];
      if (state == State::kBuilt) {
        path.pop_back();
      } else if (next == file->dependency_size()) {
        if (absl::Status built = BuildFile(*file); !built.ok()) return built;
        state = State::kBuilt;
        path.pop_back();
      } else {
        state = State::kOnTheWay;
        const std::string& name = file->dependency(next++);
        const auto import = by_name_.find(name);
        if (import == by_name_.end()) {
          return Malformed(file->name() + ": imports " + name +
                           ", which is not in the set (protoc --include_imports)");
        }
        if (states_[name] == State::kOnTheWay) {
          return Malformed(file->name() + ": imports " + name + ", which imports it in turn");
        }
        if (path.size() == Schema::kMaxImportDepth) {
          return TooMany(file->name() + ": imports nested deeper than " +
                         std::to_string(Schema::kMaxImportDepth));
        }
        path.emplace_back(import->second, 0);
      }
    }
    return absl::OkStatus();
  }

  absl::Status BuildFile(const pb::FileDescriptorProto& file) {
    if (const std::string declared = TooManyRanges(file); !declared.empty()) {
      return TooMany(file.name() + ": " + declared + " has more than " +
                     std::to_string(Schema::kMaxRanges) + " reserved or extension ranges");
    }
    FirstError error;
    if (pool_->BuildFileCollectingErrors(file, &error) != nullptr) return absl::OkStatus();
    return Malformed(error.text().empty() ? file.name() + ": is no valid file" : error.text());
  }

  enum class State { kNew, kOnTheWay, kBuilt };
  const pb::FileDescriptorSet& set_;
  pb::DescriptorPool* const pool_;
  std::unordered_map<std::string, const pb::FileDescriptorProto*> by_name_;
  std::unordered_map<std::string, State> states_;
};

// What the files of the set import of google.protobuf: it belongs to protobuf, not to them.
std::unordered_set<std::string> ImportedGoogle(const pb::FileDescriptorSet& set) {
  std::unordered_set<std::string> names;
  for (const pb::FileDescriptorProto& file : set.file()) {
    for (const std::string& name : file.dependency()) {
      if (name.starts_with("google/protobuf/")) names.insert(name);
    }
  }
  return names;
}

}  // namespace

std::string Text(const Place& place) {
  if (place.line == 0) return place.file;
  return place.file + ":" + std::to_string(place.line) + ":" + std::to_string(place.column);
}

absl::StatusOr<Schema> Schema::Parse(std::string_view set_bytes) {
  if (set_bytes.size() > kMaxBytes) {
    return MakeStatus(HF_RESOURCE_EXHAUSTED, HF_R_OUT_OF_RANGE,
                      "the descriptor set has " + std::to_string(set_bytes.size()) +
                          " bytes, more than " + std::to_string(kMaxBytes));
  }
  pb::FileDescriptorSet set;
  if (!set.ParseFromArray(set_bytes.data(), static_cast<int>(set_bytes.size()))) {
    return Malformed("these bytes are no FileDescriptorSet");
  }
  return Create(set);
}

absl::StatusOr<Schema> Schema::Create(const pb::FileDescriptorSet& set) {
  auto impl = std::make_shared<Impl>();
  if (absl::Status built = Builder(set, &impl->pool).Build(); !built.ok()) return built;
  std::unordered_set<std::string> left_out = ImportedGoogle(set);
  for (const pb::FileDescriptorProto& file : set.file()) {
    if (!left_out.insert(file.name()).second) continue;
    impl->files.push_back(impl->pool.FindFileByName(file.name()));
  }
  Schema schema;
  schema.impl_ = std::move(impl);
  return schema;
}

const std::vector<const pb::FileDescriptor*>& Schema::files() const { return impl_->files; }
const pb::DescriptorPool& Schema::pool() const { return impl_->pool; }
const pb::Descriptor* Schema::FindMessage(std::string_view full_name) const {
  return impl_->pool.FindMessageTypeByName(std::string(full_name));
}

}  // namespace holdfast::inline v0_5::contract
