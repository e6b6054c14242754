// Key material in memory.

internal import COpenSSL

/// Owns secret bytes: never copied, never printed, wiped when it goes.
@safe package struct SecretBytes: ~Copyable {
  private let start: UnsafeMutableRawPointer
  package let count: Int

  /// All zeros.
  package init(zeros count: Int) {
    self.count = count
    unsafe start = UnsafeMutableRawPointer.allocate(byteCount: max(count, 1), alignment: 16)
    _ = unsafe start.initializeMemory(as: UInt8.self, repeating: 0, count: max(count, 1))
  }

  package init(copying bytes: RawSpan) {
    self.init(zeros: bytes.byteCount)
    unsafe bytes.withUnsafeBytes { source in
      guard let first = source.baseAddress else { return }
      unsafe start.copyMemory(from: first, byteCount: source.count)
    }
  }

  deinit {
    unsafe OPENSSL_cleanse(start, count)
    unsafe start.deallocate()
  }

  package subscript(index: Int) -> UInt8 {
    get {
      precondition(index >= 0 && index < count, "outside the secret")
      return unsafe start.load(fromByteOffset: index, as: UInt8.self)
    }
    set {
      precondition(index >= 0 && index < count, "outside the secret")
      unsafe start.storeBytes(of: newValue, toByteOffset: index, as: UInt8.self)
    }
  }

  package borrowing func withBytes<Result: ~Copyable, Failure: Error>(
    _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let buffer = unsafe UnsafeRawBufferPointer(start: start, count: count)
    return try unsafe body(buffer.bytes)
  }

  /// For C functions that write a secret.
  package mutating func withUnsafeMutableBytes<Result: ~Copyable, Failure: Error>(
    _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try unsafe body(UnsafeMutableRawBufferPointer(start: start, count: count))
  }
}

extension SecretBytes {
  /// Overwrites bytes that held a secret, such as a file's, in a way that the compiler keeps.
  package static func wipe(_ bytes: inout [UInt8]) {
    unsafe bytes.withUnsafeMutableBytes { buffer in
      guard let first = buffer.baseAddress else { return }
      unsafe OPENSSL_cleanse(first, buffer.count)
    }
    bytes = []
  }
}
