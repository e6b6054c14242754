// What makes a snapshot file whole, read from wherever it lies and in pieces of any length.

import Digests
import SnapshotFile
import Testing
import TestSupport

private func verify(
  _ file: [UInt8], inPiecesOf size: Int = 1 << 20, checkingPages: Bool = true
) throws(SnapshotFileError) -> VerifiedSnapshot {
  var verifier = SnapshotVerifier(checkingPages: checkingPages)
  for start in stride(from: 0, to: file.count, by: size) {
    let piece = Array(file[start...].prefix(size))
    try verifier.update(unsafe piece.span.bytes)
  }
  return try verifier.finish()
}

private func fault(in file: [UInt8], checkingPages: Bool = true) -> SnapshotFileError? {
  do throws(SnapshotFileError) {
    _ = try verify(file, checkingPages: checkingPages)
    return nil
  } catch {
    return error
  }
}

@Suite struct `A snapshot file` {
  @Test(arguments: [1, 7, 79, 80, 81, 4096, 20_479, 20_480, 20_481, 20_511, 20_512])
  func `is verified in pieces of any length`(size: Int) throws {
    let verified = try verify(SnapshotFixture.file, inPiecesOf: size)
    #expect(verified.size == 20_512)
    #expect(verified.sha256.description == SnapshotFixture.sha256OfFile)
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

  /// A root page that says it is another page; the hash is the one that etcd would have sent.
  @Test func `S8: is refused where the hash is right, but a page is not`() {
    var database = SnapshotFixture.database
    database[8192] ^= 1
    let file = database + SHA256.digest(of: database).bytes
    guard case .unsound? = fault(in: file) else {
      Issue.record("\(String(describing: fault(in: file)))")
      return
    }
    #expect(fault(in: file, checkingPages: false) == nil)
  }

  @Test func `S4: is called damaged, not unsound, where it was damaged on its way`() {
    var file = SnapshotFixture.file
    file[8192] ^= 1
    guard case .checksumMismatch? = fault(in: file) else {
      Issue.record("\(String(describing: fault(in: file)))")
      return
    }
  }

  @Test func `S8: is verified all the same where its pages cannot be judged in bounded memory`()
    throws
  {
    let file = TestDatabase.tangled + SHA256.digest(of: TestDatabase.tangled).bytes
    let verified = try verify(file)
    #expect(verified.pages.verdict == "undecided")
    #expect(verified.sha256 == SHA256.digest(of: file))
  }

  @Test func `tells what its pages hold where they are checked`() throws {
    #expect(try verify(SnapshotFixture.file).pages.report?.revision == 6)
    #expect(try verify(SnapshotFixture.file, checkingPages: false).pages == .off)
  }

  @Test func `J4: is refused where it is empty, or something else`() {
    #expect(fault(in: []) == .truncated(received: 0, expected: nil))
    guard case .notDatabase? = fault(in: Array(repeating: 60, count: 5000)) else {
      Issue.record("a file of 5,000 less-than signs was taken for a database")
      return
    }
  }
}
