// SPDX-License-Identifier: Apache-2.0
#include "server/http/certificates.hpp"

#include <Poco/Net/IPAddress.h>
#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <memory>

#include "host/values/hash.hpp"
#include "host/values/secret.hpp"

namespace rolesync::http {
namespace {

namespace fs = std::filesystem;

template <auto F>
struct Free {
  template <class T>
  void operator()(T* object) const {
    F(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Free<X509_free>>;
using Bio = std::unique_ptr<BIO, Free<BIO_free>>;

constexpr int kCaDays = 3650;

Error failed(const std::string& what, const std::string& why) {
  return {ErrorKind::failed, "certificate_failed", what + ": " + why,
          "check the directory, its permissions and the free space"};
}

Error openssl_failed(const std::string& what) {
  std::array<char, 256> text{};
  ERR_error_string_n(ERR_get_error(), text.data(), text.size());
  ERR_clear_error();
  return failed(what, text.data());
}

std::string bio_text(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

// Complete or not at all, and on disk: a half key would lock every agent out.
Status write_file(const fs::path& path, std::string_view text, mode_t mode) {
  const std::string temporary = path.string() + "." + random_hex(4);
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (fd < 0) return failed("Cannot write " + path.string(), std::strerror(errno));
  bool good = ::fchmod(fd, mode) == 0;
  while (good && !text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    good = n > 0;
    if (good) text.remove_prefix(static_cast<std::size_t>(n));
  }
  good = good && ::fsync(fd) == 0;
  good = ::close(fd) == 0 && good;
  good = good && ::rename(temporary.c_str(), path.c_str()) == 0;
  if (good) return {};
  Error error = failed("Cannot write " + path.string(), std::strerror(errno));
  ::unlink(temporary.c_str());
  return error;
}

Status write_key(const fs::path& path, EVP_PKEY* key) {
  Bio bio(BIO_new(BIO_s_mem()));
  if (!PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr)) {
    return openssl_failed("Cannot encode a key");
  }
  return write_file(path, bio_text(bio.get()), 0600);
}

Status write_certificates(const fs::path& path, std::initializer_list<X509*> certificates) {
  Bio bio(BIO_new(BIO_s_mem()));
  for (X509* certificate : certificates) {
    if (!PEM_write_bio_X509(bio.get(), certificate)) {
      return openssl_failed("Cannot encode a certificate");
    }
  }
  return write_file(path, bio_text(bio.get()), 0644);
}

Certificate read_certificate(const fs::path& path) {
  Bio bio(BIO_new_file(path.c_str(), "r"));
  return Certificate(bio ? PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr) : nullptr);
}

Key read_key(const fs::path& path) {
  Bio bio(BIO_new_file(path.c_str(), "r"));
  return Key(bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr) : nullptr);
}

bool add_extension(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  if (!extension) return false;
  const bool added = X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return added;
}

bool set_random_serial(X509* certificate) {
  std::array<unsigned char, 16> bytes{};
  if (RAND_bytes(bytes.data(), bytes.size()) != 1) return false;
  bytes[0] &= 0x7f;  // positive
  BIGNUM* number = BN_bin2bn(bytes.data(), bytes.size(), nullptr);
  const bool set = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
  BN_free(number);
  return set;
}

struct Contents {
  std::string common_name;
  int days = 0;
  std::vector<std::pair<int, std::string>> extensions;
};

// A certificate for `key`, signed by the issuer; its own issuer when there is none.
Certificate sign(const Contents& contents, EVP_PKEY* key, X509* issuer, EVP_PKEY* issuer_key) {
  Certificate out(X509_new());
  X509* raw = out.get();
  if (!raw || X509_set_version(raw, 2) != 1 || !set_random_serial(raw)) return nullptr;
  X509_gmtime_adj(X509_getm_notBefore(raw), -3600);  // nodes whose clock is a little behind
  X509_time_adj_ex(X509_getm_notAfter(raw), contents.days, 0, nullptr);
  X509_set_pubkey(raw, key);
  X509_NAME* name = X509_get_subject_name(raw);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(contents.common_name.c_str()),
                             -1, -1, 0);
  X509_set_issuer_name(raw, issuer ? X509_get_subject_name(issuer) : name);
  for (const auto& [kind, value] : contents.extensions) {
    if (!add_extension(raw, issuer ? issuer : raw, kind, value)) return nullptr;
  }
  if (X509_sign(raw, issuer_key ? issuer_key : key, EVP_sha256()) == 0) return nullptr;
  return out;
}

bool is_dns_name(std::string_view text) {
  if (text.starts_with("*.")) text.remove_prefix(2);
  if (text.empty() || text.size() > 253 || text.front() == '.' || text.front() == '-') return false;
  return std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return std::isalnum(c) != 0 || c == '.' || c == '-'; });
}

