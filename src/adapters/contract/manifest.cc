// SPDX-License-Identifier: Apache-2.0
// See contract/manifest.h. libprotobuf reads the text and remembers where each field stood; what the text then says
// is checked field by field, so that every problem has a place.
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/text_format.h>
#include <holdfast/contract/manifest.h>
#include <holdfast/v1/contracts.pb.h>

#include <algorithm>
#include <map>
#include <utility>

namespace holdfast::inline v0_5::contract {
namespace {

namespace pb = google::protobuf;

constexpr std::size_t kShownProblems = 10;
constexpr std::pair<std::string_view, Outcome> kOutcomes[] = {
    {"kept", Outcome::kKept},   {"lossy", Outcome::kLossy},     {"dropped", Outcome::kDropped},
    {"error", Outcome::kError}, {"corrupt", Outcome::kCorrupt},
};

bool IsText(std::string_view text) {
  hf_attribute value{};
  return hf_attribute_parse(HF_ATTRIBUTE_STRING, text.data(), text.size(), nullptr, 0, &value) ==
         HF_OK;
}

bool IsUri(std::string_view text) {
  hf_attribute value{};
  return hf_attribute_parse(HF_ATTRIBUTE_URI, text.data(), text.size(), nullptr, 0, &value) ==
         HF_OK;
}

// An RFC 3339 date-time, or a date: its first moment in UTC. What WallTime cannot hold is none.
std::optional<WallTime> ParseMoment(std::string text) {
  constexpr std::size_t kDateSize = std::string_view("2026-01-01").size();
  if (text.size() == kDateSize) text += "T00:00:00Z";
  hf_attribute value{};
  if (hf_attribute_parse(HF_ATTRIBUTE_TIMESTAMP, text.data(), text.size(), nullptr, 0, &value) !=
      HF_OK) {
    return std::nullopt;
  }
  constexpr auto kLast = std::chrono::floor<std::chrono::seconds>(WallTime::max());
  const std::chrono::sys_seconds second{std::chrono::seconds{value.number}};
  if (second >= kLast || second <= std::chrono::ceil<std::chrono::seconds>(WallTime::min())) {
    return std::nullopt;
  }
  return WallTime{second} + std::chrono::nanoseconds{value.nanos};
}

// "acme.orders.v1.Order": identifiers with dots between them.
bool IsFullName(std::string_view name) {
  bool begins = true;
  for (const char c : name) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    const bool digit = c >= '0' && c <= '9';
    if (begins ? !letter : !letter && !digit && c != '.') return false;
    begins = c == '.';
  }
  return !begins;
}

// A path that stays below where it starts, whatever it is appended to, and can be shown in an error.
bool StaysInside(std::string_view path) {
  if (!IsText(path) || path.find('\\') != path.npos) return false;
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string_view part = path.substr(at, end - at);
    if (part.empty() || part == "." || part == "..") return false;
    at = end + 1;
  }
  return true;
}

class SyntaxErrors final : public pb::io::ErrorCollector {
 public:
  SyntaxErrors(const std::string& file, std::vector<Problem>* problems)
      : file_(file), problems_(*problems) {}
  void AddError(int line, pb::io::ColumnNumber column, const std::string& message) override {
    problems_.push_back({{file_, line + 1, column + 1}, message});
  }

 private:
  const std::string& file_;
  std::vector<Problem>& problems_;
};

// A message of the manifest, and where its fields stood.
class Node {
 public:
  Node(const pb::Message& message, const pb::TextFormat::ParseInfoTree* tree, Place place)
      : message_(message), tree_(tree), place_(std::move(place)) {}

  const Place& place() const { return place_; }
  Place PlaceOf(const char* field) const {
    return At(message_.GetDescriptor()->FindFieldByName(field), -1);
  }
  Node Child(const char* field, int index, const pb::Message& child) const {
    const auto* const descriptor = message_.GetDescriptor()->FindFieldByName(field);
    const auto* const tree =
        tree_ == nullptr ? nullptr : tree_->GetTreeForNested(descriptor, index);
    return {child, tree, At(descriptor, index)};
  }

 private:
  Place At(const pb::FieldDescriptor* field, int index) const {
    if (tree_ == nullptr) return place_;
    const pb::TextFormat::ParseLocation at = tree_->GetLocation(field, index);
    return at.line < 0 ? place_ : Place{place_.file, at.line + 1, at.column + 1};
  }

  const pb::Message& message_;
  const pb::TextFormat::ParseInfoTree* const tree_;
  const Place place_;
};

class Reader {
 public:
  Reader(const ManifestOptions& options, std::vector<Problem>* problems)
      : options_(options), problems_(*problems) {}

