// SPDX-License-Identifier: Apache-2.0
// The C driver of examples/c_client.c, for a test that brings its own time.
#ifndef HOLDFAST_TESTS_DRIVER_C_CLIENT_PLAYER_H_
#define HOLDFAST_TESTS_DRIVER_C_CLIENT_PLAYER_H_

#include <holdfast/c/call.h>

HF_BEGIN_DECLS

// As `struct surroundings` there.
typedef struct c_client_surroundings {
  void* self;
  hf_time (*now)(void* self);
  void (*wait)(void* self, hf_time until);
  void (*wake)(void* self);
  int (*cancelled)(void* self);
  hf_outcome (*attempt)(void* self, const hf_action* told);
  void (*see)(void* self, const hf_action* action);
} c_client_surroundings;

hf_action c_client_drive(const c_client_surroundings* with, hf_pipeline* pipeline,
                         const hf_call_options* options);

// The whole program.
int c_client_main(void);

HF_END_DECLS

#endif /* HOLDFAST_TESTS_DRIVER_C_CLIENT_PLAYER_H_ */
