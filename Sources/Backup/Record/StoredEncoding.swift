// How the blob of a backup differs from the snapshot in it, as metadata, record and lists say it.

internal import Azure
internal import Digests
internal import Encoding
internal import SnapshotFile

/// Of a blob that is encrypted, compressed, or both; a blob that is the snapshot itself has none.
package struct StoredEncoding: Hashable, Sendable {
  /// Fingerprints of the recipients; empty where the blob is not encrypted.
  package let recipients: [String]
  package let isCompressed: Bool
  /// Of the snapshot, in bytes.
  package let snapshotSize: Int
  /// Of the snapshot, as `sha256sum` prints it.
  package let snapshotSHA256: String

  package var isEncrypted: Bool { !recipients.isEmpty }

  /// What metadata, record and lists say of a blob without encryption or compression.
  static let off = "off"

  package var encryption: String { isEncrypted ? "age" : Self.off }
  package var compression: String { isCompressed ? "zstd" : Self.off }
  /// For people: the steps in their order.
  package var text: String {
    let steps = [
      isCompressed ? compression : nil,
      isEncrypted ? "\(encryption) for \(recipients.joined(separator: " "))" : nil,
    ]
    return steps.compactMap { $0 }.joined(separator: ", ")
  }
  package var recipientList: String { recipients.joined(separator: ",") }

  package init(
    recipients: [String], isCompressed: Bool, snapshotSize: Int, snapshotSHA256: String
  ) {
    self.recipients = recipients
    self.isCompressed = isCompressed
    self.snapshotSize = snapshotSize
    self.snapshotSHA256 = snapshotSHA256
  }

  /// Whether the encoding of a snapshot can have that many bytes.
  func allows(blobSize: Int) -> Bool {
    guard SnapshotLayout.allows(fileSize: snapshotSize), blobSize > 0 else { return false }
    // The size of an age file follows from that of its content; the size of a frame does not.
    return isCompressed
      || UInt64(blobSize)
        == AgeEncryptor.byteCount(
          ofPlaintext: UInt64(snapshotSize), recipientCount: recipients.count)
  }
}

// MARK: Metadata

extension StoredEncoding {
  static let metadataNames: Set<String> = [
    "encryption", "recipients", "compression", "snapshotbytes", "snapshotsha256",
  ]

  /// The metadata are not those that this program writes, or a later version of it wrote them.
  struct Unknown: Error {}

  /// Returns `nil` for a blob that is the snapshot itself.
  static func read(_ metadata: BlobMetadata) throws(Unknown) -> StoredEncoding? {
    guard metadataNames.contains(where: { metadata[$0] != nil }) else { return nil }
    let recipients = metadata["recipients"]?.split(separator: ",").map(String.init) ?? []
    guard let size = metadata["snapshotbytes"].flatMap({ Int($0) }),
      let sha256 = metadata["snapshotsha256"], SHA256Digest(hex: sha256) != nil
    else { throw Unknown() }
    let encoding = StoredEncoding(
      recipients: recipients, isCompressed: metadata["compression"] == "zstd", snapshotSize: size,
      snapshotSHA256: sha256)
    guard encoding.encryption == metadata["encryption"],
      encoding.compression == metadata["compression"],
      encoding.isEncrypted || encoding.isCompressed
    else { throw Unknown() }
    return encoding
  }

  func note(in metadata: inout BlobMetadata) {
    metadata["encryption"] = encryption
    metadata["recipients"] = isEncrypted ? recipientList : nil
    metadata["compression"] = compression
    metadata["snapshotbytes"] = "\(snapshotSize)"
    metadata["snapshotsha256"] = snapshotSHA256
  }
}