  Manifest Read(std::string_view text) {
    Manifest manifest;
    const Place top{options_.file, 0, 0};
    if (text.size() > Manifest::kMaxBytes) {
      Say(top, "has more than " + std::to_string(Manifest::kMaxBytes) + " bytes");
      return manifest;
    }
    v1::Contracts contracts;
    pb::TextFormat::ParseInfoTree tree;
    SyntaxErrors errors(options_.file, &problems_);
    pb::TextFormat::Parser parser;
    parser.RecordErrorsTo(&errors);
    parser.WriteLocationsTo(&tree);
    if (!parser.ParseFromString(std::string(text), &contracts)) {
      if (problems_.empty()) Say(top, "is no manifest");
      return manifest;
    }
    if (static_cast<std::size_t>(contracts.contract_size()) > Manifest::kMaxContracts) {
      Say(top, "has more than " + std::to_string(Manifest::kMaxContracts) + " contracts");
      return manifest;
    }
    const Node root(contracts, &tree, top);
    for (int i = 0; i < contracts.contract_size(); ++i) {
      const v1::Contract& contract = contracts.contract(i);
      manifest.contracts.push_back(ReadContract(contract, root.Child("contract", i, contract)));
    }
    return manifest;
  }

 private:
  void Say(Place place, std::string text) {
    problems_.push_back({std::move(place), subject_ + std::move(text)});
  }

  bool TooLong(const std::string& text, const char* field, const Node& node) {
    if (text.size() <= Manifest::kMaxText) return false;
    Say(node.PlaceOf(field),
        std::string(field) + " has more than " + std::to_string(Manifest::kMaxText) + " bytes");
    return true;
  }

  Contract ReadContract(const v1::Contract& from, const Node& node) {
    Contract contract;
    contract.place = node.place();
    subject_ = "contract: ";
    if (!TooLong(from.name(), "name", node)) ReadName(from.name(), node, &contract);
    if (!TooLong(from.owner(), "owner", node)) contract.owner = from.owner();
    if (!IsText(contract.owner)) Say(node.PlaceOf("owner"), "its owner is no text");
    ReadPolicy(from, node, &contract.policy);
    ReadVersions(from, node, &contract);
    subject_.clear();
    return contract;
  }

  void ReadName(const std::string& name, const Node& node, Contract* contract) {
    if (name.empty()) return Say(node.place(), "has no name");
    if (!IsText(name)) {
      return Say(node.PlaceOf("name"), "its name is no text that an event's type may be");
    }
    contract->name = name;
    subject_ = "contract " + name + ": ";
    const auto [first, fresh] = names_.try_emplace(name, contract->place);
    if (!fresh) Say(node.PlaceOf("name"), "is declared already at " + Text(first->second));
  }

  void ReadPolicy(const v1::Contract& from, const Node& node, Policy* policy) {
    policy->json = from.json();
    if (!from.compatibility().empty()) {
      const auto level = ParseLevel(from.compatibility());
      if (level.ok()) {
        policy->level = *level;
      } else {
        Say(node.PlaceOf("compatibility"),
            "compatibility: " + std::string(level.status().message()));
      }
    }
    if (from.tolerate().empty()) return;
    const auto* const found =
        std::find_if(std::begin(kOutcomes), std::end(kOutcomes),
                     [&](const auto& word) { return word.first == from.tolerate(); });
    if (found != std::end(kOutcomes)) {
      policy->tolerate = found->second;
    } else {
      Say(node.PlaceOf("tolerate"), "tolerate: none of kept, lossy, dropped, error, corrupt");
    }
  }

  void ReadVersions(const v1::Contract& from, const Node& node, Contract* contract) {
    if (from.version().empty()) Say(node.place(), "has no version");
    if (static_cast<std::size_t>(from.version_size()) > Manifest::kMaxVersions) {
      return Say(node.place(),
                 "has more than " + std::to_string(Manifest::kMaxVersions) + " versions");
    }
    const std::string outer = subject_;
    for (int i = 0; i < from.version_size(); ++i) {
      const Node child = node.Child("version", i, from.version(i));
      ContractVersion version = ReadVersion(from.version(i), child, *contract);
      if (i + 1 == from.version_size()) CheckCurrent(version, child);
      contract->versions.push_back(std::move(version));
      subject_ = outer;
    }
  }

