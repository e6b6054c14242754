// The bytes of one committed blob: a folder with a file for each block.

import Synchronization

/// A folder of blocks; removed with its last reader once the blob was overwritten or deleted.
final class BlobBytes: Sendable {
  private let folder: String
  private let isSuperseded = Atomic(false)

  init(folder: String) {
    self.folder = folder
  }

  /// The file of the block at `index`, from 0.
  func file(_ index: Int) -> String { "\(folder)/\(index)" }

  /// No committed blob names these bytes any more.
  func supersede() { isSuperseded.store(true, ordering: .relaxed) }

  deinit {
    if isSuperseded.load(ordering: .relaxed) { Files.removeFolder(folder) }
  }
}

/// A range of a committed blob.
struct StoredSlice: Sendable {
  let bytes: BlobBytes?
  /// The sizes of all blocks, in order.
  let blocks: [Int]
  let range: Range<Int>

  func reader(pieceSize: Int) -> Reader {
    Reader(slice: self, pieceSize: pieceSize, position: range.lowerBound)
  }

  /// Reads the range from its first byte to its last.
  struct Reader {
    fileprivate let slice: StoredSlice
    fileprivate let pieceSize: Int
    fileprivate var position: Int
    private var block = 0
    private var blockStart = 0
    private var file: OpenFile?

    fileprivate init(slice: StoredSlice, pieceSize: Int, position: Int) {
      self.slice = slice
      self.pieceSize = pieceSize
      self.position = position
    }

    /// At most `pieceSize` bytes, never across two blocks; `nil` at the end.
    mutating func next() throws -> [UInt8]? {
      guard position < slice.range.upperBound, let bytes = slice.bytes else { return nil }
      while position >= blockStart + slice.blocks[block] {
        blockStart += slice.blocks[block]
        block += 1
        file = nil
      }
      let path = bytes.file(block)
      let opened = try file ?? OpenFile(reading: path)
      file = opened
      let end = min(slice.range.upperBound, blockStart + slice.blocks[block])
      let piece = try opened.read(min(pieceSize, end - position), at: position - blockStart)
      guard !piece.isEmpty else { throw FileError("read", path) }
      position += piece.count
      return piece
    }
  }
}
