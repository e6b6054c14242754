// The header of an age file, read as its bytes come in.

internal import Digests

/// Takes bytes until the header has ended, and refuses all that the format does not allow.
struct HeaderReader {
  /// 98 bytes a recipient, so more than 600 of them.
  static let maximumByteCount = 65_536

  /// Everything so far.
  private(set) var bytes: [UInt8] = []
  /// Known once the header has ended.
  private(set) var authenticationCode: [UInt8]?

  private(set) var stanzas: [X25519Stanza] = []
  /// The kinds of the others, each once, in their order.
  private(set) var otherKinds: [String] = []
  private var stanzaCount = 0

  private var lineNumber = 1
  private var lineStart = 0
  private var expected = Expected.version

  private enum Expected {
    case version
    case stanzaOrFooter
    case body(arguments: [String], start: [UInt8])
  }

  /// Returns how many of the bytes belong to the header; all of them while it has not ended.
  mutating func append(_ input: RawSpan) throws(AgeError) -> Int {
    for index in 0..<input.byteCount {
      let byte = input.byte(at: index)
      if byte == UInt8(ascii: "\n") {
        try takeLine()
        bytes.append(byte)
        lineNumber += 1
        lineStart = bytes.count
        if authenticationCode != nil { return index + 1 }
      } else {
        bytes.append(byte)
        if lineNumber == 1 { try checkBeginning() }
      }
      guard bytes.count < Self.maximumByteCount else {
        throw .headerTooLong(limit: Self.maximumByteCount)
      }
    }
    return input.byteCount
  }

  /// What it means that the file ends within the header.
  var truncation: AgeError {
    if lineNumber == 1, !HeaderText.version.utf8.starts(with: bytes) { return .notAge }
    return .truncatedHeader
  }

  /// The part of the header that the authentication code is of: through `---`.
  var authenticated: ArraySlice<UInt8> {
    let code = HeaderBase64.encode(authenticationCode ?? [])
    return bytes.dropLast(code.count + 2)
  }

  // MARK: Lines

  /// Tells soon what is no age file, so that nothing long is kept of it.
  private func checkBeginning() throws(AgeError) {
    if bytes.count > HeaderText.version.utf8.count { try checkVersion() }
  }

  private func checkVersion() throws(AgeError) {
    guard bytes != Array(HeaderText.version.utf8) else { return }
    if bytes.starts(with: "-----BEGIN AGE".utf8) { throw .armored }
    throw bytes.starts(with: "age-encryption.org/".utf8) ? .unknownVersion : .notAge
  }

  private mutating func takeLine() throws(AgeError) {
    let line = bytes[lineStart...]
    switch expected {
    case .version:
      try checkVersion()
      expected = .stanzaOrFooter
    case .stanzaOrFooter:
      if line.starts(with: HeaderText.stanzaMark.utf8) {
        expected = .body(arguments: try arguments(line), start: [])
      } else {
        try takeFooter(line)
      }
    case .body(let arguments, let start):
      guard line.count <= HeaderText.columns, let end = HeaderBase64.decode(line) else {
        throw malformed(.body)
      }
      if line.count == HeaderText.columns {
        expected = .body(arguments: arguments, start: start + end)
      } else {
        try takeStanza(arguments, body: start + end)
        expected = .stanzaOrFooter
      }
    }
  }

  private func arguments(_ line: ArraySlice<UInt8>) throws(AgeError) -> [String] {
    let arguments = line.dropFirst(HeaderText.stanzaMark.utf8.count)
      .split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
    for argument in arguments
    where argument.isEmpty || !argument.allSatisfy({ (0x21...0x7E).contains($0) }) {
      throw malformed(.stanza)
    }
    return arguments.map { String(decoding: $0, as: UTF8.self) }
  }

  private mutating func takeStanza(_ arguments: [String], body: [UInt8]) throws(AgeError) {
    stanzaCount += 1
    switch arguments[0] {
    case X25519Stanza.kind:
      guard arguments.count == 2,
        let bytes = HeaderBase64.decode(Array(arguments[1].utf8)[...]),
        let share = X25519PublicKey(bytes), body.count == X25519Stanza.bodyByteCount
      else { throw malformed(.x25519Stanza) }
      stanzas.append(X25519Stanza(share: share, body: body))
    case let kind:
      if !otherKinds.contains(kind) { otherKinds.append(kind) }
    }
    if otherKinds.contains("scrypt"), stanzaCount > 1 { throw malformed(.scryptBesideOthers) }
  }

  private mutating func takeFooter(_ line: ArraySlice<UInt8>) throws(AgeError) {
    guard line.starts(with: HeaderText.footerMark.utf8) else { throw malformed(.line) }
    let mark = HeaderText.footerMark.utf8.count
    guard stanzaCount > 0, line.dropFirst(mark).first == UInt8(ascii: " "),
      let code = HeaderBase64.decode(line.dropFirst(mark + 1)),
      code.count == SHA256Digest.byteCount
    else { throw malformed(.footer) }
    authenticationCode = code
  }

  private func malformed(_ fault: HeaderFault) -> AgeError {
    .malformedHeader(line: lineNumber, fault)
  }
}
