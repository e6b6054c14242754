/// A list that grows without ever moving: a plain array would need up to three times its size while
/// it doubles, which matters where memory is counted per page.
struct Chunks<Element> {
  private static var chunkSize: Int { 4096 }
  private var chunks: [[Element]] = []
  private(set) var count = 0

  mutating func append(_ element: Element) {
    if count % Self.chunkSize == 0 {
      chunks.append([])
      chunks[chunks.count - 1].reserveCapacity(Self.chunkSize)
    }
    chunks[chunks.count - 1].append(element)
    count += 1
  }

  subscript(index: Int) -> Element { chunks[index / Self.chunkSize][index % Self.chunkSize] }

  /// Bytes held.
  var byteCount: Int { count * MemoryLayout<Element>.stride }
}
