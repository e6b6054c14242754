// Who may have a token, for how long, and what it opens: identities.json, read anew for every request.

import COpenSSL
import Foundation

/// The whole of `identities.json`.
struct Identities: Codable, Sendable {
  struct Client: Codable, Sendable {
    var secrets: [String]?
    var federated: [Federation]?
    /// Uploaded certificates, PEM.
    var certificates: [String]?
    /// By the containers' names: any of `read`, `write`, `delete`, `runAsSuperUser`.
    var roles: [String: [String]]?
  }

  struct Federation: Codable, Sendable {
    var issuer: String
    var subject: String
    var audience: String
  }

  /// The tenant that the storage account belongs to.
  var accountTenant = ""
  /// By tenant and client id.
  var tenants: [String: [String: Client]] = [:]
  /// By the issuers of federated tokens: their public keys, PEM.
  var issuers: [String: String] = [:]
  /// The client ids of the identities of this machine, which are of the account's tenant.
  var machine: [String] = []
  /// Seconds that a token lives.
  var lifetime = 3600
  /// Seconds that its response says it lives, where that is something else.
  var announcedLifetime: Int?
  /// Counted up, it ends the life of every token that was issued before.
  var generation: Int?
  /// Whom tokens are for, where that is something else than what was asked for.
  var audience: String?

  init(file: String) throws {
    guard Files.exists(file) else { return }
    self = try JSONDecoder().decode(Identities.self, from: Files.read(file))
  }
}

/// JSON Web Tokens, as far as this sandbox reads and writes them.
struct WebToken {
  let header: JSON
  let claims: JSON
  private let signed: String
  private let signature: Data

  init?(_ text: String) {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 3, let header = Self.decode(parts[0]), let claims = Self.decode(parts[1]),
      let signature = Self.decode(parts[2]), let head = try? JSON(parsing: header),
      let body = try? JSON(parsing: claims)
    else { return nil }
    (self.header, self.claims, self.signature) = (head, body, signature)
    signed = "\(parts[0]).\(parts[1])"
  }

  /// A token of the sandbox's own.
  static func issue(_ claims: [String: JSON], key: Data) throws -> String {
    let header = JSON.object(["alg": .string("HS256"), "typ": .string("JWT")])
    let text = try encode(header.serialized()) + "." + encode(JSON.object(claims).serialized())
    return text + "." + encode(Digests.authenticationCode(of: text, key: key))
  }

  func isIssued(withKey key: Data) -> Bool {
    signature == Digests.authenticationCode(of: signed, key: key)
  }

  /// Whether the holder of this RSA key (PEM) signed it with RS256.
  func isSigned(byPublicKey pem: String) -> Bool {
    let text = Array(pem.utf8)
    guard let memory = unsafe BIO_new_mem_buf(text, Int32(text.count)) else { return false }
    // OpenSSL reads the text where it stands.
    defer { withExtendedLifetime(text) { _ = unsafe BIO_free(memory) } }
    guard let key = unsafe PEM_read_bio_PUBKEY(memory, nil, nil, nil) else { return false }
    defer { unsafe EVP_PKEY_free(key) }
    guard header["alg"]?.text == "RS256" else { return false }
    return unsafe isSigned(by: key)
  }

  /// Whether the holder of this certificate (PEM) signed it, as Entra wants it: RS256 with the SHA-1
  /// of the certificate, or PS256 with its SHA-256.
  func isSigned(byCertificate pem: String) -> Bool {
    let text = Array(pem.utf8)
    guard let memory = unsafe BIO_new_mem_buf(text, Int32(text.count)) else { return false }
    // OpenSSL reads the text where it stands.
    defer { withExtendedLifetime(text) { _ = unsafe BIO_free(memory) } }
    guard let certificate = unsafe PEM_read_bio_X509(memory, nil, nil, nil) else { return false }
    defer { unsafe X509_free(certificate) }
    guard let key = unsafe X509_get0_pubkey(certificate) else { return false }
    let isPSS = header["alg"]?.text == "PS256"
    var digest = [UInt8](repeating: 0, count: 64)
    var count: UInt32 = 0
    let kind = isPSS ? unsafe EVP_sha256() : unsafe EVP_sha1()
    guard unsafe X509_digest(certificate, kind, &digest, &count) == 1 else { return false }
    let thumbprint = Self.encode(Data(digest.prefix(Int(count))))
    guard header["typ"]?.text == "JWT", isPSS || header["alg"]?.text == "RS256",
      // Microsoft's library pads it.
      header[isPSS ? "x5t#S256" : "x5t"]?.text?.replacing("=", with: "") == thumbprint
    else { return false }
    return unsafe isSigned(by: key, isPSS: isPSS)
  }

  private func isSigned(by key: OpaquePointer, isPSS: Bool = false) -> Bool {
    guard let context = unsafe EVP_MD_CTX_new() else { return false }
    defer { unsafe EVP_MD_CTX_free(context) }
    var parameters: OpaquePointer?
    guard unsafe EVP_DigestVerifyInit(context, &parameters, EVP_sha256(), nil, key) == 1 else {
      return false
    }
    if isPSS {
      guard unsafe EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1,
        unsafe EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, 32) == 1
      else { return false }
    }
    let (code, message) = (Array(signature), Array(signed.utf8))
    return unsafe EVP_DigestVerify(context, code, code.count, message, message.count) == 1
  }

  func number(_ claim: String) -> Int? {
    switch claims[claim] {
    case .integer(let number): number
    case .number(let number): Int(number)
    default: nil
    }
  }

  /// One text, or the only one of a list.
  func text(_ claim: String) -> String? {
    if case .array(let list) = claims[claim] { return list.count == 1 ? list[0].text : nil }
    return claims[claim]?.text
  }

  private static func encode(_ bytes: Data) -> String {
    bytes.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_")
      .replacing("=", with: "")
  }

  private static func decode(_ text: Substring) -> Data? {
    let standard = String(text).replacing("-", with: "+").replacing("_", with: "/")
    return Data(
      base64Encoded: standard + String(repeating: "=", count: (4 - standard.utf8.count % 4) % 4))
  }
}
