// How each kind of variable is read from its text; each says what it expects.

internal import Azure
internal import Certificates
internal import Etcd
internal import HTTP

enum ConfigurationValue {
  // MARK: Names

  /// A label by RFC 1123, as Kubernetes names its namespaces.
  static func namespace(_ text: String) throws(InvalidValue) -> String {
    guard isLabel(text) else {
      throw InvalidValue(
        text, expected: "the name of a namespace: up to 63 lower-case letters, digits and hyphens")
    }
    return text
  }

  /// Labels separated by dots, as Kubernetes names Secrets and ConfigMaps.
  static func objectName(_ text: String) throws(InvalidValue) -> String {
    let labels = text.split(separator: ".", omittingEmptySubsequences: false)
    guard text.utf8.count <= 253, labels.allSatisfy(isLabel) else {
      throw InvalidValue(
        text, expected: "the name of a Kubernetes object: lower-case letters, digits, - and .")
    }
    return text
  }

  private static func isLabel(_ text: some StringProtocol) -> Bool {
    let isEdge = { (byte: UInt8) in (97...122).contains(byte) || (48...57).contains(byte) }
    let bytes = Array(text.utf8)
    guard let first = bytes.first, let last = bytes.last else { return false }
    return bytes.count <= 63 && isEdge(first) && isEdge(last)
      && bytes.allSatisfy { isEdge($0) || $0 == UInt8(ascii: "-") }
  }

  static func endpoints(_ text: String) throws(InvalidValue) -> [Endpoint] {
    var endpoints: [Endpoint] = []
    for part in text.split(separator: ",") {
      let url = String(part.trimmingBlanks())
      guard let endpoint = Endpoint(url) else {
        throw InvalidValue(
          withoutPassword(url, of: text),
          expected: "a client URL of etcd such as https://etcd-0.etcd:2379")
      }
      if !endpoints.contains(endpoint) { endpoints.append(endpoint) }
    }
    guard !endpoints.isEmpty else {
      throw InvalidValue(text, expected: "a comma-separated list of client URLs of etcd")
    }
    return endpoints
  }

  static func etcdTransport(_ text: String) throws(InvalidValue) -> EtcdTransport {
    guard let kind = EtcdTransport(rawValue: text.lowercased()) else {
      throw InvalidValue(text, expected: "gateway, grpc or auto")
    }
    return kind
  }

  /// A client id or a tenant, which may also be a domain.
  static func identifier(_ text: String) throws(InvalidValue) -> String {
    let isRight = text.utf8.allSatisfy { byte in
      (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
        || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
    }
    guard isRight else {
      throw InvalidValue(text, expected: "an id: letters, digits, hyphens and full stops")
    }
    return text
  }

  static func storageAuthentication(_ text: String) throws(InvalidValue) -> StorageAuthentication {
    guard let kind = StorageAuthentication(rawValue: text.lowercased()) else {
      throw InvalidValue(
        text, expected: StorageAuthentication.allCases.map(\.rawValue).joined(separator: ", "))
    }
    return kind
  }

  /// A password may hold the comma that separates URLs, so all of the list is looked at.
  private static func withoutPassword(_ url: String, of list: String) -> String {
    guard let at = list.lastIndex(of: "@") else { return url }
    return "…" + list[at...]
  }

  static func onOrOff(_ text: String) throws(InvalidValue) -> Bool {
    switch text.lowercased() {
    case "on": return true
    case "off": return false
    default: throw InvalidValue(text, expected: "on or off")
    }
  }

  // MARK: Quantities

  static func number(
    in range: ClosedRange<Int>
  ) -> (String) throws(InvalidValue) -> Int {
    { text throws(InvalidValue) in
      guard let number = Int(text), range.contains(number) else {
        throw InvalidValue(
          text, expected: "a whole number from \(range.lowerBound) to \(range.upperBound)")
      }
      return number
    }
  }

  static func byteCount(
    in range: ClosedRange<Int>
  ) -> (String) throws(InvalidValue) -> Int {
    { text throws(InvalidValue) in
      guard let bytes = ByteCount.parse(text), range.contains(bytes) else {
        let least = ByteCount.describe(UInt64(range.lowerBound))
        let most = ByteCount.describe(UInt64(range.upperBound))
        throw InvalidValue(
          text, expected: "a size such as 8MiB or 8388608, from \(least) to \(most)")
      }
      return bytes
    }
  }

  static func duration(_ text: String) throws(InvalidValue) -> Duration {
    guard let duration = GoDuration.parse(text), duration >= .zero else {
      throw InvalidValue(text, expected: "a duration such as 72h, 1h30m or 90s")
    }
    return duration
  }

  static func positiveDuration(_ text: String) throws(InvalidValue) -> Duration {
    guard let duration = GoDuration.parse(text), duration > .zero else {
      throw InvalidValue(text, expected: "a duration above zero such as 30m, 1h30m or 90s")
    }
    return duration
  }

  // MARK: Files and logging

  static func certificates(
    at path: String, _ readFile: (String) throws -> [UInt8]
  ) throws(InvalidValue) -> CertificateAuthorities {
    let bytes: [UInt8]
    do { bytes = try readFile(path) } catch {
      throw InvalidValue(path, expected: "a file that can be read: \(error)")
    }
    do throws(CertificateFault) {
      return try CertificateAuthorities(PEMText(bytes, named: path))
    } catch {
      throw InvalidValue(path, expected: "a file with certificates in PEM: it \(error.problem)")
    }
  }

  static func logLevel(_ text: String) throws(InvalidValue) -> LogLevel {
    guard let level = LogLevel(text) else {
      throw InvalidValue(text, expected: "trace, debug, info, warn or error")
    }
    return level
  }

  static func logFormat(_ text: String) throws(InvalidValue) -> LogFormat {
    guard let format = LogFormat(rawValue: text.lowercased()) else {
      throw InvalidValue(text, expected: "json or text")
    }
    return format
  }
}
