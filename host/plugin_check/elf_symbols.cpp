// SPDX-License-Identifier: Apache-2.0
#include "host/plugin_check/elf_symbols.hpp"

#include <elf.h>

#include <cstring>

namespace rolesync::plugin_check {
namespace {

// A record at an offset that may be anything.
template <class Record>
std::optional<Record> at(std::string_view bytes, std::uint64_t offset) {
  if (offset > bytes.size() || bytes.size() - offset < sizeof(Record)) return std::nullopt;
  Record record;
  std::memcpy(&record, bytes.data() + offset, sizeof record);
  return record;
}

std::optional<Elf64_Shdr> section(std::string_view bytes, const Elf64_Ehdr& header,
                                  std::size_t index) {
  if (index >= header.e_shnum || header.e_shentsize != sizeof(Elf64_Shdr)) return std::nullopt;
  return at<Elf64_Shdr>(bytes, header.e_shoff + index * sizeof(Elf64_Shdr));
}

std::string text_at(std::string_view bytes, const Elf64_Shdr& strings, std::uint64_t offset) {
  if (offset >= strings.sh_size || strings.sh_offset > bytes.size()) return "";
  std::string_view rest = bytes.substr(strings.sh_offset);
  rest = rest.substr(0, strings.sh_size);
  if (offset >= rest.size()) return "";
  rest.remove_prefix(offset);
  return std::string(rest.substr(0, rest.find('\0')));
}

}  // namespace

std::optional<std::vector<ElfSymbol>> dynamic_symbols(std::string_view bytes) {
  const auto header = at<Elf64_Ehdr>(bytes, 0);
  if (!header) return std::nullopt;
  for (std::size_t i = 0; i < header->e_shnum; ++i) {
    const auto table = section(bytes, *header, i);
    if (!table) return std::nullopt;
    if (table->sh_type != SHT_DYNSYM) continue;
    const auto strings = section(bytes, *header, table->sh_link);
    if (!strings) return std::nullopt;
    std::vector<ElfSymbol> symbols;
    for (std::uint64_t at_byte = 0; at_byte + sizeof(Elf64_Sym) <= table->sh_size;
         at_byte += sizeof(Elf64_Sym)) {
      const auto symbol = at<Elf64_Sym>(bytes, table->sh_offset + at_byte);
      if (!symbol) return std::nullopt;
      const auto binding = ELF64_ST_BIND(symbol->st_info);
      if (binding == STB_LOCAL) continue;
      symbols.push_back({text_at(bytes, *strings, symbol->st_name), symbol->st_shndx != SHN_UNDEF,
                         binding == STB_GNU_UNIQUE});
    }
    return symbols;
  }
  return std::nullopt;
}

}  // namespace rolesync::plugin_check
