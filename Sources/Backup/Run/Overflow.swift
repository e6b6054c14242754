// Between the snapshot and its upload: hands bytes on, and where the upload falls behind, spools them.

internal import Azure
internal import FoundationEssentials

/// Without a spool the snapshot waits for the upload, and etcd's read transaction with it.
struct Overflow: ~Copyable {
  private var spool: Spool?
  private var piece: [UInt8] = []

  /// Bytes read back at a time.
  private static let pieceSize = 256 << 10

  init(_ spool: consuming Spool?) {
    self.spool = spool
  }

  /// Passes `bytes` on behind all that came before; waits only where there is no spool, or it is
  /// full.
  mutating func pass(_ bytes: Data, to upload: inout BlockUpload) throws {
    var waiting = spool?.count ?? 0
    if spool == nil { return try append(bytes, to: &upload) }
    if waiting == 0, try upload.isReady(for: bytes.count) {
      return try append(bytes, to: &upload)
    }
    var rest = bytes[...]
    while true {
      let taken = unsafe rest.withUnsafeBytes { unsafe spool?.append($0) ?? 0 }
      rest = rest.dropFirst(taken)
      if rest.isEmpty { break }
      // Full: the oldest bytes have to go before there is room again.
      waiting = spool?.count ?? 0
      if waiting == 0 { return try append(Data(rest), to: &upload) }
      try passPiece(to: &upload)
    }
    while (spool?.count ?? 0) > 0, try upload.isReady(for: Self.pieceSize) {
      try passPiece(to: &upload)
    }
  }

  /// Passes everything on that still waits.
  mutating func drain(to upload: inout BlockUpload) throws {
    while (spool?.count ?? 0) > 0 { try passPiece(to: &upload) }
  }

  private mutating func passPiece(to upload: inout BlockUpload) throws {
    try spool?.take(Self.pieceSize, into: &piece)
    try unsafe piece.withUnsafeBytes { try unsafe upload.append($0) }
  }

  private func append(_ bytes: Data, to upload: inout BlockUpload) throws {
    try unsafe bytes.withUnsafeBytes { try unsafe upload.append($0) }
  }
}
