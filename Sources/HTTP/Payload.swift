// Bytes of a request's body, or of an answer's, at one fixed address for as long as libcurl may touch them.

/// A buffer of fixed capacity that is filled, sent, emptied and filled again.
///
/// libcurl reads a body in place (CURLOPT_POSTFIELDS does not copy), and reads it again when a
/// reused connection turns out to be dead. So the memory neither moves nor changes while a
/// request that holds it is under way.
@safe package final class Payload {
  package let capacity: Int
  package private(set) var count = 0
  private let memory: UnsafeMutableRawBufferPointer

  /// `capacity`, in bytes, is allocated at once but touched only as it fills.
  package init(capacity: Int) {
    self.capacity = capacity
    unsafe memory = .allocate(byteCount: max(capacity, 1), alignment: 16)
  }

  package convenience init(_ bytes: some Collection<UInt8>) {
    let copy = Array(bytes)
    self.init(capacity: copy.count)
    _ = unsafe append(copy.span.bytes)
  }

  deinit {
    unsafe memory.deallocate()
  }

  package var isFull: Bool { count == capacity }

  /// Takes as many of `bytes` as there is room for and says how many that were.
  package func append(_ bytes: RawSpan) -> Int {
    let taken = min(bytes.byteCount, capacity - count)
    guard taken > 0, let start = unsafe memory.baseAddress else { return 0 }
    unsafe bytes.withUnsafeBytes { source in
      guard let source = source.baseAddress else { return }
      unsafe (start + count).copyMemory(from: source, byteCount: taken)
    }
    count += taken
    return taken
  }

  package func removeAll() {
    count = 0
  }

  package func withBytes<Result, Failure: Error>(
    _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try unsafe body(UnsafeRawBufferPointer(rebasing: memory[..<count]).bytes)
  }
}
