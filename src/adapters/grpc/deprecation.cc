// SPDX-License-Identifier: Apache-2.0
#include <holdfast/grpc/deprecation.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace holdfast::inline v0_5::grpc {

absl::Status AddDeprecationTrailers(::grpc::ServerContextBase& context, MetadataBudget& budget,
                                    const Deprecation& deprecation) {
  std::vector<std::pair<std::string, std::string>> trailers;
  MetadataBudget left = budget;
  absl::Status fits;
  absl::Status written =
      WriteDeprecation(deprecation, [&](std::string_view name, std::string_view value) {
        if (fits.ok()) fits = left.Take(name, value);
        trailers.emplace_back(name, value);
      });
  if (!written.ok()) return written;
  if (!fits.ok()) return fits;
  for (const auto& [name, value] : trailers) context.AddTrailingMetadata(name, value);
  budget = left;
  return absl::OkStatus();
}

DeprecationReading ReadDeprecationTrailers(const ::grpc::ClientContext& context) {
  std::vector<hf_header> headers;
  for (const auto& [key, value] : context.GetServerTrailingMetadata()) {
    headers.push_back({{key.data(), key.size()}, {value.data(), value.size()}});
  }
  return ReadDeprecation(headers);
}

}  // namespace holdfast::inline v0_5::grpc