  ContractVersion ReadVersion(const v1::ContractVersion& from, const Node& node,
                              const Contract& contract) {
    ContractVersion version;
    version.place = node.place();
    const auto number = ParseVersionNumber(from.number());
    if (!number) {
      Say(node.PlaceOf("number"), "version: number is not major.minor, such as \"1.0\"");
    } else {
      version.number = *number;
      subject_ = "contract " + contract.name + " " + Text(*number) + ": ";
      CheckOrder(version, contract, node);
    }
    ReadMessage(from, node, contract, &version);
    version.deprecated_from = ReadMoment(from.deprecated_from(), "deprecated_from", node);
    version.sunset = ReadMoment(from.sunset(), "sunset", node);
    if (version.sunset && version.deprecated_from && *version.sunset < *version.deprecated_from) {
      Say(node.PlaceOf("sunset"), "its sunset is before it is deprecated");
    }
    if (!TooLong(from.migration(), "migration", node)) version.migration = from.migration();
    if (!version.migration.empty() && !IsUri(version.migration)) {
      Say(node.PlaceOf("migration"), "migration is no URI");
    }
    return version;
  }

  void CheckOrder(const ContractVersion& version, const Contract& contract, const Node& node) {
    for (const ContractVersion& before : contract.versions) {
      if (before.number == version.number) {
        return Say(node.PlaceOf("number"), "is declared already at " + Text(before.place));
      }
    }
    if (!contract.versions.empty() && contract.versions.back().number > version.number) {
      Say(node.PlaceOf("number"),
          "comes after " + Text(contract.versions.back().number) + ": versions go from old to new");
    }
  }

  void ReadMessage(const v1::ContractVersion& from, const Node& node, const Contract& contract,
                   ContractVersion* version) {
    if (!TooLong(from.message(), "message", node)) version->message = from.message();
    if (!IsFullName(version->message)) {
      Say(node.PlaceOf("message"), "message is not the full name of one");
    } else if (!contract.versions.empty()) {
      const ContractVersion& before = contract.versions.back();
      if (before.number.major == version->number.major && before.message != version->message) {
        Say(node.PlaceOf("message"), "its message is another one than that of " +
                                         Text(before.number) + ": that takes a new major number");
      }
    }
    if (!TooLong(from.descriptor_set(), "descriptor_set", node)) {
      version->descriptor_set = from.descriptor_set();
    }
    if (!StaysInside(version->descriptor_set)) {
      Say(node.PlaceOf("descriptor_set"), "descriptor_set is no path below the manifest's folder");
    }
  }

  std::optional<WallTime> ReadMoment(const std::string& text, const char* field, const Node& node) {
    if (text.empty()) return std::nullopt;
    const auto moment = ParseMoment(text);
    if (!moment) {
      Say(node.PlaceOf(field),
          std::string(field) + " is no RFC 3339 date or date-time of the years 1678 to 2261");
    }
    return moment;
  }

  void CheckCurrent(const ContractVersion& version, const Node& node) {
    if (options_.now && StageAt(version, *options_.now) == Stage::kSunset) {
      Say(node.PlaceOf("sunset"), "is the current version and past its sunset");
    }
  }

  const ManifestOptions& options_;
  std::vector<Problem>& problems_;
  std::string subject_;  // what is being read, as problems begin
  std::map<std::string, Place> names_;
};

}  // namespace

std::string_view Name(Stage stage) {
  switch (stage) {
    case Stage::kActive:
      return "active";
    case Stage::kDeprecated:
      return "deprecated";
    case Stage::kSunset:
      return "sunset";
  }
  return "?";
}

Stage StageAt(const ContractVersion& version, WallTime now) {
  if (version.sunset && now >= *version.sunset) return Stage::kSunset;
  return version.deprecated_from && now >= *version.deprecated_from ? Stage::kDeprecated
                                                                    : Stage::kActive;
}

std::string Text(const Problem& problem) { return Text(problem.place) + ": " + problem.text; }

absl::Status StatusOf(std::span<const Problem> problems, hf_reason reason) {
  if (problems.empty()) return absl::OkStatus();
  std::string text;
  for (const Problem& problem : problems.first(std::min(problems.size(), kShownProblems))) {
    if (!text.empty()) text += '\n';
    text += Text(problem);
  }
  if (problems.size() > kShownProblems) {
    text += "\nand " + std::to_string(problems.size() - kShownProblems) + " more";
  }
  return MakeStatus(HF_INVALID_ARGUMENT, reason, text);
}

Manifest Manifest::Read(std::string_view text, const ManifestOptions& options,
                        std::vector<Problem>* problems) {
  return Reader(options, problems).Read(text);
}

absl::StatusOr<Manifest> Manifest::Parse(std::string_view text, const ManifestOptions& options) {
  std::vector<Problem> problems;
  Manifest manifest = Read(text, options, &problems);
  if (!problems.empty()) return StatusOf(problems);
  return manifest;
}

}  // namespace holdfast::inline v0_5::contract
