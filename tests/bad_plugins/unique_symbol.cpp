// SPDX-License-Identifier: Apache-2.0
// Has a GNU unique symbol, so that dlclose does not unmap it.
#include "bad_plugin.h"
template <class T>
struct Counter {
  static inline int count = 0;
};
__attribute__((constructor)) static void start() {
  ++Counter<int>::count;
}
