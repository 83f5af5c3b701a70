// SPDX-License-Identifier: Apache-2.0
// WriteStream, ReadStream, BidiStream: one streaming call of a decorated callback service, between gRPC and
// the inner reactor, which it plays gRPC's call to.
//
//   state     on                                   next
//   asking    Begin, on gRPC's thread              refused: finished; else running
//   running   operations and reactions are passed  finished, with the inner Finish (or WriteAndFinish)
//             on as they come
//   finished  OnDone of gRPC                       place and permit go back, the inner OnDone, deleted
//
// Invariants: the inner method runs only if admitted. What the inner reactor starts before gRPC has bound
// this one waits in this one's own backlog, which is gRPC's. Reactions run with the caller's context
// attached. gRPC holds this reactor's lock while it binds it, and this reactor the inner one's, never the
// other way round.
#ifndef HOLDFAST_GRPC_CALLBACK_STREAM_H_
#define HOLDFAST_GRPC_CALLBACK_STREAM_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>
#include <holdfast/context.h>
#include <holdfast/grpc/admission.h>
#include <holdfast/grpc/decorate.h>

#include <atomic>
#include <optional>
#include <utility>

namespace holdfast::inline v0_5::grpc::internal {

// What the three have in common: admission, and the hand-over between gRPC's threads.
class StreamGuard {
 public:
  StreamGuard(const GuardedMethod& method, ::grpc::CallbackServerContext& context)
      : admission_(method.guard().state(), method.stream_method(), context, Waiting::kMustNot),
        story_(admission_.call().context()) {}

  // The inner reactor, or null, and then the status to finish with.
  template <class Reactor, class Start>
  Reactor* Open(Start& start, ::grpc::Status* refusal) {
    if (!admission_.admitted()) {
      *refusal = admission_.refusal();
      return nullptr;
    }
    Reactor* inner = nullptr;
    try {
      const ScopedContext attached(story_);
      inner = start();
      *refusal = {::grpc::StatusCode::UNIMPLEMENTED, ""};
    } catch (...) {
      *refusal = {::grpc::StatusCode::UNKNOWN, "Unexpected error in RPC handling"};
    }
    return inner;
  }

  // The trailers that belong to the inner status.
  ::grpc::Status Settle(::grpc::Status own) { return admission_.Settle(std::move(own)); }
  const Context& story() const { return story_; }

  // All that one thread did is seen by the next: gRPC's own order, in our words.
  void Publish() { steps_.fetch_add(1, std::memory_order_acq_rel); }

 private:
  Admission admission_;
  const Context story_;
  std::atomic<unsigned> steps_{0};
};

// The reactor that gRPC sees. `Outer` is one of its reactor classes, `Link` the call that the inner reactor
// sees, which says what it may do.
template <class Outer, template <class> class Link>
class StreamReactor : public Outer {
 public:
  StreamReactor(const GuardedMethod& method, ::grpc::CallbackServerContext& context)
      : guard_(method, context), link_(*this) {}

  // start() -> Outer*: calls the inner method.
  template <class Start>
  void Begin(Start& start) {
    ::grpc::Status refusal;
    inner_ = guard_.Open<Outer>(start, &refusal);
    if (inner_ != nullptr) link_.Bind(inner_);
    guard_.Publish();
    if (inner_ == nullptr) this->Finish(refusal);
  }

  ::grpc::Status Settle(::grpc::Status own) { return guard_.Settle(std::move(own)); }
  ::grpc::internal::ServerReactor* inner() const { return inner_; }

 protected:
  template <class Reaction>
  void React(Reaction&& reaction) {
    guard_.Publish();
    if (inner_ == nullptr) return;
    const ScopedContext attached(guard_.story());
    reaction(*inner_);
  }

