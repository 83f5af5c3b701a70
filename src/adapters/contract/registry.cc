// SPDX-License-Identifier: Apache-2.0
// See contract/registry.h.
#include <google/protobuf/dynamic_message.h>
#include <holdfast/contract/registry.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <utility>

namespace holdfast::inline v0_5::contract {

namespace {

namespace pb = google::protobuf;

// The bytes of the set of this name, good until the next one is asked for. Errors: it is not there.
using Source = std::function<absl::StatusOr<std::string_view>(const std::string& name)>;

std::string Subject(const Contract& contract, const ContractVersion& version) {
  return "contract " + contract.name + " " + Text(version.number) + ": ";
}

// Each set is read once, however many versions name it.
class Schemas {
 public:
  explicit Schemas(const Source& source) : source_(source) {}

  absl::StatusOr<Schema> Get(const std::string& name) {
    const auto known = schemas_.find(name);
    if (known != schemas_.end()) return known->second;
    const absl::StatusOr<std::string_view> bytes = source_(name);
    absl::StatusOr<Schema> schema =
        bytes.ok() ? Schema::Parse(*bytes) : absl::StatusOr<Schema>(bytes.status());
    return schemas_.emplace(name, std::move(schema)).first->second;
  }

 private:
  const Source& source_;
  std::map<std::string, absl::StatusOr<Schema>> schemas_;
};

std::string Broken(const Break& broken, const Policy& policy) {
  std::string text = "breaks " + std::string(Name(policy.level)) + " against " + broken.against +
                     (broken.json ? " in JSON: " : ": ") + Text(broken.change.place) + ": " +
                     broken.change.element + ": " + std::string(Name(broken.change.kind));
  if (!broken.change.before.empty() || !broken.change.after.empty()) {
    text += " (" + (broken.change.before.empty() ? "nothing" : broken.change.before) + " -> " +
            (broken.change.after.empty() ? "nothing" : broken.change.after) + ")";
  }
  return broken.change.why.empty() ? text : text + ": " + broken.change.why;
}

// Whether the versions of each major number keep their promise among each other.
void CheckPromises(std::span<const RegisteredVersion> versions, std::vector<Problem>* problems) {
  std::vector<Version> history;
  std::uint32_t major = 0;
  for (const RegisteredVersion& version : versions) {
    if (version.number().major != major) history.clear();
    major = version.number().major;
    const Policy& policy = version.contract->policy;
    for (const Break& broken : Check(history, version.schema, policy)) {
      problems->push_back({version.declared->place,
                           Subject(*version.contract, *version.declared) + Broken(broken, policy)});
    }
    history.push_back({Text(version.number()), version.schema});
  }
}

absl::StatusOr<std::string> ReadFile(const std::string& path, std::size_t limit) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    return MakeStatus(HF_UNAVAILABLE, HF_R_CONTRACT_MANIFEST,
                      path + ": is no file that can be read");
  }
  std::ifstream file(path, std::ios::binary);
  std::string bytes;
  // One byte more than is allowed tells that there are too many, whatever the file system says of its size.
  bytes.resize(std::min<std::uintmax_t>(std::filesystem::file_size(path, error), limit) + 1);
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!file.is_open() || file.bad()) {
    return MakeStatus(HF_UNAVAILABLE, HF_R_CONTRACT_MANIFEST, path + ": cannot be read");
  }
  if (static_cast<std::size_t>(file.gcount()) > limit) {
    return MakeStatus(HF_INVALID_ARGUMENT, HF_R_CONTRACT_MANIFEST,
                      path + ": has more than " + std::to_string(limit) + " bytes");
  }
  bytes.resize(static_cast<std::size_t>(file.gcount()));
  return bytes;
}

}  // namespace

struct ContractRegistry::Impl {
  std::vector<Contract> contracts;
  std::vector<RegisteredVersion> versions;
  std::vector<std::pair<std::string_view, std::span<const RegisteredVersion>>> by_name;  // rising
  std::vector<Problem> warnings;
  pb::DynamicMessageFactory factory;  // of the prototypes: gone before the schemas are

  static absl::StatusOr<ContractRegistry> Build(std::string_view manifest, const std::string& name,
                                                const Source& source, const Options& options,
                                                std::vector<Problem>* problems);

 private:
  void Register(Schemas& schemas, std::vector<Problem>* problems);
  void Index();
};

