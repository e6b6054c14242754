// Bytes for bodies: cheap to make in any number, and different when shifted, swapped or cut.

/// Repeats every 251 bytes, a prime, so that no block size falls in step with it.
package func patternBytes(_ count: Int) -> [UInt8] {
  var bytes = Array(0..<UInt8(251))
  while bytes.count < count { bytes += bytes }
  return Array(bytes.prefix(count))
}
