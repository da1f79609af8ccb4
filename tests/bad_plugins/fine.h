/* SPDX-License-Identifier: Apache-2.0 */
/* What a detector that works may answer to `detect`. */
#pragma once
#define FINE "{\"state\": \"active\", \"health\": \"unknown\", \"reason\": \"fine\"}"
