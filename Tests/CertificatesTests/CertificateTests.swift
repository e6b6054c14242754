// K1, K2: every fault of a certificate, a key or an authority has its own message, before libcurl sees any of them.

import Certificates
import TestSupport
import Testing

func text(_ pem: String, _ name: String) -> PEMText { PEMText(Array(pem.utf8), named: name) }

func problem(certificate: String, key: String, later: Int = 0) -> CertificateFault.Problem? {
  do throws(CertificateFault) {
    _ = try identity(certificate: certificate, key: key, later: later)
    return nil
  } catch {
    return error.problem
  }
}

func identity(
  certificate: String, key: String, later days: Int = 0
) throws(CertificateFault) -> ClientIdentity {
  try ClientIdentity(
    certificate: text(certificate, "tls.crt"), key: text(key, "tls.key"),
    now: secondsNow() + days * 86_400)
}

@Suite struct `A client certificate and its key` {
  static let pair = TestCertificate.ec
  static let pairs = [TestCertificate.rsa, .ec, .ed25519]

  @Test(arguments: pairs)
  func `K1 belong together, whatever the algorithm`(pair: TestCertificate) throws {
    let identity = try identity(certificate: pair.certificate, key: pair.key)
    #expect(String(decoding: identity.certificatePEM, as: UTF8.self) == pair.certificate)
    #expect(String(decoding: identity.keyPEM, as: UTF8.self) == pair.key)
  }

  @Test func `K1 may come in any order, with the chain, in one file, with text around`() throws {
    let (own, issuer) = (Self.pair.certificate, TestCertificate.rsa.certificate)
    let inOrder = try identity(certificate: own + issuer, key: Self.pair.key)
    #expect(String(decoding: inOrder.certificatePEM, as: UTF8.self) == own + issuer)
    let all = "\u{FEFF}\n Bag Attributes\n\(Self.pair.key)\(issuer)subject=CN\n\(own)the end"
    #expect(try identity(certificate: all, key: all) == inOrder)
    let windows = own.replacing("\n", with: "\r\n")
    #expect(try identity(certificate: windows + issuer, key: Self.pair.key) == inOrder)
  }

  @Test func `K1 may have the older formats of OpenSSL`() throws {
    let (rsa, ec) = (TestCertificate.rsa, TestCertificate.ec)
    let oldRSA = TestCertificate.openssl(["rsa", "-traditional"], input: rsa.key)
    #expect(oldRSA.contains("BEGIN RSA PRIVATE KEY"))
    #expect(problem(certificate: rsa.certificate, key: oldRSA) == nil)
    let parameters = TestCertificate.openssl(["ecparam", "-name", "prime256v1"])
    let oldEC = TestCertificate.openssl(["ec"], input: ec.key)
    #expect(parameters.contains("EC PARAMETERS") && oldEC.contains("BEGIN EC PRIVATE KEY"))
    #expect(problem(certificate: ec.certificate, key: parameters + oldEC) == nil)
    let trusted = TestCertificate.openssl(["x509", "-trustout"], input: ec.certificate)
    #expect(trusted.contains("TRUSTED CERTIFICATE"))
    #expect(problem(certificate: trusted, key: ec.key) == nil)
  }

