// SPDX-License-Identifier: Apache-2.0
// A truncated library kills the process that loads it (SIGBUS inside dlopen), so everything the
// loader maps must lie inside the file.
#include <elf.h>

#include <cstring>

#include "host/plugin/file_check.hpp"

namespace rolesync::plugin {
namespace {

#if defined(__x86_64__)
constexpr Elf64_Half our_machine = EM_X86_64;
constexpr const char* our_machine_name = "x86-64";
#elif defined(__aarch64__)
constexpr Elf64_Half our_machine = EM_AARCH64;
constexpr const char* our_machine_name = "AArch64";
#else
#error "say which machine plugins must be built for"
#endif

Error refuse(const char* reason, std::string message, std::string hint = "") {
  return {ErrorKind::invalid, reason, std::move(message), std::move(hint)};
}

Error truncated(const char* what) {
  return refuse("elf_truncated", std::string("the file ends before its ") + what,
                "copy it again; it may still be being written");
}

// Do `count` records of `size` bytes at `offset` lie inside the file? Without overflow.
bool inside(std::string_view bytes, std::uint64_t offset, std::uint64_t size,
            std::uint64_t count = 1) {
  if (count != 0 && size > bytes.size() / count) return false;
  return offset <= bytes.size() && size * count <= bytes.size() - offset;
}

Status check_segments(std::string_view bytes, const Elf64_Ehdr& header) {
  bool loadable = false, dynamic = false;
  for (std::size_t i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment;
    std::memcpy(&segment, bytes.data() + header.e_phoff + i * sizeof segment, sizeof segment);
    if (segment.p_type == PT_LOAD || segment.p_type == PT_DYNAMIC) {
      if (!inside(bytes, segment.p_offset, segment.p_filesz)) return truncated("segments");
    }
    loadable |= segment.p_type == PT_LOAD;
    dynamic |= segment.p_type == PT_DYNAMIC;
  }
  if (!loadable || !dynamic) {
    return refuse("not_a_shared_library", "the file has nothing that can be loaded");
  }
  return {};
}

}  // namespace

Status check_elf(std::string_view bytes) {
  if (bytes.empty()) {
    return refuse("file_empty", "the file is empty", "copy it again; it may be being written");
  }
  if (bytes.size() < SELFMAG || std::memcmp(bytes.data(), ELFMAG, SELFMAG) != 0) {
    return refuse("not_elf", "the file is no ELF library", "copy the built .so file");
  }
  Elf64_Ehdr header;
  if (bytes.size() < sizeof header) return truncated("header");
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
      header.e_machine != our_machine) {
    return refuse("wrong_architecture", "the library is built for another architecture",
                  std::string("build it for ") + our_machine_name);
  }
  if (header.e_type != ET_DYN || header.e_phentsize != sizeof(Elf64_Phdr) || header.e_phnum == 0) {
    return refuse("not_a_shared_library", "the file is ELF, but no shared library",
                  "build it with rolesync_add_plugin()");
  }
  if (!inside(bytes, header.e_phoff, sizeof(Elf64_Phdr), header.e_phnum)) {
    return truncated("program headers");
  }
  // The section table is last in what linkers write: a file without it was cut.
  if (!inside(bytes, header.e_shoff, header.e_shentsize, header.e_shnum)) {
    return truncated("section headers");
  }
  return check_segments(bytes, header);
}

}  // namespace rolesync::plugin
