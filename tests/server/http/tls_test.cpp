// SPDX-License-Identifier: Apache-2.0
// Certificates, and that nothing secret leaves a client that does not know who is listening.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "front_fixture.hpp"
#include "server/http/certificates.hpp"
#include "server/http/served_certificate.hpp"

namespace rolesync::http {
namespace {

namespace fs = std::filesystem;

class TlsTest : public FrontTest {
 protected:
  TlsTest() {
    char name[] = "/tmp/rolesync-tls-XXXXXX";
    directory = ::mkdtemp(name);
    auto made = make_certificates(directory / "tls", {"127.0.0.1", "server.example"});
    EXPECT_TRUE(made.ok()) << made.error().text();
    files = *made;
    options.certificate_file = files.certificate;
    options.key_file = files.key;
    fingerprint = *certificate_fingerprint(files.certificate);
    router.on("GET", "/token", Policy::open(), [this](const Request& request) {
      ++requests_seen;
      return Response{200, {}, request.headers.contains("authorization") ? "yes" : "no"};
    });
  }
  ~TlsTest() override {
    front.reset();
    fs::remove_all(directory);
  }

  Result<HttpAnswer> get(ServerAddress address) {
    auto made = HttpClient::create(std::move(address), "secret");
    if (!made) return made.error();
    return (*made)->send({.path = "/token"});
  }

  fs::path directory;
  CertificateFiles files;
  std::atomic<int> requests_seen = 0;
};

TEST_F(TlsTest, PinnedFingerprintOrCaIsEnough) {
  start();
  EXPECT_EQ(front->url().substr(0, 8), "https://");
  EXPECT_EQ(get({front->url(), fingerprint, ""})->body, "yes");
  EXPECT_EQ(get({front->url(), "", files.ca_certificate})->body, "yes");
}

TEST_F(TlsTest, WrongPinIsRefusedBeforeTheTokenIsSent) {
  start();
  auto refused = get({front->url(), std::string(64, 'a'), ""});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().reason, "certificate_mismatch");
  EXPECT_EQ(refused.error().kind, ErrorKind::denied);
  auto stream = (*HttpClient::create({front->url(), std::string(64, 'a'), ""}, "secret"))
                    ->open_stream("/token");
  EXPECT_EQ(stream.error().reason, "certificate_mismatch");
  EXPECT_EQ(requests_seen, 0);
  EXPECT_EQ(front->counts().requests, 0u);
}

TEST_F(TlsTest, OtherCaOrOtherNameIsRefused) {
  auto other = make_certificates(directory / "other", {"127.0.0.1"});
  ASSERT_TRUE(other.ok());
  start();
  auto refused = get({front->url(), "", other->ca_certificate});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().reason, "certificate_untrusted");
  // The name is right for 127.0.0.1 only.
  refused = get({"https://localhost:" + std::to_string(front->port()), "", files.ca_certificate});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().reason, "certificate_wrong_name");
  EXPECT_EQ(front->counts().requests, 0u);
}

TEST_F(TlsTest, AnExpiredCertificateIsRefusedByNameAndNothingIsSent) {
  const std::string make =
      "cd " + directory.string() +
      " && openssl ecparam -name prime256v1 -genkey -noout -out ca.key"
      " && openssl req -x509 -new -key ca.key -subj /CN=ca -days 10 -out ca.crt"
      " && openssl ecparam -name prime256v1 -genkey -noout -out old.key"
      " && openssl req -new -key old.key -subj /CN=old -addext subjectAltName=IP:127.0.0.1"
      " -out old.csr"
      " && openssl x509 -req -in old.csr -CA ca.crt -CAkey ca.key -CAcreateserial"
      " -copy_extensions copy -days -1 -out old.crt >/dev/null 2>&1";
  ASSERT_EQ(std::system(make.c_str()), 0);
  options.certificate_file = directory / "old.crt";
  options.key_file = directory / "old.key";
  start();
  const auto refused = get({front->url(), "", directory / "ca.crt"});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().reason, "certificate_expired");
  EXPECT_EQ(front->counts().requests, 0u);
  // Whoever pins a certificate has said that this very one is right.
  EXPECT_EQ(get({front->url(), *certificate_fingerprint(options.certificate_file), ""})->body,
            "yes");
}

