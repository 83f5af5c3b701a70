// SPDX-License-Identifier: Apache-2.0
// All of holdfast::asio.
#ifndef HOLDFAST_ASIO_ASIO_H_
#define HOLDFAST_ASIO_ASIO_H_

#include <holdfast/asio/acquire.h>
#include <holdfast/asio/call.h>
#include <holdfast/asio/context.h>
#include <holdfast/asio/hedge.h>
#include <holdfast/asio/run_once.h>
#include <holdfast/asio/sleep.h>
#include <holdfast/asio/strand.h>

#endif  // HOLDFAST_ASIO_ASIO_H_
