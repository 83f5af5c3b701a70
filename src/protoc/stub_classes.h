// SPDX-License-Identifier: Apache-2.0
// The decorator of a stub: <Service>DecoratedStub.
#ifndef HOLDFAST_PROTOC_STUB_CLASSES_H_
#define HOLDFAST_PROTOC_STUB_CLASSES_H_

#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/printer.h>

namespace holdfast::protoc {

void PrintStubClass(const google::protobuf::ServiceDescriptor& service,
                    google::protobuf::io::Printer& out);

}  // namespace holdfast::protoc

#endif  // HOLDFAST_PROTOC_STUB_CLASSES_H_