  @Test(arguments: [
    ["pkey", "-aes256", "-passout", "pass:x"],
    ["rsa", "-traditional", "-aes256", "-passout", "pass:x"],
  ])
  func `K1 with an encrypted key are refused`(conversion: [String]) throws {
    let encrypted = TestCertificate.openssl(conversion, input: TestCertificate.rsa.key)
    #expect(encrypted.contains("ENCRYPTED"))
    let fault = try #require(throws: CertificateFault.self) {
      try identity(certificate: TestCertificate.rsa.certificate, key: encrypted)
    }
    #expect(fault.description == "tls.key is encrypted, and this program knows no passphrase")
    #expect(fault.hint.hasPrefix("Store it without a passphrase"))
  }

  @Test func `K1 that do not belong together are refused`() throws {
    let fault = try #require(throws: CertificateFault.self) {
      try identity(certificate: Self.pair.certificate, key: TestCertificate.other.key)
    }
    #expect(fault.description == "tls.key does not match tls.crt")
  }

  @Test func `K1 are refused when expired or not yet valid, and close to it there is a warning`()
    throws
  {
    let identity = try identity(certificate: Self.pair.certificate, key: Self.pair.key)
    #expect(
      problem(certificate: Self.pair.certificate, key: Self.pair.key, later: 31)
        == .expired(identity.expiry))
    #expect(
      problem(certificate: Self.pair.certificate, key: Self.pair.key, later: -1)
        == .notYetValid(identity.expiry - 30 * 86_400))
    #expect(identity.warning(now: identity.expiry - 14 * 86_400) == nil)
    let warning = try #require(identity.warning(now: identity.expiry - 14 * 86_400 + 1))
    #expect(warning.hasPrefix("tls.crt expires in 13 days, at 20"))
    #expect(identity.warning(now: identity.expiry)?.contains("less than a day") == true)
  }

  @Test func `K1 are told apart where they were exchanged or are something else`() {
    let (certificate, key) = (Self.pair.certificate, Self.pair.key)
    #expect(problem(certificate: key, key: key) == .noCertificate(holdsKey: true))
    #expect(
      problem(certificate: certificate, key: certificate) == .noPrivateKey(holdsCertificate: true))
    let publicKey = TestCertificate.openssl(["pkey", "-pubout"], input: key)
    #expect(
      problem(certificate: certificate, key: publicKey) == .noPrivateKey(holdsCertificate: false))
    let openSSH = key.replacing("PRIVATE KEY", with: "OPENSSH PRIVATE KEY")
    #expect(problem(certificate: certificate, key: openSSH) == .unsupportedKey(format: "OpenSSH"))
  }

  @Test(arguments: ["", " \n\t", "MIIB", "{}", "0\u{82}\u{1}"])
  func `K1 are refused where they are empty or no PEM`(junk: String) {
    let isEmpty = junk.allSatisfy(\.isWhitespace)
    #expect(problem(certificate: junk, key: Self.pair.key) == (isEmpty ? .empty : .notPEM))
    #expect(problem(certificate: Self.pair.certificate, key: junk) == (isEmpty ? .empty : .notPEM))
  }

  @Test func `K1 are refused where they are damaged, and nothing of them is shown`() throws {
    let lines = Self.pair.key.split(separator: "\n")
    for damaged in [
      lines[0] + "\n" + lines[1], lines[0] + "\n!" + lines[1] + "\n" + lines[lines.count - 1],
      Self.pair.key.replacing("\n", with: " "), Self.pair.key.replacing("\n", with: "\\n"),
      Self.pair.key.replacing(lines[1].prefix(12), with: "AAAAAAAAAAAA"),
      "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n",
      "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n" + Self.pair.key,
    ] as [String] {
      let fault = try? #require(throws: CertificateFault.self) {
        try identity(certificate: damaged + Self.pair.certificate, key: damaged)
      }
      guard case .unreadable? = fault?.problem else {
        Issue.record("\(damaged): \(fault.map { "\($0)" } ?? "no fault")")
        continue
      }
      #expect(!"\(fault.map { "\($0)" } ?? "")".contains(lines[1].prefix(12)))
    }
  }

  @Test func `K2 are refused where they are huge`() {
    let huge = String(repeating: Self.pair.certificate, count: 3000)
    #expect(problem(certificate: huge, key: Self.pair.key) == .tooLarge)
    #expect(problem(certificate: Self.pair.certificate, key: huge) == .tooLarge)
  }
}

@Suite struct `Certificate authorities` {
  func problem(_ pem: String, later days: Int = 0) -> CertificateFault.Problem? {
    do throws(CertificateFault) {
      _ = try CertificateAuthorities(
        text(pem, "ca.crt"), now: secondsNow() + days * 86_400)
      return nil
    } catch {
      return error.problem
    }
  }

  @Test func `K1 are taken once each`() throws {
    let (one, other) = (TestCertificate.ec.certificate, TestCertificate.rsa.certificate)
    let authorities = try CertificateAuthorities(text("# a bundle\n" + one + other + one, "ca.crt"))
    #expect(String(decoding: authorities.pem, as: UTF8.self) == one + other)
  }

  @Test func `K1 are refused where no certificate is among them, or none that is still valid`() {
    #expect(problem(TestCertificate.ec.key) == .noCertificate(holdsKey: true))
    #expect(problem("") == .empty)
    #expect(problem("no PEM") == .notPEM)
    #expect(problem(TestCertificate.ec.certificate, later: 29) == nil)
    guard case .authoritiesExpired? = problem(TestCertificate.ec.certificate, later: 31) else {
      Issue.record("expired authorities are taken")
      return
    }
  }

  @Test func `K2 are refused above the size that libcurl would take`() {
    let huge = TestCertificate.ec.certificate + String(repeating: "# text\n", count: 9_000_000 / 7)
    #expect(problem(huge) == .tooLarge)
    let bundle = TestCertificate.ec.certificate + String(repeating: "# text\n", count: 700_000 / 7)
    #expect(problem(bundle) == nil)
  }
}
