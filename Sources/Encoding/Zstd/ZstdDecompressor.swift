// One zstd frame in, plain bytes out.

internal import CZstd
internal import Digests

/// Decompresses a stream on this thread: made in `init`, fed with `append`, ended by `finish`.
///
/// Bytes are passed on before the checksum at the end of the frame has come: they are what was
/// compressed only if `finish` returns. Memory: the frame's window, at most 8 MiB, and half a
/// mebibyte. After an error nothing more is passed on.
@safe package struct ZstdDecompressor: ~Copyable {
  /// What the format recommends every decoder to support. Frames of ours need 2 MiB.
  package static let maximumWindowSize = 1 << maximumWindowLog
  private static let maximumWindowLog = 23

  private let context: OpaquePointer
  private var output: SecretBytes
  /// The first bytes of the frame, or those behind it, until they say what it is.
  private var mark: [UInt8] = []
  private var place = Place.mark
  private var hasFailed = false

  private enum Place {
    case mark, frame, behind
  }

  private static let markByteCount = 4

  package init() throws(ZstdError) {
    guard let context = unsafe ZSTD_createDCtx() else { throw .noContext }
    do throws(ZstdError) {
      _ = try ZstdError.check(
        unsafe ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, Int32(Self.maximumWindowLog)),
        "ZSTD_DCtx_setParameter")
    } catch {
      unsafe ZSTD_freeDCtx(context)
      throw error
    }
    unsafe self.context = context
    output = SecretBytes(zeros: ZSTD_DStreamOutSize())
  }

  deinit {
    unsafe ZSTD_freeDCtx(context)
  }

  /// The memory that libzstd takes for it at the moment, in bytes.
  package var heldByteCount: Int { unsafe ZSTD_sizeof_DCtx(context) }

  /// Passes on what has been decompressed; libzstd may hold back a part until more bytes come.
  package mutating func append<Failure: ChainError>(
    _ bytes: RawSpan, to sink: (RawSpan) throws(Failure) -> Void
  ) throws(Failure) {
    guard !hasFailed else { throw Failure(ZstdError.usedAfterError) }
    hasFailed = true
    var rest = bytes
    if place == .mark {
      rest = rest.extracting(droppingFirst: collectMark(rest))
      guard mark.count == Self.markByteCount else {
        hasFailed = false
        return
      }
      switch ZstdMark(mark) {
      case .frame: break
      case .skippableFrame: throw Failure(ZstdError.skippableFrame)
      case nil: throw Failure(ZstdError.notZstd)
      }
      place = .frame
      let beginning = mark
      mark = []
      _ = try unsafe decompress(beginning.span.bytes, to: sink)
    }
    if place == .frame {
      rest = rest.extracting(droppingFirst: try decompress(rest, to: sink))
    }
    if rest.byteCount > 0 {
      _ = collectMark(rest)
      if mark.count == Self.markByteCount { throw Failure(ZstdError.trailing(.init(mark))) }
    }
    hasFailed = false
  }

  /// Throws unless exactly one frame came, and its content was what had been compressed.
  package consuming func finish() throws(ZstdError) {
    guard !hasFailed else { throw .usedAfterError }
    switch place {
    case .mark: throw ZstdMark.isBeginning(mark) ? .truncated : .notZstd
    case .frame: throw .truncated
    case .behind where !mark.isEmpty: throw .trailing(.bytes)
    case .behind: break
    }
  }

  private mutating func collectMark(_ bytes: RawSpan) -> Int {
    let taken = min(Self.markByteCount - mark.count, bytes.byteCount)
    mark.append(contentsOf: bytes.extracting(first: taken))
    return taken
  }

  /// Returns how many of the bytes belong to the frame.
  private mutating func decompress<Failure: ChainError>(
    _ bytes: RawSpan, to sink: (RawSpan) throws(Failure) -> Void
  ) throws(Failure) -> Int {
    var taken = 0
    while true {
      let rest = bytes.extracting(droppingFirst: taken)
      let progress = try zstdStep(Failure.self) { () throws(ZstdError) in try step(rest) }
      taken += progress.taken
      if progress.written > 0 {
        try output.withBytes { output throws(Failure) in
          try sink(output.extracting(first: progress.written))
        }
      }
      // libzstd takes the last byte of a frame only once all of the content has been taken from it.
      if place == .behind || taken == bytes.byteCount { return taken }
    }
  }

  private mutating func step(_ bytes: RawSpan) throws(ZstdError) -> (taken: Int, written: Int) {
    var taken = 0
    var written = 0
    let result = unsafe bytes.withUnsafeBytes { bytes in
      unsafe output.withUnsafeMutableBytes { output in
        var source = unsafe ZSTD_inBuffer(src: bytes.baseAddress, size: bytes.count, pos: 0)
        var target = unsafe ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
        defer { unsafe (taken, written) = (source.pos, target.pos) }
        return unsafe ZSTD_decompressStream(context, &target, &source)
      }
    }
    if try ZstdError.check(result, "ZSTD_decompressStream") == 0 { place = .behind }
    return (taken, written)
  }
}

/// What the first four bytes of a frame say that it is.
enum ZstdMark {
  case frame
  case skippableFrame

  static let frameMark: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD]

  init?(_ mark: [UInt8]) {
    if mark == Self.frameMark {
      self = .frame
    } else if mark.count == 4, mark[0] & 0xF0 == 0x50, mark[1...] == [0x2A, 0x4D, 0x18] {
      self = .skippableFrame
    } else {
      return nil
    }
  }

  /// Whether a frame may begin so.
  static func isBeginning(_ bytes: [UInt8]) -> Bool { frameMark.starts(with: bytes) }
}

extension ZstdError.Trailing {
  init(_ mark: [UInt8]) {
    switch ZstdMark(mark) {
    case .frame: self = .frame
    case .skippableFrame: self = .skippableFrame
    case nil: self = .bytes
    }
  }
}
