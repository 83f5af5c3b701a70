// SPDX-License-Identifier: Apache-2.0
// How gRPC's own generator names things, which the decorators must use.
#ifndef HOLDFAST_PROTOC_NAMES_H_
#define HOLDFAST_PROTOC_NAMES_H_

#include <google/protobuf/descriptor.h>

#include <string>
#include <vector>

namespace holdfast::protoc {

// "::pay::Charge_Line" for the message Line inside pay.Charge.
std::string TypeName(const google::protobuf::Descriptor& message);

// "/pay.Payment/Charge".
std::string FullMethodName(const google::protobuf::MethodDescriptor& method);

// "pay/payment" for pay/payment.proto.
std::string Stem(const google::protobuf::FileDescriptor& file);

// "HOLDFAST_PAY_2fPAYMENT_PB_H_": no two files have the same one.
std::string IncludeGuard(const google::protobuf::FileDescriptor& file);

// The package's parts, outermost first.
std::vector<std::string> Namespaces(const google::protobuf::FileDescriptor& file);

}  // namespace holdfast::protoc

#endif  // HOLDFAST_PROTOC_NAMES_H_
