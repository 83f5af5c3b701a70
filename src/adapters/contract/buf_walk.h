// SPDX-License-Identifier: Apache-2.0
// Visits what a file or a message declares, however deep. The depth is bounded: protobuf parses no set whose messages
// nest more than 100 deep.
#ifndef HOLDFAST_ADAPTERS_CONTRACT_BUF_WALK_H_
#define HOLDFAST_ADAPTERS_CONTRACT_BUF_WALK_H_

#include <google/protobuf/descriptor.h>

namespace holdfast::inline v0_5::contract::buf {

inline int TopCount(const google::protobuf::FileDescriptor& file) {
  return file.message_type_count();
}
inline int TopCount(const google::protobuf::Descriptor& message) {
  return message.nested_type_count();
}
inline const google::protobuf::Descriptor& Top(const google::protobuf::FileDescriptor& file,
                                               int i) {
  return *file.message_type(i);
}
inline const google::protobuf::Descriptor& Top(const google::protobuf::Descriptor& message, int i) {
  return *message.nested_type(i);
}

// The entries of maps are messages here, as they are to buf.
template <class Scope, class Visit>
void ForEachMessage(const Scope& scope, const Visit& visit) {
  for (int i = 0; i < TopCount(scope); ++i) {
    visit(Top(scope, i));
    ForEachMessage(Top(scope, i), visit);
  }
}

template <class Scope, class Visit>
void ForEachEnum(const Scope& scope, const Visit& visit) {
  for (int i = 0; i < scope.enum_type_count(); ++i) visit(*scope.enum_type(i));
  for (int i = 0; i < TopCount(scope); ++i) ForEachEnum(Top(scope, i), visit);
}

template <class Scope, class Visit>
void ForEachExtension(const Scope& scope, const Visit& visit) {
  for (int i = 0; i < scope.extension_count(); ++i) visit(*scope.extension(i));
  for (int i = 0; i < TopCount(scope); ++i) ForEachExtension(Top(scope, i), visit);
}

template <class Visit>
void ForEachService(const google::protobuf::FileDescriptor& file, const Visit& visit) {
  for (int i = 0; i < file.service_count(); ++i) visit(*file.service(i));
}

}  // namespace holdfast::inline v0_5::contract::buf

#endif  // HOLDFAST_ADAPTERS_CONTRACT_BUF_WALK_H_
