// SPDX-License-Identifier: Apache-2.0
// A store with its servers, and all that can be done to it while workers use it.
#ifndef HOLDFAST_TESTS_CHAOS_SCENE_H_
#define HOLDFAST_TESTS_CHAOS_SCENE_H_

#include <absl/status/statusor.h>
#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <string_view>

namespace holdfast::chaos {

class Scene {
 public:
  virtual ~Scene() = default;

  // Where workers find the store: behind the fault proxies, if there are servers.
  virtual std::string Address() const = 0;
  // And where the auditor does, when all is calm.
  virtual std::string DirectAddress() const { return Address(); }

  // Other processes see the store, so workers are processes, and can be killed.
  virtual bool is_shared() const { return true; }
  // What a dead worker had asked for cannot take effect any more: no server, no network.
  virtual bool is_local() const { return false; }
  // See ModelOptions.
  virtual int64_t retention_lag() const { return 0; }
  // What this scene does to the store goes beyond what the store promises: violations are counted and told, and are no failure.
  // Empty: it does not.
  virtual std::string beyond_promise() const { return ""; }

  // One fault of the scene's own; its name, or nothing. May take a while, and may leave something to be undone.
  virtual std::string Strike(std::mt19937_64& /*random*/, std::span<const pid_t> /*workers*/) {
    return "";
  }
  // Undoes what is left of the last fault.
  virtual void Recover() {}
  // No faults from now on; all is up.
  virtual void Calm() { Recover(); }

  // Faults that happened by themselves, by kind: those of the proxies.
  virtual std::map<std::string, uint64_t> Faults() const { return {}; }
};

// `folder`: empty, for the scene's files. Errors: INVALID_ARGUMENT for a store there is not, others if it does not start.
absl::StatusOr<std::unique_ptr<Scene>> MakeScene(std::string_view store, const std::string& folder,
                                                 uint64_t seed);

// The parts of MakeScene that come with an adapter. Null if the servers do not start.
std::unique_ptr<Scene> MakeRedisScene(uint64_t seed);
std::unique_ptr<Scene> MakeFailoverScene(uint64_t seed);
std::unique_ptr<Scene> MakeClusterScene();
std::unique_ptr<Scene> MakePostgresScene(uint64_t seed);

// What can be asked for in this build.
std::string StoreNames();

}  // namespace holdfast::chaos

#endif  // HOLDFAST_TESTS_CHAOS_SCENE_H_
