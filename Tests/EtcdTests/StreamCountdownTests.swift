// What makes a stream of messages a whole snapshot.

import Digests
import Etcd
import Foundation
import SnapshotFile
import Testing
import TestSupport

/// The verdict on these messages, given one after the other.
private func verdict(
  on messages: [SnapshotMessage]
) -> Result<VerifiedSnapshot, SnapshotError> {
  Result { () throws(SnapshotError) in
    var countdown = StreamCountdown()
    var verifier = SnapshotVerifier(checkingPages: false)
    for message in messages { try countdown.pass(message, to: &verifier) }
    do throws(SnapshotFileError) {
      return try verifier.finish()
    } catch {
      throw .file(error)
    }
  }
}

private func fault(in messages: [SnapshotMessage]) -> SnapshotError? {
  if case .failure(let error) = verdict(on: messages) { error } else { nil }
}

/// The messages of a flawless snapshot, each of `messageSize` bytes but the last two.
private func messages(
  of database: [UInt8], messageSize: Int = 32_768, countingHash: Bool = false
) -> [SnapshotMessage] {
  let hash = SHA256.digest(of: database).bytes
  let uncounted = countingHash ? hash.count : 0
  var messages = stride(from: 0, to: database.count, by: messageSize).map { start in
    let end = min(start + messageSize, database.count)
    return SnapshotMessage(
      blob: Data(database[start..<end]), remaining: UInt64(database.count - end + uncounted))
  }
  messages.append(SnapshotMessage(blob: Data(hash), remaining: 0))
  return messages
}

@Suite struct `A snapshot stream is whole` {
  @Test func `with the size and the SHA-256 of the file that etcdctl would have saved`() throws {
    let proof = try verdict(on: messages(of: SnapshotFixture.database)).get()
    #expect(proof.size == UInt64(SnapshotFixture.file.count))
    #expect(proof.sha256.description == SnapshotFixture.sha256OfFile)
  }

  @Test(arguments: [1 << 10, 4096, 8191, 8192, 20_479, 20_480, 32_768], [false, true])
  func `S5: however long its messages are, whether or not the countdown counts the hash`(
    messageSize: Int, countingHash: Bool
  ) throws {
    let messages = messages(
      of: SnapshotFixture.database, messageSize: messageSize, countingHash: countingHash)
    #expect(
      try verdict(on: messages).get().sha256.description == SnapshotFixture.sha256OfFile)
  }

  @Test(arguments: [(4, 4096), (8, 4096), (16, 4096), (17, 4096), (3, 16_384), (6, 65_536)])
  func `S9: whatever its size, on a boundary of messages or beside it`(
    pageCount: Int, pageSize: Int
  ) throws {
    let database = TestDatabase.bytes(pageCount: pageCount, pageSize: pageSize)
    let proof = try verdict(on: messages(of: database)).get()
    #expect(proof.size == UInt64(database.count + 32))
    #expect(
      proof.sha256 == SHA256.digest(of: database + SHA256.digest(of: database).bytes))
  }

  @Test(arguments: [0, 1, 2, 3, 4])
  func `with a few empty messages anywhere, as a member that is waiting may send`(at index: Int)
    throws
  {
    var messages = messages(of: SnapshotFixture.database, messageSize: 8192)
    let remaining = index == 0 ? 20_480 : messages[index - 1].remaining
    let empty = SnapshotMessage(blob: Data(), remaining: remaining)
    messages.insert(contentsOf: repeatElement(empty, count: 99), at: index)
    #expect(throws: Never.self) { try verdict(on: messages).get() }
  }

  @Test func `and until then it tells how much has come`() throws {
    var countdown = StreamCountdown()
    var verifier = SnapshotVerifier(checkingPages: false)
    let before = verifier.databaseSize
    #expect(before == nil)
    var received: [UInt64] = []
    for message in messages(of: SnapshotFixture.database, messageSize: 8192) {
      try countdown.pass(message, to: &verifier)
      received.append(verifier.received)
      #expect(verifier.databaseSize == 20_480)
    }
    #expect(received == [8192, 16_384, 20_480, 20_512])
  }
}

@Suite struct `A snapshot is refused` {
  /// Eight test cases of 4,096 positions each: the database is small so that each can be tried.
  @Test(arguments: 0..<8)
  func `S4: for any flipped bit of the data`(bit: Int) {
    let messages = messages(of: TestDatabase.bytes(pageCount: 4, pageSize: 4096))
    let hash = messages[1]
    var blob = messages[0].blob
    let accepted = blob.indices.filter { position in
      blob[position] ^= 1 << bit
      defer { blob[position] ^= 1 << bit }
      return fault(in: [SnapshotMessage(blob: blob, remaining: 0), hash]) == nil
    }
    #expect(accepted.isEmpty)
  }

  @Test(arguments: 0..<8)
  func `S4: for any flipped bit of the hash`(bit: Int) throws {
    let messages = messages(of: SnapshotFixture.database)
    for position in 0..<32 {
      var hash = messages[1].blob
      hash[position] ^= 1 << bit
      let fault = fault(in: [messages[0], SnapshotMessage(blob: hash, remaining: 0)])
      guard case .file(.checksumMismatch(let announced, let computed)) = fault else {
        Issue.record("byte \(position): \(String(describing: fault))")
        continue
      }
      #expect(announced.bytes == Array(hash))
      #expect(computed.description == SnapshotFixture.sha256OfDatabase)
    }
  }

