// SPDX-License-Identifier: Apache-2.0
#include <holdfast/contract/schema.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

namespace holdfast::inline v0_5::contract {
namespace {

namespace pb = google::protobuf;

absl::Status Malformed(const std::string& text) {
  return MakeStatus(HF_INVALID_ARGUMENT, HF_R_MALFORMED, text);
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
    for (const pb::FileDescriptorProto& file : set_.file()) {
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
  // An import chain is as long as the set has files at most, since a file on the way is refused;
  // and the stack is the heap's: a set may hold a chain of many thousands.
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
        path.emplace_back(import->second, 0);
      }
    }
    return absl::OkStatus();
  }

  absl::Status BuildFile(const pb::FileDescriptorProto& file) {
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

bool IsImportedGoogle(const pb::FileDescriptorSet& set, const std::string& name) {
  if (!name.starts_with("google/protobuf/")) return false;
  return std::any_of(set.file().begin(), set.file().end(), [&](const auto& file) {
    return std::count(file.dependency().begin(), file.dependency().end(), name) > 0;
  });
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
  for (const pb::FileDescriptorProto& file : set.file()) {
    const pb::FileDescriptor* const built = impl->pool.FindFileByName(file.name());
    const auto known = std::find(impl->files.begin(), impl->files.end(), built);
    if (known == impl->files.end() && !IsImportedGoogle(set, file.name())) {
      impl->files.push_back(built);
    }
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
