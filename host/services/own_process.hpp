// SPDX-License-Identifier: Apache-2.0
// What a program of ours asks of the C library and the kernel for itself. The first two once, in
// main, before any other thread exists; the last from any thread.
#pragma once

namespace rolesync {

// The C library keeps a heap for each thread that allocates, and memory that was freed in one is
// of no use to the others: a few are enough for programs that wait most of the time.
void keep_heaps(int most);

// As many descriptors as the hard limit allows: a server holds a connection for each agent.
void open_many_files();

// Gives back to the system what is not needed at the moment: free memory, and the pages of code
// that only the start, or a task, has used. They come again from the page cache when they are used.
void give_back_memory();

}  // namespace rolesync
