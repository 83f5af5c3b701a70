// SPDX-License-Identifier: Apache-2.0
// buf's rules about all files together: files and packages that go, and what goes from a package that stays.
#include <set>

#include "adapters/contract/buf_rule.h"
#include "adapters/contract/buf_walk.h"

namespace holdfast::inline v0_5::contract::buf {
namespace {

using FileSetPair = Pair<FileSet>;
using Packages = std::set<std::string_view>;

void FileNoDelete(const FileSetPair& pair, Findings* findings) {
  for (const pb::FileDescriptor* const file : pair.older.files) {
    if (pair.newer.pool.FindFileByName(file->name()) != nullptr) continue;
    findings->Add(file->name(), PlaceOf(*file), "the file is gone");
  }
}

Packages PackagesOf(const FileSet& set) {
  Packages packages;
  for (const pb::FileDescriptor* const file : set.files) packages.insert(file->package());
  return packages;
}

void PackageNoDelete(const FileSetPair& pair, Findings* findings) {
  Packages gone_or_kept = PackagesOf(pair.newer);
  for (const pb::FileDescriptor* const file : pair.older.files) {
    if (!gone_or_kept.insert(file->package()).second) continue;
    findings->Add(file->package(), PlaceOf(*file), "the package is gone");
  }
}

// What is declared in a package, in whichever of its files. buf looks only at packages that still declare something
// of the kind: the last message of a package may go.
template <class Declared, class ForEach, class Find>
void CheckKept(const FileSetPair& pair, std::string_view kind, const ForEach& for_each,
               const Find& find, Findings* findings) {
  Packages packages;
  for (const pb::FileDescriptor* const file : pair.newer.files) {
    for_each(*file, [&](const Declared&) { packages.insert(file->package()); });
  }
  for (const pb::FileDescriptor* const file : pair.older.files) {
    if (packages.count(file->package()) == 0) continue;
    for_each(*file, [&](const Declared& declared) {
      const Declared* const same = find(declared.full_name());
      if (same != nullptr && same->file()->package() == file->package()) return;
      findings->Add(declared.full_name(), WhereIs(declared),
                    "the " + std::string(kind) + " is no longer in its package");
    });
  }
}

void PackageMessageNoDelete(const FileSetPair& pair, Findings* findings) {
  CheckKept<pb::Descriptor>(
      pair, "message",
      [](const pb::FileDescriptor& file, const auto& visit) { ForEachMessage(file, visit); },
      [&](const std::string& name) { return pair.newer.pool.FindMessageTypeByName(name); },
      findings);
}

void PackageEnumNoDelete(const FileSetPair& pair, Findings* findings) {
  CheckKept<pb::EnumDescriptor>(
      pair, "enum",
      [](const pb::FileDescriptor& file, const auto& visit) { ForEachEnum(file, visit); },
      [&](const std::string& name) { return pair.newer.pool.FindEnumTypeByName(name); }, findings);
}

void PackageExtensionNoDelete(const FileSetPair& pair, Findings* findings) {
  CheckKept<pb::FieldDescriptor>(
      pair, "extension",
      [](const pb::FileDescriptor& file, const auto& visit) { ForEachExtension(file, visit); },
      [&](const std::string& name) { return pair.newer.pool.FindExtensionByName(name); }, findings);
}

void PackageServiceNoDelete(const FileSetPair& pair, Findings* findings) {
  const Packages packages = PackagesOf(pair.newer);  // of services, the last one counts
  for (const pb::FileDescriptor* const file : pair.older.files) {
    if (packages.count(file->package()) == 0) continue;
    ForEachService(*file, [&](const pb::ServiceDescriptor& service) {
      if (pair.newer.pool.FindServiceByName(service.full_name()) != nullptr) return;
      findings->Add(service.full_name(), PlaceOf(service),
                    "the service is no longer in its package");
    });
  }
}

constexpr Rule<FileSet> kRules[] = {
    {"FILE_NO_DELETE", kFile, FileNoDelete},
    {"PACKAGE_NO_DELETE", kPackage, PackageNoDelete},
    {"PACKAGE_MESSAGE_NO_DELETE", kPackage, PackageMessageNoDelete},
    {"PACKAGE_ENUM_NO_DELETE", kPackage, PackageEnumNoDelete},
    {"PACKAGE_EXTENSION_NO_DELETE", kPackage, PackageExtensionNoDelete},
    {"PACKAGE_SERVICE_NO_DELETE", kPackage, PackageServiceNoDelete},
};

}  // namespace

Rules<FileSet> FileSetRules() { return kRules; }

}  // namespace holdfast::inline v0_5::contract::buf