TEST_F(TlsTest, ClientsThatCannotTrustOrWouldSpeakInClearAreRefused) {
  EXPECT_EQ(get({"https://server.example:1", "", ""}).error().reason, "no_trust");
  EXPECT_EQ(get({"http://server.example:1", "", ""}).error().reason, "tls_required");
  EXPECT_EQ(get({"https://server.example:1", "", directory / "none.pem"}).error().reason,
            "certificate_unreadable");
}

TEST_F(TlsTest, PlainClientAndTlsServerDoNotHang) {
  options.limits.head_time = milliseconds(500);
  start();
  RawSocket plain(front->port());
  ASSERT_TRUE(plain.send("GET /token HTTP/1.1\r\nHost: x\r\n\r\n"));
  plain.read_all();  // a TLS alert, or nothing; then the end
  EXPECT_TRUE(eventually([&] { return front->counts().connections == 0; }));
  RawSocket silent(front->port());  // never says hello
  EXPECT_EQ(silent.read_all(), "");
  EXPECT_EQ(front->counts().requests, 0u);
}

TEST_F(TlsTest, TlsClientAndPlainServerIsAClearError) {
  options.certificate_file.clear();
  options.key_file.clear();
  start();
  auto refused = get({"https://127.0.0.1:" + std::to_string(front->port()), fingerprint, ""});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().reason, "server_unreachable");
}

TEST_F(TlsTest, KeepsConnectionsLongPollsAndLargeBodies) {
  start();
  auto c = client("n1");
  const std::string large(900'000, 'x');
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(c->send({.method = "POST", .path = "/echo", .body = large})->body.size(),
              large.size());
  }
  std::thread server([&] {
    auto reply = parked.take();
    if (reply) reply->send({200, {}, "command"});
  });
  EXPECT_EQ(c->send({.method = "POST", .path = "/api/nodes/n1/heartbeat"})->body, "command");
  server.join();
  EXPECT_EQ(front->counts().accepted, 1u);
}

TEST_F(TlsTest, UnreadableCertificateStopsTheStart) {
  options.key_file = directory / "none";
  Front broken(options, router);
  EXPECT_EQ(broken.start().error().reason, "certificate_unreadable");
  auto other = make_certificates(directory / "other", {"127.0.0.1"});
  options.key_file = other->key;
  Front mixed(options, router);
  EXPECT_EQ(mixed.start().error().reason, "certificate_unreadable");
}

TEST_F(TlsTest, KeysAreOnlyTheOwnersAndTheCaStays) {
  const auto mode = [](const fs::path& path) {
    struct stat info {};
    ::stat(path.c_str(), &info);
    return info.st_mode & 0777;
  };
  EXPECT_EQ(mode(files.ca_key), 0600u);
  EXPECT_EQ(mode(files.key), 0600u);
  EXPECT_EQ(mode(directory / "tls"), 0700u);
  const std::string ca = *certificate_fingerprint(files.ca_certificate);
  ASSERT_TRUE(make_certificates(directory / "tls", {"127.0.0.1"}).ok());
  EXPECT_EQ(*certificate_fingerprint(files.ca_certificate), ca);
  EXPECT_NE(*certificate_fingerprint(files.certificate), fingerprint);
  start();  // the renewed certificate is good for whoever trusts the CA
  EXPECT_EQ(get({front->url(), "", files.ca_certificate})->body, "yes");
}

