// What can go wrong with a zstd frame.

internal import CZstd

package enum ZstdError: Error, Equatable {
  /// A function of libzstd that failed, with libzstd's own code and its name.
  case library(function: String, code: UInt32, name: String)
  /// libzstd could not make a context: memory is exhausted.
  case noContext

  /// More or fewer bytes were compressed than announced.
  case wrongContentSize(announced: UInt64)

  /// The bytes do not begin as a zstd frame.
  case notZstd
  /// The data begins with a skippable frame, which holds no content.
  case skippableFrame
  case windowTooLarge(limit: Int)
  /// The frame does not obey the format.
  case corrupted(code: UInt32, name: String)
  /// The content is not what was compressed: its checksum differs.
  case wrongChecksum
  /// The data ends before the frame does.
  case truncated
  case trailing(Trailing)

  /// A mistake of this program: it went on after an error.
  case usedAfterError

  /// What follows a frame that ought to be the only one.
  package enum Trailing: Equatable, Sendable {
    case frame
    case skippableFrame
    case bytes
  }
}

extension ZstdError {
  /// Turns libzstd's result into a number, or into what went wrong.
  static func check(_ result: Int, _ function: String) throws(ZstdError) -> Int {
    guard ZSTD_isError(result) != 0 else { return result }
    let code = ZSTD_getErrorCode(result)
    let name = unsafe String(cString: ZSTD_getErrorName(result))
    switch code {
    case ZSTD_error_corruption_detected, ZSTD_error_frameParameter_unsupported,
      ZSTD_error_literals_headerWrong, ZSTD_error_dictionary_wrong:
      throw .corrupted(code: code.rawValue, name: name)
    case ZSTD_error_checksum_wrong: throw .wrongChecksum
    case ZSTD_error_frameParameter_windowTooLarge:
      throw .windowTooLarge(limit: ZstdDecompressor.maximumWindowSize)
    default: throw .library(function: function, code: code.rawValue, name: name)
    }
  }
}

extension ZstdError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .library(let function, let code, let name):
      "libzstd's \(function) failed: \(name) (error \(code))"
    case .noContext: "libzstd has no memory left"
    case .wrongContentSize(let announced):
      "the compressed data is not as long as announced, \(announced) bytes"
    case .notZstd: "the data is not compressed with zstd"
    case .skippableFrame: "the compressed data begins with a skippable frame"
    case .windowTooLarge(let limit):
      "the compressed data needs a window of more than \(limit) bytes"
    case .corrupted(let code, let name):
      "the compressed data is damaged: \(name) (error \(code) of libzstd)"
    case .wrongChecksum: "the compressed data is damaged: its checksum is wrong"
    case .truncated: "the compressed data is cut"
    case .trailing(.frame): "a second zstd frame follows the compressed data"
    case .trailing(.skippableFrame): "a skippable frame follows the compressed data"
    case .trailing(.bytes): "more bytes follow the compressed data"
    case .usedAfterError: "the compressed data was used after an error"
    }
  }

  /// What an operator can do about it; `nil` where the error says it all.
  package var hint: String? {
    switch self {
    case .windowTooLarge: "Decompress it with `zstd -d --long=31`."
    case .trailing(.frame): "Decompress it with `zstd -d`, which joins frames."
    default: nil
    }
  }
}
