// A request's body in memory.

import HTTP
import Testing

@Suite struct `A payload` {
  private func bytes(of payload: Payload) -> [UInt8] {
    payload.withBytes { unsafe $0.withUnsafeBytes { unsafe Array($0) } }
  }

  private func address(of payload: Payload) -> UInt {
    payload.withBytes { unsafe $0.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) } }
  }

  private func append(_ bytes: [UInt8], to payload: Payload) -> Int {
    unsafe payload.append(bytes.span.bytes)
  }

  @Test func `takes as much as there is room for`() {
    let payload = Payload(capacity: 5)
    #expect(append([1, 2, 3], to: payload) == 3)
    #expect(!payload.isFull)
    #expect(append([4, 5, 6, 7], to: payload) == 2)
    #expect(payload.isFull)
    #expect(append([8], to: payload) == 0)
    #expect(bytes(of: payload) == [1, 2, 3, 4, 5])
  }

  @Test func `is filled again after it was emptied`() {
    let payload = Payload([1, 2, 3])
    payload.removeAll()
    #expect(payload.count == 0)
    #expect(bytes(of: payload) == [])
    #expect(append([9], to: payload) == 1)
    #expect(bytes(of: payload) == [9])
  }

  @Test func `stays at its address`() {
    let payload = Payload(capacity: 2)
    let before = address(of: payload)
    _ = append([1, 2], to: payload)
    payload.removeAll()
    _ = append([3], to: payload)
    #expect(address(of: payload) == before)
  }

  @Test func `may be empty for ever`() {
    let payload = Payload([])
    #expect(payload.isFull)
    #expect(append([1], to: payload) == 0)
    #expect(bytes(of: payload) == [])
  }
}
