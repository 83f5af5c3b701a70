// SPDX-License-Identifier: Apache-2.0
// The gRPC adapter from the installed package: its headers compile, its library links, its plugin writes
// decorators that refuse and let pass.
#include <greeter.holdfast.pb.h>
#include <holdfast/grpc/client.h>
#include <holdfast/grpc/metadata.h>
#include <holdfast/grpc/server.h>

#include <cstdio>

class Greeter final : public consumer::Greeter::Service {
 public:
  grpc::Status Greet(grpc::ServerContext*, const consumer::Name* name,
                     consumer::Name* greeting) override {
    greeting->set_text("good day, " + name->text());
    return grpc::Status::OK;
  }
};

int main() {
  const bool good = holdfast::grpc::CheckMetadata("x-order", "1").ok();
  const bool bad = holdfast::grpc::CheckMetadata("x order", "1").ok();
  std::printf("metadata: %s\n", good && !bad ? "checked" : "wrong");

  Greeter greeter;
  const auto guard = holdfast::grpc::Guard::Create({});
  if (!guard.ok()) return 1;
  consumer::GreeterDecorated guarded(greeter, *guard);
  consumer::Greeter::Service& service = guarded;
  consumer::Name name, greeting;
  name.set_text("Ann");
  grpc::ServerContext first, second;
  const bool served = service.Greet(&first, &name, &greeting).ok();
  guard->Drain();
  const bool refused = !service.Greet(&second, &name, &greeting).ok();
  std::printf("%s: %s\n", greeting.text().c_str(), served && refused ? "guarded" : "wrong");
  return good && !bad && served && refused ? 0 : 1;
}