// "DNS:a.example,IP:10.0.0.1". Only checked names get in: the text has a syntax of its own.
Result<std::string> alternative_names(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) {
    Poco::Net::IPAddress address;
    const bool is_ip = Poco::Net::IPAddress::tryParse(name, address);
    if (!is_ip && !is_dns_name(name)) {
      return Error{ErrorKind::invalid, "invalid_name",
                   "'" + name + "' is neither a host name nor an IP address",
                   "give the names and addresses by which nodes reach the server"};
    }
    out += (out.empty() ? "" : ",") + (is_ip ? "IP:" + address.toString() : "DNS:" + name);
  }
  if (!out.empty()) return out;
  return Error{ErrorKind::invalid, "invalid_name", "A server certificate needs a name",
               "give the names and addresses by which nodes reach the server"};
}

struct Authority {
  Key key;
  Certificate certificate;
};

Result<Authority> make_authority(const CertificateFiles& files) {
  Authority out{Key(EVP_EC_gen("P-256")), nullptr};
  if (!out.key) return openssl_failed("Cannot make a key");
  const Contents contents{"rolesync CA " + random_hex(4),
                          kCaDays,
                          {{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
                           {NID_key_usage, "critical,keyCertSign,cRLSign"},
                           {NID_subject_key_identifier, "hash"}}};
  out.certificate = sign(contents, out.key.get(), nullptr, nullptr);
  if (!out.certificate) return openssl_failed("Cannot make the CA certificate");
  // The key first: a certificate without its key would be kept for ever.
  if (Status written = write_key(files.ca_key, out.key.get()); !written) return written.error();
  if (Status written = write_certificates(files.ca_certificate, {out.certificate.get()});
      !written) {
    return written.error();
  }
  return out;
}

Result<Authority> authority(const CertificateFiles& files) {
  if (!fs::exists(files.ca_certificate)) return make_authority(files);
  Authority out{read_key(files.ca_key), read_certificate(files.ca_certificate)};
  if (out.key && out.certificate && X509_check_private_key(out.certificate.get(), out.key.get())) {
    return out;
  }
  ERR_clear_error();
  return failed("The CA in " + files.ca_certificate.parent_path().string() + " cannot be used",
                "its key is missing, unreadable or another one");
}

}  // namespace

CertificateFiles certificate_files(const fs::path& directory) {
  return {directory / "ca.pem", directory / "ca.key", directory / "server.pem",
          directory / "server.key"};
}

Result<CertificateFiles> make_certificates(const fs::path& directory,
                                           const std::vector<std::string>& names, int valid_days) {
  Result<std::string> alternatives = alternative_names(names);
  if (!alternatives) return alternatives.error();
  std::error_code failure;
  if (fs::create_directories(directory, failure)) {
    fs::permissions(directory, fs::perms::owner_all, failure);
  }
  if (failure) return failed("Cannot make " + directory.string(), failure.message());
  CertificateFiles files = certificate_files(directory);
  Result<Authority> ca = authority(files);
  if (!ca) return ca.error();
  Key key(EVP_EC_gen("P-256"));
  if (!key) return openssl_failed("Cannot make a key");
  const Contents contents{"rolesync server",
                          valid_days,
                          {{NID_basic_constraints, "critical,CA:FALSE"},
                           {NID_key_usage, "critical,digitalSignature"},
                           {NID_ext_key_usage, "serverAuth"},
                           {NID_subject_key_identifier, "hash"},
                           {NID_authority_key_identifier, "keyid"},
                           {NID_subject_alt_name, *alternatives}}};
  Certificate certificate = sign(contents, key.get(), ca->certificate.get(), ca->key.get());
  if (!certificate) return openssl_failed("Cannot make the server certificate");
  if (Status written = write_key(files.key, key.get()); !written) return written.error();
  if (Status written =
          write_certificates(files.certificate, {certificate.get(), ca->certificate.get()});
      !written) {
    return written.error();
  }
  return files;
}

Result<std::string> certificate_fingerprint(const fs::path& file) {
  const Certificate certificate = read_certificate(file);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (!certificate || !X509_digest(certificate.get(), EVP_sha256(), digest.data(), &size)) {
    ERR_clear_error();
    return Error{ErrorKind::not_found, "certificate_unreadable",
                 "There is no certificate in " + file.string(), "run rolesync-server init"};
  }
  return to_hex({reinterpret_cast<const char*>(digest.data()), size});
}

Result<Millis> certificate_expires_at(const fs::path& file) {
  const Certificate certificate = read_certificate(file);
  std::tm ends{};
  if (!certificate || ASN1_TIME_to_tm(X509_get0_notAfter(certificate.get()), &ends) != 1) {
    ERR_clear_error();
    return Error{ErrorKind::not_found, "certificate_unreadable",
                 "There is no certificate in " + file.string(), "run rolesync-server init"};
  }
  return Millis{::timegm(&ends)} * 1000;
}

}  // namespace rolesync::http
