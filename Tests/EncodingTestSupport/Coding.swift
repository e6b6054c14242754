// Whole streams through an encoder or a decoder, in pieces.

package import Encoding
internal import TestSupport

/// How a stream is cut on its way in.
package enum Cut: Sendable {
  case whole
  case every(Int)
  /// Into pieces of 1 to 100,000 bytes, most of them small.
  case random(seed: UInt64)

  package func pieces(of bytes: [UInt8]) -> [[UInt8]] {
    var random = SeededRandom(seed: 0)
    if case .random(let seed) = self { random = SeededRandom(seed: seed) }
    var pieces: [[UInt8]] = []
    var start = 0
    while start < bytes.count {
      let size =
        switch self {
        case .whole: bytes.count
        case .every(let size): size
        case .random: Int.random(in: 1...(10 << (3 * Int.random(in: 0...4, using: &random))))
        }
      let end = min(start + size, bytes.count)
      pieces.append(Array(bytes[start..<end]))
      start = end
    }
    return pieces
  }
}

/// What a stream gave, and how it ended.
package struct Outcome: Equatable {
  package var released: [UInt8] = []
  package var error: CodingError?

  package init(released: [UInt8] = [], error: CodingError? = nil) {
    self.released = released
    self.error = error
  }

  /// Everything that was released, where the stream was whole.
  package var whole: [UInt8] {
    get throws {
      if let error { throw error }
      return released
    }
  }
}

/// What a sink throws that takes no more.
package struct Full: ChainError, Equatable {
  package init() {}
  package init(_: AgeError) {}
  package init(_: ZstdError) {}
}

/// Appends to an array what an encoder or a decoder passes on.
package func collect(_ bytes: RawSpan, in all: inout [UInt8]) {
  unsafe bytes.withUnsafeBytes { unsafe all.append(contentsOf: $0) }
}

package func encrypt(
  _ plaintext: [UInt8], for recipients: [AgeRecipient], cut: Cut = .whole,
  random: FixedRandom? = nil
) throws -> [UInt8] {
  var encryptor =
    if let random {
      try AgeEncryptor(for: recipients, random: random)
    } else {
      try AgeEncryptor(for: recipients)
    }
  var all: [UInt8] = []
  for piece in cut.pieces(of: plaintext) {
    try unsafe encryptor.append(piece.span.bytes) { bytes throws(CodingError) in
      collect(bytes, in: &all)
    }
  }
  try encryptor.finish { bytes throws(CodingError) in collect(bytes, in: &all) }
  return all
}

package func decrypt(_ file: [UInt8], with identities: [AgeIdentity], cut: Cut = .whole) -> Outcome
{
  decode(file, identities: identities, isCompressed: false, cut: cut)
}

package func compress(
  _ plain: [UInt8], level: Int = 1, contentSize: UInt64? = nil, cut: Cut = .whole
) throws -> [UInt8] {
  guard let level = ZstdLevel(level) else { return [] }
  var compressor = try ZstdCompressor(level, contentSize: contentSize)
  var all: [UInt8] = []
  for piece in cut.pieces(of: plain) {
    try unsafe compressor.append(piece.span.bytes) { bytes throws(CodingError) in
      collect(bytes, in: &all)
    }
  }
  try compressor.finish { bytes throws(CodingError) in collect(bytes, in: &all) }
  return all
}

package func decompress(_ file: [UInt8], cut: Cut = .whole) -> Outcome {
  decode(file, identities: nil, isCompressed: true, cut: cut)
}

package func encode(
  _ plain: [UInt8], level: Int?, recipients: [AgeRecipient], cut: Cut = .whole
) throws -> [UInt8] {
  var encoder = try StreamEncoder(
    compression: level.flatMap { ZstdLevel($0) }, recipients: recipients)
  var all: [UInt8] = []
  for piece in cut.pieces(of: plain) {
    try unsafe encoder.append(piece.span.bytes) { bytes throws(CodingError) in
      collect(bytes, in: &all)
    }
  }
  _ = try encoder.finish { bytes throws(CodingError) in collect(bytes, in: &all) }
  return all
}

package func decode(
  _ file: [UInt8], identities: [AgeIdentity]?, isCompressed: Bool, cut: Cut = .whole
) -> Outcome {
  var outcome = Outcome()
  do throws(CodingError) {
    var decoder = try StreamDecoder(identities: identities, isCompressed: isCompressed)
    for piece in cut.pieces(of: file) {
      try unsafe decoder.append(piece.span.bytes) { bytes throws(CodingError) in
        collect(bytes, in: &outcome.released)
      }
    }
    try decoder.finish { bytes throws(CodingError) in collect(bytes, in: &outcome.released) }
  } catch {
    outcome.error = error
  }
  return outcome
}
