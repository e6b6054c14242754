// Two key pairs, and the randomness under which an age file is known byte for byte.

package import Digests
package import Encoding

/// Identity 1 is the bytes 0 to 31, identity 2 the bytes 32 to 63.
package enum Vector {
  package static let identityText1 =
    "AGE-SECRET-KEY-1QQQSYQCYQ5RQWZQFPG9SCRGWPUGPZYSNZS23V9CCRYDPK8QARC0SWRYDWG"
  package static let recipientText1 =
    "age13aqvttdk3ujkyjh9kg2w5an6dmy5mq5a84a4uxk3hfhnugfc9p0sy5p2wh"
  package static let identityText2 =
    "AGE-SECRET-KEY-1YQSJYGEYY5NZW2PF9G4JCTFW9UCRZV3NXS6NVDEC8YARK0PA8CLSWXGG7Q"
  package static let recipientText2 =
    "age1xkq8943ktzqdrth2x2ddlyfp8qu9rmfp528rka0fvhgd9ngkvf2qu2snyf"

  package static var recipient1: AgeRecipient { get throws { try AgeRecipient(recipientText1) } }
  package static var recipient2: AgeRecipient { get throws { try AgeRecipient(recipientText2) } }
  package static var identity1: AgeIdentity { get throws { try identity(identityText1) } }
  package static var identity2: AgeIdentity { get throws { try identity(identityText2) } }

  package static func identity(_ text: String) throws -> AgeIdentity {
    let bytes = Array(text.utf8)
    return try unsafe AgeIdentity(bytes.span.bytes)
  }

  package static let fileKey = [UInt8](0xA0...0xAF)
  package static let payloadNonce = [UInt8](0xC0...0xCF)
  package static let ephemeral1 = [UInt8](0x40...0x5F)
  package static let ephemeral2 = [UInt8](0x60...0x7F)

  /// In the order in which an encryptor draws: file key, ephemeral keys, payload nonce.
  package static func randomness(recipientCount: Int) -> FixedRandom {
    FixedRandom([fileKey] + [ephemeral1, ephemeral2].prefix(recipientCount) + [payloadNonce])
  }

  package static let stanza1 = """
    -> X25519 eaYx7t4b+cmPEgMs3q3Q56B5OY/HhriMyEbsia+FpRo
    CHPR0iCDxWsWzGvO/SGJSsxUD/mbVi0yAewMLUw0hCg

    """
}

/// Hands out the bytes that it was made with, in their order.
package struct FixedRandom: RandomBytes {
  private var draws: [[UInt8]]

  package init(_ draws: [[UInt8]]) {
    self.draws = draws
  }

  package mutating func fill(_ bytes: inout SecretBytes) throws(OpenSSLError) {
    let draw = draws.removeFirst()
    precondition(draw.count == bytes.count, "another draw was expected")
    for (index, byte) in draw.enumerated() { bytes[index] = byte }
  }
}