 private:
  void OnSendInitialMetadataDone(bool ok) final {
    React([&](Outer& inner) { inner.OnSendInitialMetadataDone(ok); });
  }
  void OnCancel() final {
    React([](Outer& inner) { inner.OnCancel(); });
  }
  void OnDone() final {
    React([](Outer& inner) { inner.OnDone(); });
    delete this;
  }

  StreamGuard guard_;
  Outer* inner_ = nullptr;
  Link<StreamReactor> link_;
};

// What the inner reactor may do, passed on. `Call` is gRPC's class for it.
template <class Call, class Outer>
class StreamLink : public Call {
 public:
  explicit StreamLink(Outer& outer) : outer_(outer) {}
  template <class Reactor>
  void Bind(Reactor* inner) {
    this->BindReactor(inner);
  }
  void Finish(::grpc::Status status) final { outer_.Finish(outer_.Settle(std::move(status))); }
  void SendInitialMetadata() final { outer_.StartSendInitialMetadata(); }

 protected:
  Outer& outer_;

 private:
  ::grpc::internal::ServerReactor* reactor() final { return outer_.inner(); }
  void CallOnDone() final {}  // OnDone is the outer reactor's to pass on
};

template <class Response, class Call, class Outer>
class WriteLink : public StreamLink<Call, Outer> {
 public:
  using StreamLink<Call, Outer>::StreamLink;
  void Write(const Response* message, ::grpc::WriteOptions options) final {
    this->outer_.StartWrite(message, options);
  }
  void WriteAndFinish(const Response* message, ::grpc::WriteOptions options,
                      ::grpc::Status status) final {
    this->outer_.StartWriteAndFinish(message, options, this->outer_.Settle(std::move(status)));
  }
};

template <class Response>
struct Writes {
  template <class Outer>
  using Link = WriteLink<Response, ::grpc::ServerCallbackWriter<Response>, Outer>;
};

template <class Request>
struct Reads {
  template <class Outer>
  class Link final : public StreamLink<::grpc::ServerCallbackReader<Request>, Outer> {
   public:
    using StreamLink<::grpc::ServerCallbackReader<Request>, Outer>::StreamLink;
    void Read(Request* message) final { this->outer_.StartRead(message); }
  };
};

template <class Request, class Response>
struct ReadsAndWrites {
  using Call = ::grpc::ServerCallbackReaderWriter<Request, Response>;
  template <class Outer>
  class Link final : public WriteLink<Response, Call, Outer> {
   public:
    using WriteLink<Response, Call, Outer>::WriteLink;
    void Read(Request* message) final { this->outer_.StartRead(message); }
  };
};

template <class Response>
class WriteStream final
    : public StreamReactor<::grpc::ServerWriteReactor<Response>, Writes<Response>::template Link> {
 public:
  using WriteStream::StreamReactor::StreamReactor;

 private:
  void OnWriteDone(bool ok) final {
    this->React([&](auto& inner) { inner.OnWriteDone(ok); });
  }
};

template <class Request>
class ReadStream final
    : public StreamReactor<::grpc::ServerReadReactor<Request>, Reads<Request>::template Link> {
 public:
  using ReadStream::StreamReactor::StreamReactor;

 private:
  void OnReadDone(bool ok) final {
    this->React([&](auto& inner) { inner.OnReadDone(ok); });
  }
};

template <class Request, class Response>
class BidiStream final : public StreamReactor<::grpc::ServerBidiReactor<Request, Response>,
                                              ReadsAndWrites<Request, Response>::template Link> {
 public:
  using BidiStream::StreamReactor::StreamReactor;

 private:
  void OnReadDone(bool ok) final {
    this->React([&](auto& inner) { inner.OnReadDone(ok); });
  }
  void OnWriteDone(bool ok) final {
    this->React([&](auto& inner) { inner.OnWriteDone(ok); });
  }
};

}  // namespace holdfast::inline v0_5::grpc::internal

#endif  // HOLDFAST_GRPC_CALLBACK_STREAM_H_
