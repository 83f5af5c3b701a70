// SPDX-License-Identifier: Apache-2.0
// buf's rules about two files of one path: what they declare, their package, syntax and options.
#include "adapters/contract/buf_rule.h"
#include "adapters/contract/buf_walk.h"

namespace holdfast::inline v0_5::contract::buf {
namespace {

using FilePair = Pair<pb::FileDescriptor>;

// Where a part of the file is written; the file, where it is not.
Place PlaceIn(const pb::FileDescriptor& file, const std::vector<int>& path) {
  Place place = PlaceOf(file);
  pb::SourceLocation location;
  if (file.GetSourceLocation(path, &location)) {
    place.line = location.start_line + 1;
    place.column = location.start_column + 1;
  }
  return place;
}

void Compare(const FilePair& pair, const std::vector<int>& path, std::string_view what,
             const std::string& before, const std::string& after, Findings* findings) {
  if (before == after) return;
  findings->Add(pair.newer.name(), PlaceIn(pair.newer, path),
                "the " + std::string(what) + " of the file: " + Became(before, after));
}

void SamePackage(const FilePair& pair, Findings* findings) {
  Compare(pair, {pb::FileDescriptorProto::kPackageFieldNumber}, "package",
          Quoted(pair.older.package()), Quoted(pair.newer.package()), findings);
}

void SameSyntax(const FilePair& pair, Findings* findings) {
  Compare(pair, {pb::FileDescriptorProto::kSyntaxFieldNumber}, "syntax",
          pb::FileDescriptor::SyntaxName(pair.older.syntax()),
          pb::FileDescriptor::SyntaxName(pair.newer.syntax()), findings);
}

// Its default where it is not set: to say the default is no change.
std::string ValueOf(const pb::FileOptions& options, const pb::FieldDescriptor& option) {
  const pb::Reflection& reflection = *options.GetReflection();
  switch (option.cpp_type()) {
    case pb::FieldDescriptor::CPPTYPE_BOOL:
      return reflection.GetBool(options, &option) ? "true" : "false";
    case pb::FieldDescriptor::CPPTYPE_ENUM:
      return reflection.GetEnum(options, &option)->name();
    default:
      return Quoted(reflection.GetString(options, &option));
  }
}

template <int kOption>
void SameOption(const FilePair& pair, Findings* findings) {
  const pb::FieldDescriptor& option = *pb::FileOptions::descriptor()->FindFieldByNumber(kOption);
  Compare(pair, {pb::FileDescriptorProto::kOptionsFieldNumber, kOption}, "option " + option.name(),
          ValueOf(pair.older.options(), option), ValueOf(pair.newer.options(), option), findings);
}

// ---- what a file declares ----

// What `scoped` is called inside of its package.
template <class Declared>
std::string_view NestedName(const Declared& declared) {
  std::string_view name = declared.full_name();
  const std::string& package = declared.file()->package();
  if (!package.empty()) name.remove_prefix(package.size() + 1);
  return name;
}

// What a name of the older file is in the newer one, whose package may be another.
std::string NameIn(const pb::FileDescriptor& file, std::string_view nested) {
  return file.package().empty() ? std::string(nested) : file.package() + "." + std::string(nested);
}

template <class Declared>
void CheckKept(const FilePair& pair, const Declared& declared, const Declared* same,
               std::string_view kind, Findings* findings) {
  if (same != nullptr && same->file() == &pair.newer) return;
  findings->Add(declared.full_name(), WhereIs(declared),
                "the " + std::string(kind) + " is no longer in its file");
}

void MessageNoDelete(const FilePair& pair, Findings* findings) {
  ForEachMessage(pair.older, [&](const pb::Descriptor& message) {
    const std::string name = NameIn(pair.newer, NestedName(message));
    const auto* const same = pair.newer.pool()->FindMessageTypeByName(name);
    CheckKept(pair, message, same, "message", findings);
  });
}

void EnumNoDelete(const FilePair& pair, Findings* findings) {
  ForEachEnum(pair.older, [&](const pb::EnumDescriptor& declared) {
    const std::string name = NameIn(pair.newer, NestedName(declared));
    const auto* const same = pair.newer.pool()->FindEnumTypeByName(name);
    CheckKept(pair, declared, same, "enum", findings);
  });
}

void ExtensionNoDelete(const FilePair& pair, Findings* findings) {
  ForEachExtension(pair.older, [&](const pb::FieldDescriptor& extension) {
    const std::string name = NameIn(pair.newer, NestedName(extension));
    const auto* const same = pair.newer.pool()->FindExtensionByName(name);
    CheckKept(pair, extension, same, "extension", findings);
  });
}

void ServiceNoDelete(const FilePair& pair, Findings* findings) {
  ForEachService(pair.older, [&](const pb::ServiceDescriptor& service) {
    CheckKept(pair, service, pair.newer.FindServiceByName(service.name()), "service", findings);
  });
}

using Options = pb::FileOptions;
constexpr Rule<pb::FileDescriptor> kRules[] = {
    {"MESSAGE_NO_DELETE", kFile, MessageNoDelete},
    {"ENUM_NO_DELETE", kFile, EnumNoDelete},
    {"EXTENSION_NO_DELETE", kFile, ExtensionNoDelete},
    {"SERVICE_NO_DELETE", kFile, ServiceNoDelete},
    {"FILE_SAME_PACKAGE", kEvery, SamePackage},
    {"FILE_SAME_SYNTAX", kSources, SameSyntax},
    {"FILE_SAME_CC_ENABLE_ARENAS", kSources, SameOption<Options::kCcEnableArenasFieldNumber>},
    {"FILE_SAME_CC_GENERIC_SERVICES", kSources, SameOption<Options::kCcGenericServicesFieldNumber>},
    {"FILE_SAME_CSHARP_NAMESPACE", kSources, SameOption<Options::kCsharpNamespaceFieldNumber>},
    {"FILE_SAME_GO_PACKAGE", kSources, SameOption<Options::kGoPackageFieldNumber>},
    {"FILE_SAME_JAVA_GENERIC_SERVICES", kSources,
     SameOption<Options::kJavaGenericServicesFieldNumber>},
    {"FILE_SAME_JAVA_MULTIPLE_FILES", kSources, SameOption<Options::kJavaMultipleFilesFieldNumber>},
    {"FILE_SAME_JAVA_OUTER_CLASSNAME", kSources,
     SameOption<Options::kJavaOuterClassnameFieldNumber>},
    {"FILE_SAME_JAVA_PACKAGE", kSources, SameOption<Options::kJavaPackageFieldNumber>},
    {"FILE_SAME_OBJC_CLASS_PREFIX", kSources, SameOption<Options::kObjcClassPrefixFieldNumber>},
    {"FILE_SAME_OPTIMIZE_FOR", kSources, SameOption<Options::kOptimizeForFieldNumber>},
    {"FILE_SAME_PHP_CLASS_PREFIX", kSources, SameOption<Options::kPhpClassPrefixFieldNumber>},
    {"FILE_SAME_PHP_METADATA_NAMESPACE", kSources,
     SameOption<Options::kPhpMetadataNamespaceFieldNumber>},
    {"FILE_SAME_PHP_NAMESPACE", kSources, SameOption<Options::kPhpNamespaceFieldNumber>},
    {"FILE_SAME_PY_GENERIC_SERVICES", kSources, SameOption<Options::kPyGenericServicesFieldNumber>},
    {"FILE_SAME_RUBY_PACKAGE", kSources, SameOption<Options::kRubyPackageFieldNumber>},
    {"FILE_SAME_SWIFT_PREFIX", kSources, SameOption<Options::kSwiftPrefixFieldNumber>},
};

}  // namespace

Rules<pb::FileDescriptor> FileRules() { return kRules; }

}  // namespace holdfast::inline v0_5::contract::buf
