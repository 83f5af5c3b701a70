// SPDX-License-Identifier: Apache-2.0
// The gate of the C ABI: what every shell does before and after it asks an engine.
//
//   in       CopyIn       options by struct_size and abi_level, defaults for NULL, unknown tail
//   refused
//            CheckRange, CheckReal   one field against its documented range, the error names the field
//   out      CopyOut      snapshots by the caller's struct_size
//            Fail/Reject  hf_error and hf_rejection, without heap and without the printf family
//   around   Guarded      no exception leaves the library
//            RefCounted   base of every handle; Ref, Unref
//
// Invariants: nothing here allocates; each pointer of a caller is looked at only inside the call.
#ifndef HOLDFAST_ABI_GUARD_H_
#define HOLDFAST_ABI_GUARD_H_

#include <holdfast/c/base.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <string_view>
#include <type_traits>

namespace holdfast::abi {

// The size of a struct's first published layout: what every caller has at least. A struct that
// grows gets a specialisation that keeps its old value.
template <typename Struct>
inline constexpr uint32_t kFirstSize = static_cast<uint32_t>(sizeof(Struct));

// A struct_size above this is not a newer layout but uninitialised memory.
inline constexpr uint32_t kLargestStruct = 4096;

// Fills *error (nullable) and returns `code`. Text that does not fit is cut.
hf_code Fail(hf_error* error, hf_code code, hf_reason reason, std::string_view text) noexcept;

// Fail as "field: text".
hf_code FailField(hf_error* error, hf_code code, hf_reason reason, std::string_view field,
                  std::string_view text) noexcept;

// INVALID_ARGUMENT, HF_R_NULL_ARGUMENT, "field: is NULL".
hf_code FailNull(hf_error* error, std::string_view field) noexcept;

// Leaves *error (nullable) saying OK, and returns HF_OK.
hf_code Succeed(hf_error* error) noexcept;

// Fills *why (nullable) and returns `code`.
inline hf_code Reject(hf_rejection* why, hf_code code, hf_reason reason,
                      hf_duration retry_after = 0) noexcept {
  if (why != nullptr) *why = hf_rejection{code, reason, retry_after};
  return code;
}

// INVALID_ARGUMENT HF_R_OUT_OF_RANGE "field: 7 is outside 1..5" unless lowest <= value <= highest.
// Not a number is outside every range. HF_INFINITE reads "infinite".
hf_code CheckRange(hf_error* error, std::string_view field, int64_t value, int64_t lowest,
                   int64_t highest) noexcept;
hf_code CheckReal(hf_error* error, std::string_view field, double value, double lowest,
                  double highest) noexcept;

// INVALID_ARGUMENT HF_R_UNSUPPORTED_FIELD unless a reserved field is 0.
hf_code CheckReserved(hf_error* error, std::string_view field, uint64_t value) noexcept;

// What CopyIn and CopyOut check, apart from the type.
hf_code CheckHeader(const void* given, uint32_t first_size, uint32_t known_size,
                    hf_error* error) noexcept;
hf_code CheckOutSize(uint32_t struct_size, uint32_t first_size) noexcept;

// Copies a caller's options into *out, whose unknown rest becomes zero: zero means default. NULL is
// all defaults. A longer struct is a newer caller's: fine as long as what we do not know is zero.
template <typename Options>
hf_code CopyIn(const Options* given, Options* out, hf_error* error) noexcept {
  static_assert(std::is_trivially_copyable_v<Options>);
  static_assert(offsetof(Options, struct_size) == 0 && offsetof(Options, abi_level) == 4);
  *out = Options{};
  out->struct_size = sizeof(Options);
  out->abi_level = HF_ABI_LEVEL;
  if (given == nullptr) return HF_OK;
  const hf_code code = CheckHeader(given, kFirstSize<Options>, sizeof(Options), error);
  if (code != HF_OK) return code;
  const size_t known = given->struct_size < sizeof(Options) ? given->struct_size : sizeof(Options);
  std::memcpy(out, given, known);
  return HF_OK;
}

// Copies a snapshot into the caller's struct, at most out->struct_size bytes, the rest of them
// zero.
template <typename Snapshot>
hf_code CopyOut(const Snapshot& value, Snapshot* out) noexcept {
  static_assert(std::is_trivially_copyable_v<Snapshot>);
  static_assert(offsetof(Snapshot, struct_size) == 0);
  if (out == nullptr) return HF_INVALID_ARGUMENT;
  const uint32_t size = out->struct_size;
  const hf_code code = CheckOutSize(size, kFirstSize<Snapshot>);
  if (code != HF_OK) return code;
  const size_t known = size < sizeof(Snapshot) ? size : sizeof(Snapshot);
  auto* bytes = reinterpret_cast<unsigned char*>(out);
  std::memcpy(bytes, &value, known);
  std::memset(bytes + known, 0, size - known);
  out->struct_size = size;
  return HF_OK;
}

// Runs fn() -> hf_code and lets no exception out.
template <typename Fn>
hf_code Guarded(hf_error* error, Fn&& fn) noexcept {
  try {
    return fn();
  } catch (const std::bad_alloc&) {
    return Fail(error, HF_RESOURCE_EXHAUSTED, HF_R_NO_MEMORY, "out of memory");
  } catch (...) {
    return Fail(error, HF_INTERNAL, HF_R_INTERNAL, "exception stopped at the boundary");
  }
}

// The base of every handle: `struct hf_x final : RefCounted`. Born with one reference.
class RefCounted {
 public:
  RefCounted() = default;
  RefCounted(const RefCounted&) = delete;
  RefCounted& operator=(const RefCounted&) = delete;

  // Relaxed: whoever adds a reference already holds one, so nothing needs to be ordered by it.
  void AddRef() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
  // True for the last one. Release orders this owner's writes before the count, acquire makes all
  // of them visible to the one that destroys.
  bool DropRef() noexcept { return references_.fetch_sub(1, std::memory_order_acq_rel) == 1; }

 protected:
  ~RefCounted() = default;

 private:
  std::atomic<uint32_t> references_{1};
};

template <typename Handle>
void Ref(Handle* handle) noexcept {
  if (handle != nullptr) handle->AddRef();
}

template <typename Handle>
void Unref(Handle* handle) noexcept {
  if (handle != nullptr && handle->DropRef()) delete handle;
}

// *out = a new Handle(args...), or RESOURCE_EXHAUSTED HF_R_NO_MEMORY with *out as it was.
template <typename Handle, typename... Args>
hf_code NewHandle(Handle** out, hf_error* error, const Args&... args) noexcept {
  return Guarded(error, [&] {
    *out = new Handle(args...);
    return Succeed(error);
  });
}

}  // namespace holdfast::abi

#endif  // HOLDFAST_ABI_GUARD_H_