void ContractRegistry::Impl::Register(Schemas& schemas, std::vector<Problem>* problems) {
  for (const Contract& contract : contracts) {
    for (const ContractVersion& declared : contract.versions) {
      const auto fail = [&](const std::string& text) {
        problems->push_back({declared.place, Subject(contract, declared) + text});
      };
      const absl::StatusOr<Schema> schema = schemas.Get(declared.descriptor_set);
      if (!schema.ok()) {
        fail(declared.descriptor_set + ": " + std::string(schema.status().message()));
        continue;
      }
      const pb::Descriptor* const message = schema->FindMessage(declared.message);
      if (message == nullptr) {
        fail(declared.descriptor_set + ": has no message " + declared.message);
        continue;
      }
      versions.push_back({.contract = &contract,
                          .declared = &declared,
                          .schema = *schema,
                          .prototype = factory.GetPrototype(message),
                          .index = versions.size(),
                          .current = &declared == &contract.current()});
    }
  }
}

void ContractRegistry::Impl::Index() {
  for (auto first = versions.begin(); first != versions.end();) {
    const auto last = std::find_if(first, versions.end(), [&](const RegisteredVersion& version) {
      return version.contract != first->contract;
    });
    by_name.emplace_back(first->contract->name, std::span(first, last));
    first = last;
  }
  std::sort(by_name.begin(), by_name.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
}

absl::StatusOr<ContractRegistry> ContractRegistry::Impl::Build(std::string_view manifest,
                                                               const std::string& name,
                                                               const Source& source,
                                                               const Options& options,
                                                               std::vector<Problem>* problems) {
  std::vector<Problem> own;
  std::vector<Problem>& found = problems != nullptr ? *problems : own;
  found.clear();
  const auto impl = std::make_shared<Impl>();
  impl->contracts = Manifest::Read(manifest, {.file = name, .now = options.now}, &found).contracts;
  if (!found.empty()) return StatusOf(found);
  Schemas schemas(source);
  impl->Register(schemas, &found);
  if (!found.empty()) return StatusOf(found);
  impl->Index();
  for (const auto& [contract, versions] : impl->by_name) CheckPromises(versions, &found);
  if (options.only_warn) {
    impl->warnings = found;
  } else if (!found.empty()) {
    return StatusOf(found, HF_R_CONTRACT_BROKEN);
  }
  return ContractRegistry(impl);
}

ContractRegistry::ContractRegistry() : impl_(std::make_shared<const Impl>()) {}
ContractRegistry::ContractRegistry(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

absl::StatusOr<ContractRegistry> ContractRegistry::Create(const ContractParts& parts,
                                                          const Options& options,
                                                          std::vector<Problem>* problems) {
  const Source source = [&](const std::string& name) -> absl::StatusOr<std::string_view> {
    const auto found = std::find_if(parts.descriptor_sets.begin(), parts.descriptor_sets.end(),
                                    [&](const auto& set) { return set.name == name; });
    if (found == parts.descriptor_sets.end()) return absl::NotFoundError("is not among the parts");
    return found->bytes;
  };
  return Impl::Build(parts.manifest, std::string(parts.manifest_name), source, options, problems);
}

absl::StatusOr<ContractRegistry> ContractRegistry::Open(const std::string& folder,
                                                        const Options& options,
                                                        std::vector<Problem>* problems) {
  const std::filesystem::path root(folder);
  const std::string name = root / "contracts.textproto";
  const absl::StatusOr<std::string> manifest = ReadFile(name, Manifest::kMaxBytes);
  if (!manifest.ok()) return manifest.status();
  std::string bytes;  // of the set that was asked for last
  const Source source = [&](const std::string& set) -> absl::StatusOr<std::string_view> {
    absl::StatusOr<std::string> read = ReadFile(root / set, Schema::kMaxBytes);
    if (!read.ok()) return read.status();
    bytes = *std::move(read);
    return bytes;
  };
  return Impl::Build(*manifest, name, source, options, problems);
}

const std::vector<Contract>& ContractRegistry::contracts() const { return impl_->contracts; }
const std::vector<RegisteredVersion>& ContractRegistry::versions() const { return impl_->versions; }
const std::vector<Problem>& ContractRegistry::warnings() const { return impl_->warnings; }

std::span<const RegisteredVersion> ContractRegistry::Find(std::string_view name) const {
  const auto found =
      std::lower_bound(impl_->by_name.begin(), impl_->by_name.end(), name,
                       [](const auto& entry, std::string_view key) { return entry.first < key; });
  if (found == impl_->by_name.end() || found->first != name) return {};
  return found->second;
}

const RegisteredVersion* ContractRegistry::Find(std::string_view name, VersionNumber number) const {
  const std::span<const RegisteredVersion> versions = Find(name);
  const auto found = std::lower_bound(
      versions.begin(), versions.end(), number,
      [](const auto& version, VersionNumber key) { return version.number() < key; });
  return found == versions.end() || found->number() != number ? nullptr : &*found;
}

const RegisteredVersion* ContractRegistry::FindCurrent(std::string_view name) const {
  const std::span<const RegisteredVersion> versions = Find(name);
  return versions.empty() ? nullptr : &versions.back();
}

}  // namespace holdfast::inline v0_5::contract
