// Plain bytes in, one zstd frame out.

internal import CZstd
internal import Digests

/// Compresses a stream on this thread: made in `init`, fed with `append`, ended by `finish`.
///
/// The frame ends in a checksum of the content. Memory: 1.3 MiB at level 1, 3.5 MiB at level 3,
/// 5.7 MiB at level 6. After an error nothing more is taken.
@safe package struct ZstdCompressor: ~Copyable {
  private let context: OpaquePointer
  private let contentSize: UInt64?
  private var output: SecretBytes
  /// How many bytes of `output` are to be passed on.
  private var filled = 0
  private var hasFailed = false

  /// With `contentSize`, the frame names it, and `finish` throws if it was wrong.
  package init(_ level: ZstdLevel, contentSize: UInt64? = nil) throws(ZstdError) {
    guard let context = unsafe ZSTD_createCCtx() else { throw .noContext }
    do throws(ZstdError) {
      for (parameter, value) in [
        (ZSTD_c_compressionLevel, Int32(level.number)), (ZSTD_c_checksumFlag, 1),
      ] {
        _ = try ZstdError.check(
          unsafe ZSTD_CCtx_setParameter(context, parameter, value), "ZSTD_CCtx_setParameter")
      }
      if let contentSize {
        _ = try ZstdError.check(
          unsafe ZSTD_CCtx_setPledgedSrcSize(context, contentSize), "ZSTD_CCtx_setPledgedSrcSize")
      }
    } catch {
      unsafe ZSTD_freeCCtx(context)
      throw error
    }
    unsafe self.context = context
    self.contentSize = contentSize
    output = SecretBytes(zeros: ZSTD_CStreamOutSize())
  }

  deinit {
    unsafe ZSTD_freeCCtx(context)
  }

  /// The memory that libzstd takes for it at the moment, in bytes.
  package var heldByteCount: Int { unsafe ZSTD_sizeof_CCtx(context) }

  /// Passes on compressed bytes in large pieces, so not after every call.
  package mutating func append<Failure: ChainError>(
    _ bytes: RawSpan, to sink: (RawSpan) throws(Failure) -> Void
  ) throws(Failure) {
    guard !hasFailed else { throw Failure(ZstdError.usedAfterError) }
    hasFailed = true
    var rest = bytes
    while rest.byteCount > 0 {
      let progress = try zstdStep(Failure.self) { () throws(ZstdError) in
        try step(rest, ZSTD_e_continue)
      }
      rest = rest.extracting(droppingFirst: progress.taken)
      if filled == output.count { try pass(to: sink) }
    }
    hasFailed = false
  }

  /// Passes on the end of the frame, without which nothing is a whole one.
  package consuming func finish<Failure: ChainError>(
    to sink: (RawSpan) throws(Failure) -> Void
  ) throws(Failure) {
    guard !hasFailed else { throw Failure(ZstdError.usedAfterError) }
    while true {
      let progress = try zstdStep(Failure.self) { () throws(ZstdError) in
        try step(RawSpan(), ZSTD_e_end)
      }
      try pass(to: sink)
      if progress.missing == 0 { return }
    }
  }

  /// Returns how many bytes were taken, and at least how many are still to be written for `directive`.
  private mutating func step(
    _ bytes: RawSpan, _ directive: ZSTD_EndDirective
  ) throws(ZstdError) -> (taken: Int, missing: Int) {
    var taken = 0
    var end = filled
    let result = unsafe bytes.withUnsafeBytes { bytes in
      unsafe output.withUnsafeMutableBytes { output in
        var source = unsafe ZSTD_inBuffer(src: bytes.baseAddress, size: bytes.count, pos: 0)
        var target = unsafe ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: end)
        defer { unsafe (taken, end) = (source.pos, target.pos) }
        return unsafe ZSTD_compressStream2(context, &target, &source, directive)
      }
    }
    filled = end
    if let contentSize, ZSTD_getErrorCode(result) == ZSTD_error_srcSize_wrong {
      throw .wrongContentSize(announced: contentSize)
    }
    return (taken, try ZstdError.check(result, "ZSTD_compressStream2"))
  }

  private mutating func pass<Failure: ChainError>(
    to sink: (RawSpan) throws(Failure) -> Void
  ) throws(Failure) {
    let count = filled
    filled = 0
    guard count > 0 else { return }
    try output.withBytes { bytes throws(Failure) in try sink(bytes.extracting(first: count)) }
  }
}

package enum LibZstd {
  /// Of the library that is linked, such as `1.5.4`.
  package static var version: String { unsafe String(cString: ZSTD_versionString()) }
}