TEST_F(TlsTest, BadNamesAndABrokenCaAreErrors) {
  for (const char* name : {"a,IP:1.2.3.4", "a b", "", "-x", "a\nb", "email:x"}) {
    EXPECT_EQ(make_certificates(directory / "x", {name}).error().reason, "invalid_name") << name;
  }
  EXPECT_EQ(make_certificates(directory / "x", {}).error().reason, "invalid_name");
  EXPECT_TRUE(make_certificates(directory / "x", {"::1", "*.example.org"}).ok());
  fs::remove(directory / "x" / "ca.key");
  EXPECT_EQ(make_certificates(directory / "x", {"::1"}).error().reason, "certificate_failed");
  EXPECT_FALSE(certificate_fingerprint(directory / "x" / "server.key").ok());
}

class ReplacedCertificate : public TlsTest {
 protected:
  void serve(milliseconds every) {
    start();
    served = std::move(*ServedCertificate::open({files.certificate, files.key}));
    served->follow(
        [this](const ServedCertificate::Files& now) {
          return front->use_certificate(now.certificate, now.key);
        },
        every);
  }
  void renew() { ASSERT_TRUE(make_certificates(directory / "tls", {"127.0.0.1"}).ok()); }
  static std::string text_of(const fs::path& file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void write(const fs::path& file, const std::string& text) { std::ofstream(file) << text; }
  std::string renewed() { return *certificate_fingerprint(files.certificate); }
  std::unique_ptr<ServedCertificate> served;
};

TEST_F(ReplacedCertificate, IsShownToNewConnectionsAndOldOnesGoOn) {
  serve(milliseconds(20));
  auto before = std::move(*HttpClient::create({front->url(), fingerprint, ""}, "secret"));
  EXPECT_EQ(before->send({.path = "/token"})->body, "yes");
  renew();
  EXPECT_TRUE(eventually([&] { return served->state().fingerprint == renewed(); }));
  EXPECT_NE(renewed(), fingerprint);
  EXPECT_EQ(get({front->url(), renewed(), ""})->body, "yes");
  EXPECT_EQ(get({front->url(), fingerprint, ""}).error().reason, "certificate_mismatch");
  EXPECT_EQ(before->send({.path = "/token"})->body, "yes");  // the same connection
}

TEST_F(ReplacedCertificate, FilesThatCannotBeUsedChangeNothingAndThatIsSaid) {
  serve(milliseconds(20));
  const std::string good = text_of(files.certificate), key = text_of(files.key);
  write(files.certificate, "no certificate");
  EXPECT_TRUE(eventually([&] { return !served->state().problem.empty(); }));
  EXPECT_EQ(get({front->url(), fingerprint, ""})->body, "yes");
  const auto other = make_certificates(directory / "other", {"127.0.0.1"});
  fs::copy_file(other->certificate, files.certificate, fs::copy_options::overwrite_existing);
  EXPECT_TRUE(eventually([&] {
    return served->state().problem.find("does not belong") != std::string::npos;
  })) << served->state().problem;
  EXPECT_EQ(served->state().fingerprint, fingerprint);
  EXPECT_EQ(get({front->url(), fingerprint, ""})->body, "yes");
  fs::remove(files.key);
  EXPECT_FALSE(served->reload());
  EXPECT_EQ(get({front->url(), fingerprint, ""})->body, "yes");
  write(files.certificate, good);
  write(files.key, key);
  EXPECT_TRUE(eventually([&] { return served->state().problem.empty(); }));
}

TEST_F(ReplacedCertificate, IsTakenAtOnceWhenAskedFor) {
  serve(std::chrono::hours(1));
  renew();
  EXPECT_EQ(served->state().fingerprint, fingerprint);
  EXPECT_TRUE(served->reload());
  EXPECT_EQ(served->state().fingerprint, renewed());
  const Millis in_two_years = served->state().expires_at - std::time(nullptr) * Millis{1000};
  EXPECT_NEAR(static_cast<double>(in_two_years), 825.0 * 86'400'000, 2.0 * 86'400'000);
}

}  // namespace
}  // namespace rolesync::http
