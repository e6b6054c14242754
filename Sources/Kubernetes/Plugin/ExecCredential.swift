// What an exec plugin prints: a token, a client certificate with its key, or both, and until when they hold.

internal import Certificates
internal import FoundationEssentials
internal import Glibc
internal import HTTP

struct ExecCredential {
  let token: BearerToken?
  let identity: ClientIdentity?
  /// Seconds since 1970; `nil`: until the server refuses it.
  let expiry: Int?

  private struct Output: Decodable {
    struct Status: Decodable {
      let token: String?
      let clientCertificateData: String?
      let clientKeyData: String?
      let expirationTimestamp: String?
    }

    let apiVersion: String?
    let kind: String?
    let status: Status?
  }

  /// `now` is in seconds since 1970. No error quotes the output: it may hold a secret.
  init(
    _ bytes: [UInt8], version: String, now: Int = time(nil)
  ) throws(PluginFault.Problem) {
    guard let output = JSON.decode(Output.self, from: bytes), output.kind == "ExecCredential" else {
      throw .unreadable("is not the JSON of an ExecCredential")
    }
    // Read before anything is refused: that registers the secrets.
    let token = output.status?.token.flatMap { BearerToken($0) }
    guard output.apiVersion == version else {
      throw .unreadable("is not of the version \(version), which the kubeconfig names")
    }
    guard let status = output.status else { throw .unreadable("has no status") }
    let certificate = Self.nonempty(status.clientCertificateData)
    let key = Self.nonempty(status.clientKeyData)
    if Self.nonempty(status.token) != nil, token == nil {
      throw .unreadable("has a token that cannot stand in a header field")
    }
    switch (certificate, key) {
    case (let certificate?, let key?):
      identity = try Self.identity(certificate, key)
    case (nil, nil):
      guard token != nil else {
        throw .unreadable("has neither a token nor a client certificate")
      }
      identity = nil
    case (nil, _): throw .unreadable("has a client key without a certificate")
    case (_, nil): throw .unreadable("has a client certificate without a key")
    }
    self.token = token
    expiry = try Self.nonempty(status.expirationTimestamp).map {
      text throws(PluginFault.Problem) in
      guard let time = ISO8601.parseAny(text) else {
        throw .unreadable("has an expirationTimestamp that is not a time")
      }
      guard time > now else { throw .expired(at: time, now: now) }
      return time
    }
  }

  private static func identity(
    _ certificate: String, _ key: String
  ) throws(PluginFault.Problem) -> ClientIdentity {
    do throws(CertificateFault) {
      return try ClientIdentity(
        certificate: PEMText(Array(certificate.utf8), named: "clientCertificateData"),
        key: PEMText(Array(key.utf8), named: "clientKeyData"))
    } catch {
      throw .certificate(error)
    }
  }

  private static func nonempty(_ text: String?) -> String? {
    text.flatMap { $0.isEmpty ? nil : $0 }
  }
}

extension ExecCredential: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  var description: String { "<exec credential>" }
  var debugDescription: String { description }
  var customMirror: Mirror { Mirror(self, children: []) }
}