  @Test(arguments: [0, 1, 2, 3])
  func `S1: when it ends after so many messages`(count: Int) {
    let messages = messages(of: SnapshotFixture.database, messageSize: 8192)
    #expect(
      fault(in: Array(messages.prefix(count)))
        == .file(
          .truncated(
            received: UInt64(min(count * 8192, 20_480)), expected: count == 0 ? nil : 20_512)))
  }

  @Test(arguments: [0, 1, 2])
  func `S1: when a message in its midst is missing`(index: Int) {
    var messages = messages(of: SnapshotFixture.database, messageSize: 8192)
    messages.remove(at: index)
    #expect(fault(in: messages) != nil)
  }

  @Test func `S4: when two messages changed places`() {
    var database = messages(of: TestDatabase.bytes(pageCount: 24))
    let (second, third) = (database[1], database[2])
    database[1] = SnapshotMessage(blob: third.blob, remaining: second.remaining)
    database[2] = SnapshotMessage(blob: second.blob, remaining: third.remaining)
    guard case .file(.checksumMismatch)? = fault(in: database) else {
      Issue.record("\(String(describing: fault(in: database)))")
      return
    }
  }

  @Test func `S6: when messages without bytes do not end`() {
    let empty = SnapshotMessage(blob: Data(), remaining: 12_288)
    let start = messages(of: SnapshotFixture.database, messageSize: 8192)[0]
    #expect(
      fault(in: [start] + Array(repeating: empty, count: 100))
        == .noProgress(received: 8192, emptyMessages: 100))
    #expect(
      fault(in: Array(repeating: empty, count: 100)) == .noProgress(received: 0, emptyMessages: 100)
    )
  }

  @Test(arguments: [-8192, -1, 1, 32, 8192])
  func `S5: when the countdown does not fall by what came`(by difference: Int) {
    var messages = messages(of: SnapshotFixture.database, messageSize: 4096)
    let right = Int(messages[1].remaining)
    let announced = UInt64(right + difference)
    messages[1] = SnapshotMessage(blob: messages[1].blob, remaining: announced)
    #expect(fault(in: messages) == .miscounted(announced: announced, counted: UInt64(right)))
  }

  @Test func `S5: when the countdown is at nothing too soon`() {
    var messages = messages(of: SnapshotFixture.database, messageSize: 8192)
    messages[1] = SnapshotMessage(blob: messages[1].blob, remaining: 0)
    #expect(fault(in: messages) == .miscounted(announced: 0, counted: 4096))
  }

  @Test(arguments: [-4096, -1, 1, 31, 33, 4096])
  func `when the size that etcd announces is not the database's own`(by difference: Int) {
    let blob = messages(of: SnapshotFixture.database, messageSize: 8192)[0].blob
    let remaining = UInt64(12_288 + difference)
    #expect(
      fault(in: [SnapshotMessage(blob: blob, remaining: remaining)])
        == .wrongSize(announced: 8192 + remaining, database: 20_480))
  }

  @Test func `when the size that etcd announces is beyond counting`() {
    let blob = messages(of: SnapshotFixture.database, messageSize: 8192)[0].blob
    guard case .wrongSize? = fault(in: [SnapshotMessage(blob: blob, remaining: .max)]) else {
      Issue.record("a countdown from 2^64 - 1 was taken")
      return
    }
  }

  @Test(arguments: [1, 31, 33, 64, 512, 4096])
  func `S2: when its trailer is not 32 bytes`(count: Int) {
    let start = messages(of: SnapshotFixture.database)[0]
    let trailer = SnapshotMessage(blob: Data(repeating: 1, count: count), remaining: 0)
    #expect(fault(in: [start, trailer]) == .malformedTrailer(byteCount: count))
  }

  @Test(arguments: [1, 32, 32_768])
  func `when bytes follow its trailer`(count: Int) {
    var messages = messages(of: SnapshotFixture.database)
    messages.append(SnapshotMessage(blob: Data(repeating: 1, count: count), remaining: 0))
    #expect(fault(in: messages) == .file(.excessBytes(byteCount: count)))
  }

  @Test func `when the hash hangs on the last message of the data`() {
    let whole = SnapshotMessage(blob: Data(SnapshotFixture.file), remaining: 0)
    #expect(fault(in: [whole]) != nil)
  }

  @Test(arguments: [8, 16, 20, 24, 28, 32, 56, 60, 63, 64, 72, 79])
  func `when its first page is not that of a bbolt database`(byte: Int) {
    let messages = messages(of: SnapshotFixture.database)
    var blob = messages[0].blob
    blob[byte] ^= 0x55
    let fault = fault(in: [SnapshotMessage(blob: blob, remaining: 0), messages[1]])
    if case .file(.notDatabase)? = fault { return }
    Issue.record("\(String(describing: fault))")
  }

  @Test(arguments: [1, 79])
  func `when nothing follows a first message that does not even hold the database's header`(
    count: Int
  ) {
    let blob = Data(SnapshotFixture.database.prefix(count))
    #expect(
      fault(in: [SnapshotMessage(blob: blob, remaining: UInt64(20_480 - count))])
        == .file(.truncated(received: UInt64(count), expected: nil)))
  }

  @Test(arguments: [(0, 4096), (3, 1024), (7, 512), (4, 1000), (8, 0)])
  func `when no database can have so many pages of that size`(pageCount: Int, pageSize: Int) {
    var database = TestDatabase.bytes(pageCount: pageCount, pageSize: pageSize)
    database += [UInt8](repeating: 0, count: max(0, 4096 - database.count))
    let size = UInt64(pageCount * pageSize)
    let start = SnapshotMessage(
      blob: Data(database), remaining: size > 4096 ? size - 4096 : 0)
    guard case .file(.notDatabase(.meta(page: 0, _)))? = fault(in: [start]) else {
      Issue.record("\(String(describing: fault(in: [start])))")
      return
    }
  }
}
