/// What proves a snapshot file whole, read from wherever it lies and in pieces of any length.

import Digests
import Etcd
import TestSupport
import Testing

private func proof(
  of file: [UInt8], inPiecesOf size: Int = 1 << 20
) throws(SnapshotError) -> SnapshotProof {
  var prover = SnapshotProver(checkingPages: false)
  for start in stride(from: 0, to: file.count, by: size) {
    let piece = Array(file[start...].prefix(size))
    try prover.update(unsafe piece.span.bytes)
  }
  return try prover.finish()
}

private func fault(in file: [UInt8]) -> SnapshotError? {
  do throws(SnapshotError) {
    _ = try proof(of: file)
    return nil
  } catch {
    return error
  }
}

@Suite struct `A snapshot file` {
  @Test(arguments: [1, 7, 79, 80, 81, 4096, 20_479, 20_480, 20_481, 20_511, 20_512])
  func `is proven in pieces of any length`(size: Int) throws {
    let proof = try proof(of: SnapshotFixture.file, inPiecesOf: size)
    #expect(proof.size == 20_512)
    #expect(proof.sha256.description == SnapshotFixture.sha256OfFile)
  }

  @Test(arguments: [0, 1, 79, 80, 4096, 20_479, 20_480, 20_481, 20_511])
  func `U7: is refused where its end is missing`(count: Int) {
    #expect(
      fault(in: Array(SnapshotFixture.file.prefix(count)))
        == .truncated(received: UInt64(count), expected: count < 80 ? nil : 20_512))
  }

  @Test(arguments: [1, 32, 5000])
  func `U7: is refused where something hangs on its end`(count: Int) {
    let file = SnapshotFixture.file + [UInt8](repeating: 0, count: count)
    #expect(fault(in: file) == .excessBytes(byteCount: count))
  }

  /// 28 positions beside one another in each of the database's five pages and in the hash.
  @Test(arguments: [0, 64, 4096, 8192, 12_288, 16_384, 20_452, 20_480])
  func `S4: is refused for a flipped bit`(start: Int) {
    for position in start..<start + 28 {
      var file = SnapshotFixture.file
      file[position] ^= 1
      #expect(fault(in: file) != nil, "byte \(position)")
    }
  }

  @Test func `J4: is refused where it is empty, or something else`() {
    #expect(fault(in: []) == .truncated(received: 0, expected: nil))
    guard case .notDatabase? = fault(in: Array(repeating: 60, count: 5000)) else {
      Issue.record("a file of 5,000 less-than signs was taken for a database")
      return
    }
  }
}
