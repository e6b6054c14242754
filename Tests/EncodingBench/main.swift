// Measures encryption and compression against the programs age and zstd, in the same rounds:
//
//   EncodingBench ratios [MiB]                 default: 512 MiB of made-up records
//   EncodingBench encrypt FILE | decrypt FILE | compress LEVEL FILE | decompress FILE     to standard output
//
// Processor time is that of the whole process, ours and theirs; both read a file and write to /dev/null.

import Encoding
import Foundation

let identityText = "AGE-SECRET-KEY-1QQQSYQCYQ5RQWZQFPG9SCRGWPUGPZYSNZS23V9CCRYDPK8QARC0SWRYDWG"

/// The bytes of a file, in the pieces in which a snapshot comes.
func read(_ path: String, _ use: (RawSpan) throws(CodingError) -> Void) throws {
  let file = open(path, O_RDONLY)
  guard file >= 0 else { throw POSIXError(.ENOENT) }
  defer { close(file) }
  var buffer = [UInt8](repeating: 0, count: 65_536)
  while true {
    let count = buffer.withUnsafeMutableBytes { read(file, $0.baseAddress, $0.count) }
    guard count > 0 else { return }
    try use(buffer.span.bytes.extracting(first: count))
  }
}

func emit(_ bytes: RawSpan) {
  bytes.withUnsafeBytes { bytes in
    var written = 0
    while written < bytes.count {
      let count = write(1, bytes.baseAddress.map { $0 + written }, bytes.count - written)
      guard count > 0 else { exit(1) }
      written += count
    }
  }
}

func encode(_ path: String, level: ZstdLevel?, recipients: [AgeRecipient]) throws {
  var encoder = try StreamEncoder(compression: level, recipients: recipients)
  try read(path) { bytes throws(CodingError) in
    try encoder.append(bytes) { bytes throws(CodingError) in emit(bytes) }
  }
  _ = try encoder.finish { bytes throws(CodingError) in emit(bytes) }
}

func decode(_ path: String, identities: [AgeIdentity]?, isCompressed: Bool) throws {
  var decoder = try StreamDecoder(identities: identities, isCompressed: isCompressed)
  try read(path) { bytes throws(CodingError) in
    try decoder.append(bytes) { bytes throws(CodingError) in emit(bytes) }
  }
  try decoder.finish { bytes throws(CodingError) in emit(bytes) }
}

let text = Array(identityText.utf8)
let arguments = Array(CommandLine.arguments.dropFirst())
do {
  let identity = try AgeIdentity(text.span.bytes)
  switch arguments.first {
  case "ratios":
    let mebibytes = arguments.count > 1 ? Int(arguments[1]) ?? 512 : 512
    try Comparison.run(mebibytes: mebibytes, recipient: identity.recipient.description)
  case "encrypt" where arguments.count == 2:
    try encode(arguments[1], level: nil, recipients: [identity.recipient])
  case "decrypt" where arguments.count == 2:
    try decode(arguments[1], identities: [identity], isCompressed: false)
  case "compress" where arguments.count == 3:
    try encode(arguments[2], level: ZstdLevel(Int(arguments[1]) ?? 0), recipients: [])
  case "decompress" where arguments.count == 2:
    try decode(arguments[1], identities: nil, isCompressed: true)
  default:
    print(
      "usage: EncodingBench ratios [MiB] | encrypt FILE | decrypt FILE | compress LEVEL FILE"
        + " | decompress FILE")
    exit(64)
  }
} catch {
  print(error)
  exit(1)
}
