// The blocks of a PEM text, as OpenSSL reads them.

internal import COpenSSL

/// A PEM text and the name under which an error tells of it, such as a key of a Secret.
package struct PEMText: Sendable {
  package let name: String
  package let bytes: [UInt8]

  package init(_ bytes: [UInt8], named name: String) {
    self.bytes = bytes
    self.name = name
  }

  /// The bundle of all public authorities has a quarter of it. libcurl keeps a copy of an authority
  /// for every request under way.
  package static let largest = 1 << 20
}

extension PEMText {
  /// `-----BEGIN LABEL-----` up to its end (RFC 7468); what stands around blocks is passed over.
  struct Block {
    let label: String
    /// By the header of OpenSSL's old format; PKCS#8 has a label for that.
    let hasEncryptionHeader: Bool
    let contents: [UInt8]
  }

  /// At least one block.
  func blocks() throws(CertificateFault) -> [Block] {
    guard bytes.count <= Self.largest else { throw fault(.tooLarge) }
    let text = Self.trimmed(bytes)
    guard !text.isEmpty else { throw fault(.empty) }
    // OpenSSL reads a copy: a pointer to the array holds only within one call.
    guard let source = unsafe BIO_new(BIO_s_mem()) else {
      throw fault(.unreadable(reason: OpenSSL.lastProblem()))
    }
    defer { unsafe BIO_free(source) }
    guard unsafe BIO_write(source, text, Int32(text.count)) == Int32(text.count) else {
      throw fault(.unreadable(reason: OpenSSL.lastProblem()))
    }
    var blocks: [Block] = []
    ERR_clear_error()
    while let block = unsafe Self.nextBlock(in: source) { blocks.append(block) }
    if OpenSSL.reachedEndOfPEM {
      ERR_clear_error()
      guard blocks.isEmpty else { return blocks }
      throw fault(
        text.firstRange(of: Array("-----BEGIN ".utf8)) == nil
          ? .notPEM : .unreadable(reason: "its line breaks are lost"))
    }
    throw fault(.unreadable(reason: OpenSSL.lastProblem()))
  }

  private static func nextBlock(in source: OpaquePointer) -> Block? {
    var label: UnsafeMutablePointer<CChar>?
    var header: UnsafeMutablePointer<CChar>?
    var contents: UnsafeMutablePointer<UInt8>?
    var count = 0
    guard unsafe PEM_read_bio(source, &label, &header, &contents, &count) == 1 else { return nil }
    defer {
      unsafe openssl_shim_free(label)
      unsafe openssl_shim_free(header)
      unsafe openssl_shim_free(contents)
    }
    return Block(
      label: unsafe label.map { unsafe String(cString: $0) } ?? "",
      hasEncryptionHeader: unsafe header.map { unsafe String(cString: $0) }?.contains("ENCRYPTED")
        ?? false,
      contents: unsafe Array(UnsafeBufferPointer(start: contents, count: count)))
  }

  /// Without what editors and shells leave around a text: a byte order mark, blanks, line ends.
  private static func trimmed(_ bytes: [UInt8]) -> [UInt8] {
    let isBlank = { (byte: UInt8) in byte <= UInt8(ascii: " ") }
    var rest = bytes[...]
    if rest.starts(with: [0xEF, 0xBB, 0xBF]) { rest = rest.dropFirst(3) }
    rest = rest.drop(while: isBlank)
    while let last = rest.last, isBlank(last) { rest.removeLast() }
    return rest.isEmpty ? [] : rest + [UInt8(ascii: "\n")]
  }

  func fault(_ problem: CertificateFault.Problem) -> CertificateFault {
    CertificateFault(name: name, problem: problem)
  }
}

/// OpenSSL's error queue.
enum OpenSSL {
  /// The reason of the latest error in OpenSSL's words, which quote none of what was read; empties
  /// the queue.
  static func lastProblem() -> String {
    let code = ERR_peek_last_error()
    ERR_clear_error()
    guard let reason = unsafe ERR_reason_error_string(code) else { return "no reason given" }
    return unsafe String(cString: reason)
  }

  /// Whether the latest error only means that no further block begins.
  static var reachedEndOfPEM: Bool {
    let code = ERR_peek_last_error()
    return ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE
  }
}
