// What can go wrong with an age file.

package import Digests

package enum AgeError: Error, Equatable {
  case openSSL(OpenSSLError)
  case noRecipients
  case tooManyChunks

  /// The bytes do not begin as an age file.
  case notAge
  /// An age file as text; ours are binary.
  case armored
  case unknownVersion
  case malformedHeader(line: Int, HeaderFault)
  case headerTooLong(limit: Int)
  case truncatedHeader
  /// Encrypted under a passphrase, not for recipients.
  case passphrase
  /// For so many X25519 recipients, and for the other kinds named, it is encrypted.
  case noIdentityMatches(recipients: Int, otherKinds: [String])
  /// A stanza that any identity would match; no program writes such files.
  case lowOrderShare
  case alteredHeader

  /// Chunks count from 1. A chunk is 65,536 bytes of plaintext; the last one may be shorter.
  case alteredChunk(UInt64)
  /// The file ends behind this many whole chunks, none of which is the last.
  case truncatedPayload(chunks: UInt64)
  /// The file ends in this chunk, which is not authentic: cut or altered.
  case cutOrAlteredLastChunk(UInt64)
  /// A chunk that is not the last is shorter than all others; no program writes such files.
  case shortChunk(UInt64)
  /// The last chunk is empty, but not the only one; no program writes such files.
  case emptyLastChunk(UInt64)
  /// More bytes follow the last chunk.
  case trailingBytes(chunks: UInt64)

  /// A mistake of this program: it went on after an error.
  case usedAfterError
}

/// What is wrong with a line of a header.
package enum HeaderFault: Equatable, Sendable {
  case line
  case stanza
  case body
  case x25519Stanza
  case scryptBesideOthers
  case footer
}

extension AgeError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .openSSL(let error): error.description
    case .noRecipients: "there is no recipient to encrypt for"
    case .tooManyChunks: "the data is too long for one age file"
    case .notAge: "the data is not encrypted with age"
    case .armored: "the age file is in text form (armored), not binary"
    case .unknownVersion: "the age file is of another version than age-encryption.org/v1"
    case .malformedHeader(let line, let fault):
      "line \(line) of the age header is malformed: \(fault)"
    case .headerTooLong(let limit): "the age header is longer than \(limit) bytes"
    case .truncatedHeader: "the age file ends within its header"
    case .passphrase: "the age file is encrypted under a passphrase"
    case .noIdentityMatches(let count, let otherKinds):
      "no identity matches any of the \(count) X25519 recipients of the age file"
        + (otherKinds.isEmpty ? "" : ", which is also encrypted for \(Self.list(otherKinds))")
    case .lowOrderShare: "a share in the age header is of low order"
    case .alteredHeader: "the age header was altered: its authentication code is wrong"
    case .alteredChunk(let chunk): "chunk \(chunk) of the age file was altered"
    case .truncatedPayload(let chunks):
      "the age file is cut: it ends after \(chunks) whole chunks without a last one"
    case .cutOrAlteredLastChunk(let chunk):
      "the age file is cut or altered in its last chunk, \(chunk)"
    case .shortChunk(let chunk): "chunk \(chunk) of the age file is short, but not the last"
    case .emptyLastChunk(let chunk): "the last chunk of the age file, \(chunk), is empty"
    case .trailingBytes(let chunks):
      "more bytes follow the last chunk of the age file, \(chunks)"
    case .usedAfterError: "the age file was used after an error"
    }
  }

  /// What an operator can do about it; `nil` where the error says it all.
  package var hint: String? {
    switch self {
    case .openSSL: OpenSSLHint.text
    case .noIdentityMatches:
      "Use the identity of one of the recipients that the backup was encrypted for."
    case .armored: "Convert it: decrypt it with `age -d`."
    default: nil
    }
  }

  /// The kinds come from the file, so they are cut and few.
  private static func list(_ kinds: [String]) -> String {
    let shown = kinds.prefix(3).map { "\"\($0.prefix(20))\"" }.joined(separator: ", ")
    return kinds.count > 3 ? "\(shown) and others" : shown
  }
}

extension HeaderFault: CustomStringConvertible {
  package var description: String {
    switch self {
    case .line: "it is neither a stanza nor the footer"
    case .stanza: "the arguments of the stanza"
    case .body: "the body of the stanza is not canonical base64"
    case .x25519Stanza: "an X25519 stanza has one 32-byte argument and a 32-byte body"
    case .scryptBesideOthers: "a passphrase beside other stanzas"
    case .footer: "the footer"
    }
  }
}
