import SnapshotFile
import SnapshotFileTestSupport
import Testing
import TestSupport

@Suite struct `The small snapshot` {
  @Test func `holds what was written`() throws {
    let report = try inspect(SnapshotFixture.database)
    #expect(report.pageSize == 4096)
    #expect(report.pageCount == 5)
    #expect(report.pagesInUse == 3)
    #expect(report.txid == 9)
    #expect(!report.storesFreelist)
    #expect(report.revision == 6)
    #expect(report.totalRecords == 10)
    #expect(report.keyRecords == 6)
    #expect(report.leaseCount == 0)
    #expect(report.consistentIndex == 9)
    #expect(report.clusterVersion == "3.4.0")
    #expect(report.storageVersion == nil)
    #expect(report.members.map { [$0.id, $0.name] } == [["722d14fadfa13d8a", "tz"]])
    #expect(!report.isAuthEnabled)
    #expect(
      report.buckets.filter { $0.records > 0 }.map { "\($0.name) \($0.records)" }
        == ["auth 1", "cluster 1", "key 6", "members 1", "meta 1"])
  }

  @Test func `S4: has no byte whose damage goes unnoticed, but where no structure can tell`() {
    let file = SnapshotFixture.database
    var unnoticed: [ByteRole: Int] = [:]
    for (offset, role) in ByteRole.roles(of: file).enumerated() {
      let masks: [UInt8] = role == .padding || role == .freePage ? [0xFF] : [0x01, 0x80, 0xFF]
      for mask in masks {
        var damaged = file
        damaged[offset] ^= mask
        do {
          _ = try inspect(damaged)
          unnoticed[role, default: 0] += 1
        } catch {}
      }
    }
    // Bytes that hold up the structure: not one flip passes.
    #expect(unnoticed[.structure] == nil)
    #expect(unnoticed[.revision] == nil)
    // A key that still sorts between its neighbours, what the user keeps, a counter that nothing
    // refers to, bytes behind the last record, a free page.
    #expect(
      Set(unnoticed.keys)
        == [.name, .value, .counter, .sequence, .subRevision, .padding, .freePage])
    // Of a counter, one flip of three: the others change where it ends.
    #expect(unnoticed[.counter] == 5 * 2)
  }
}

/// What a byte of the small snapshot is for.
enum ByteRole: Hashable {
  case structure, revision, subRevision, name, value, counter, sequence, padding, freePage

  /// The role of each byte; knows the layout of `SnapshotFixture` and nothing of the code under test.
  static func roles(of file: [UInt8]) -> [ByteRole] {
    var roles = [ByteRole](repeating: .padding, count: file.count)
    func mark(_ start: Int, _ count: Int, _ role: ByteRole) {
      for offset in start..<start + count { roles[offset] = role }
    }
    func number(_ offset: Int, _ count: Int) -> Int {
      (0..<count).reversed().reduce(0) { $0 << 8 | Int(file[offset + $1]) }
    }
    // A record's value in bucket `key`: fields of one byte's tag and one byte's number or length.
    func markMessage(_ start: Int, _ count: Int) {
      var offset = start
      while offset < start + count {
        let (tag, number) = (file[offset], Int(file[offset + 1]))
        let isText = tag & 7 == 2
        mark(offset, 1, .structure)
        mark(offset + 1, 1, isText || tag == 0x18 ? .structure : .counter)
        offset += 2
        if isText {
          mark(offset, number, .value)
          offset += number
        }
      }
    }
    func markLeaf(_ page: Int, inKeyBucket: Bool) {
      let count = number(page + 10, 2)
      mark(page, 16 + 16 * count, .structure)
      for element in stride(from: page + 16, to: page + 16 + 16 * count, by: 16) {
        let key = element + number(element + 4, 4)
        let keySize = number(element + 8, 4)
        let value = key + keySize
        if number(element, 4) == 1 {
          mark(key, keySize, .name)
          mark(value, 8, .structure)
          mark(value + 8, 8, .sequence)
          let isKey = file[key..<value].elementsEqual("key".utf8)
          markLeaf(value + 16, inKeyBucket: isKey)
        } else {
          let valueSize = number(element + 12, 4)
          if inKeyBucket {
            markMessage(value, valueSize)
          } else {
            mark(value, valueSize, .value)
          }
          mark(key, keySize, inKeyBucket ? .revision : .name)
          // A tombstone's value does not repeat its revision.
          if inKeyBucket {
            mark(key + (keySize == 18 ? 0 : 9), keySize == 18 ? 17 : 8, .subRevision)
          }
          if inKeyBucket { mark(key + 8, 1, .revision) }
        }
      }
    }
    mark(0, 80, .structure)
    mark(4096, 80, .structure)
    markLeaf(2 * 4096, inKeyBucket: false)
    mark(3 * 4096, 2 * 4096, .freePage)
    return roles
  }
}
