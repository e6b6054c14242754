// Receiving a body into a file, with the checksums the request promises.

import Foundation

/// A body that came whole and as promised.
struct ReceivedBody: Sendable {
  let size: Int
  /// `nil` when bytes are not kept.
  let file: String?
  let crc64: CRC64
  /// Base64; only when it was asked for.
  let md5: String?
}

/// The checksum a request carries for its body.
enum PromisedChecksum: Sendable {
  case none
  case md5(String)
  case crc64(String)

  init(_ call: Call) throws(BlobError) {
    switch (call["Content-MD5"], call["x-ms-content-crc64"]) {
    case (nil, nil): self = .none
    case (let md5?, nil):
      guard Data(base64Encoded: md5)?.count == 16 else { throw .invalidHeader("Content-MD5", md5) }
      self = .md5(md5)
    case (nil, let crc?):
      guard Data(base64Encoded: crc)?.count == 8 else {
        throw .invalidHeader("x-ms-content-crc64", crc)
      }
      self = .crc64(crc)
    case (.some, .some): throw .bothChecksums
    }
  }

  func check(crc64: String, md5: @autoclosure () -> String) throws(BlobError) {
    switch self {
    case .none: break
    case .md5(let sent):
      let computed = md5()
      guard sent == computed else { throw .md5Mismatch(sent: sent, computed: computed) }
    case .crc64(let sent):
      guard sent == crc64 else { throw .crc64Mismatch(sent: sent, computed: crc64) }
    }
  }

  /// What the answer says of the body: the MD5 that was sent, or else the CRC-64.
  func describe(_ answer: inout Answer, crc64: String) {
    if case .md5(let md5) = self {
      answer["Content-MD5"] = md5
    } else {
      answer["x-ms-content-crc64"] = crc64
    }
  }
}

extension BlobService {
  /// Receives a body of at most `limit` bytes; nothing stays behind unless it returns. With
  /// `isDamaged` one stored bit is flipped; the checksums stay those of the body.
  func receive(
    _ body: inout IncomingBody, into container: String, promised: PromisedChecksum,
    wantsMD5: Bool = false, limit: Int, isDamaged: Bool
  ) throws -> ReceivedBody {
    guard body.announced <= limit else { throw BlobError.tooLarge(limit) }
    let path = try store.incomingFile(in: container)
    let file = store.discardsData ? nil : try OpenFile(creating: path)
    do {
      var crc = CRC64()
      var md5 = wantsMD5 ? MD5() : nil
      if case .md5 = promised { md5 = MD5() }
      while let piece = try body.next() {
        try unsafe piece.withUnsafeBytes { bytes in
          unsafe crc.update(bytes)
          unsafe md5?.update(bytes)
          if isDamaged && body.received == piece.count {
            var changed = unsafe Array(bytes)
            changed[0] ^= 1
            try file?.write(changed)
          } else {
            try unsafe file?.write(bytes)
          }
        }
      }
      let digest = md5?.base64
      try promised.check(crc64: crc.header, md5: digest ?? "")
      return ReceivedBody(
        size: body.received, file: file == nil ? nil : path, crc64: crc, md5: digest)
    } catch {
      if file != nil { try Files.remove(path) }
      throw error
    }
  }
}
