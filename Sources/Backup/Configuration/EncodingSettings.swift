// How a run encodes its backup: for whom it is encrypted, and how hard it is compressed.

internal import Azure
package import Encoding
internal import SnapshotFile

package struct EncodingSettings: Sendable {
  /// Empty where nothing is encrypted.
  package let recipients: [AgeRecipient]
  /// `nil` where nothing is compressed.
  package let compression: ZstdLevel?

  package var isOff: Bool { recipients.isEmpty && compression == nil }

  /// `nil` only after a complaint.
  init?(_ reader: inout EnvironmentReader) {
    let named = reader.optional(.encryptionRecipients, ConfigurationValue.recipients)
    let inFile = reader.recipients(.encryptionRecipientsFile)
    if reader.isSet(.encryptionRecipients), reader.isSet(.encryptionRecipientsFile) {
      reader.complain(
        .encryptionRecipientsFile,
        InvalidValue(
          "the file",
          expected: "of any use beside APP_BACKUP_ENCRYPTION_RECIPIENTS: set one of the two"))
    }
    let compression = reader.required(.compression, ConfigurationValue.compression)
    guard let compression else { return nil }
    recipients = named ?? inFile ?? []
    self.compression = compression.level
  }

  /// Fewer blocks where the memory of the encoder takes their place: with them, a run stays within the
  /// 64 MiB of one that encodes nothing.
  package func blocksInFlight(_ wanted: Int, of blockSize: Int) -> Int {
    guard !isOff else { return wanted }
    let room = Self.blockMemory - Self.encryptionMemory - (compression?.memory ?? 0)
    return max(1, min(wanted, room / blockSize - 1))
  }

  /// How a snapshot is stored with these settings, which are not off.
  func stored(_ snapshot: VerifiedSnapshot) -> StoredEncoding {
    StoredEncoding(
      recipients: recipients.map(\.fingerprint), isCompressed: compression != nil,
      snapshotSize: Int(snapshot.size), snapshotSHA256: "\(snapshot.sha256)")
  }

  /// What the blocks of a run take by default.
  private static let blockMemory = 28 << 20
  private static let encryptionMemory = 1 << 19
}

/// A value of its own, since `off` is one as well.
struct CompressionSetting {
  let level: ZstdLevel?
}

extension ConfigurationValue {
  /// What is wrong with a recipient is said without the text: it may be a private key.
  static func recipients(_ text: String) throws(InvalidValue) -> [AgeRecipient] {
    do throws(RecipientListError) {
      return try AgeRecipient.list(text)
    } catch {
      throw invalid(error)
    }
  }

  static func recipients(
    at path: String, _ readFile: (String) throws -> [UInt8]
  ) throws(InvalidValue) -> [AgeRecipient] {
    let bytes: [UInt8]
    do {
      bytes = try readFile(path)
    } catch {
      throw InvalidValue(path, expected: "a file with recipients of age: \(error)")
    }
    do throws(RecipientListError) {
      return try unsafe AgeRecipient.file(bytes.span.bytes)
    } catch {
      throw invalid(error)
    }
  }

  private static func invalid(_ error: RecipientListError) -> InvalidValue {
    switch error {
    case .empty: InvalidValue("", expected: "a list of recipients. \(error.hint)")
    case .faulty(let place, let fault):
      InvalidValue("\(place)", expected: "a recipient: \(fault). \(fault.hint)")
    }
  }

  static func compression(_ text: String) throws(InvalidValue) -> CompressionSetting {
    let parts = text.lowercased().split(separator: ":", omittingEmptySubsequences: false)
    switch (parts.first, parts.count) {
    case ("off", 1): return CompressionSetting(level: nil)
    case ("zstd", 1): return CompressionSetting(level: .fastest)
    case ("zstd", 2):
      if let level = Int(parts[1]).flatMap({ ZstdLevel($0) }) {
        return CompressionSetting(level: level)
      }
    default: break
    }
    throw InvalidValue(
      text,
      expected: "off, zstd, or zstd: and a level from \(ZstdLevel.range.lowerBound) to "
        + "\(ZstdLevel.range.upperBound)")
  }
}
