// What OpenSSL reports when one of its functions fails.

internal import COpenSSL

/// A function of OpenSSL that failed, with OpenSSL's own code and reason.
package struct OpenSSLError: Error, Equatable {
  package let function: String
  /// As in `openssl errstr`, there in hex digits; 0 where OpenSSL gives none.
  package let code: UInt
  package let reason: String

  /// Takes the latest error of this thread and empties OpenSSL's queue.
  init(_ function: String) {
    self.function = function
    code = ERR_peek_last_error()
    reason = unsafe ERR_reason_error_string(code).map { unsafe String(cString: $0) } ?? ""
    ERR_clear_error()
  }

  /// OpenSSL's functions return 1 on success and 0 or a negative number on failure.
  static func check(_ status: Int32, _ function: String) throws(OpenSSLError) {
    guard status == 1 else { throw OpenSSLError(function) }
  }
}

extension OpenSSLError: CustomStringConvertible {
  package var description: String {
    let known = reason.isEmpty ? "no reason given" : reason
    return
      "OpenSSL's \(function) failed: \(known) (error \(String(code, radix: 16, uppercase: true)))"
  }
}
