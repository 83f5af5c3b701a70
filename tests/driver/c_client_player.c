/* SPDX-License-Identifier: Apache-2.0 */
/* The very file that people copy, compiled as C, with its driver opened to the test. */
#define main c_client_main
#include "../../examples/c_client.c"
#undef main

#include "c_client_player.h"

hf_action c_client_drive(const c_client_surroundings* with, hf_pipeline* pipeline,
                         const hf_call_options* options) {
  const struct surroundings same = {with->self,      with->now,     with->wait, with->wake,
                                    with->cancelled, with->attempt, with->see};
  return drive(&same, pipeline, *options);
}
