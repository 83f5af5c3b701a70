// SPDX-License-Identifier: Apache-2.0
// See contract/deprecation.h.
#include <holdfast/contract/deprecation.h>

#include <string_view>
#include <vector>

namespace holdfast::inline v0_5::contract {

bool Announce(const RegisteredVersion& version, Envelope* event) {
  constexpr std::string_view kNames[] = {"deprecated", "deprecationfrom", "deprecationsunset",
                                         "deprecationmigration"};
  const ContractVersion& declared = *version.declared;
  std::vector<Attribute> attributes;
  if (declared.deprecated_from || declared.sunset) {
    attributes.push_back(BooleanAttribute(kNames[0], true));
    if (declared.deprecated_from) {
      attributes.push_back(TimeAttribute(kNames[1], *declared.deprecated_from));
    }
    if (declared.sunset) attributes.push_back(TimeAttribute(kNames[2], *declared.sunset));
    if (!declared.migration.empty()) {
      attributes.push_back(TextAttribute(kNames[3], declared.migration, HF_ATTRIBUTE_URI));
    }
  }
  Envelope announced(event->view());
  for (const std::string_view name : kNames) announced.Erase(name);
  for (const Attribute& attribute : attributes) {
    if (!announced.Set(attribute)) return false;
  }
  *event = std::move(announced);
  return true;
}

}  // namespace holdfast::inline v0_5::contract
