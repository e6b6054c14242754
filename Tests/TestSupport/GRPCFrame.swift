// A message of the snapshot stream as native gRPC frames it.

package enum GRPCFrame {
  package static func bytes(remaining: UInt64, blob: [UInt8], more: [UInt8] = []) -> [UInt8] {
    var message = more
    if remaining != 0 { message += [0x10] + varint(remaining) }
    if !blob.isEmpty { message += [0x1A] + varint(UInt64(blob.count)) + blob }
    return frame(message)
  }

  package static func frame(_ message: [UInt8]) -> [UInt8] {
    [0] + (0..<4).map { UInt8(truncatingIfNeeded: message.count >> (24 - 8 * $0)) } + message
  }

  private static func varint(_ number: UInt64) -> [UInt8] {
    number < 0x80 ? [UInt8(number)] : [UInt8(number & 0x7F) | 0x80] + varint(number >> 7)
  }
}
