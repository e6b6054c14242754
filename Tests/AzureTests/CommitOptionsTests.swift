// Access tier and immutability on the wire: what a commit asks for, and what a store may make of it.

import Azure
import TestSupport
import Testing

@Suite struct `What a commit asks for` {
  static let until = 1_800_000_000
  let options = CommitOptions(
    tier: .cold, immutability: ImmutabilityPolicy(.unlocked, until: Self.until))

  /// Commits, then reads back what the store says it holds. Returns the commit.
  private func commit(_ held: String) throws -> RecordedRequest? {
    let list = "<BlockList><CommittedBlocks><Block><Name>MDEyMzQ1Njc4OWFiY2RlZi0wMDAwMA==</Name>"
    let server = ScriptedServer { request in
      switch request.kind {
      case .putBlock: .stored(request)
      case .putBlockList: .committed
      case .properties:
        .properties(size: 5, runID: "0123456789abcdef", etag: "\"0x1\"", more: held)
      case .getBlockList:
        .response(200, xml: list + "<Size>5</Size></Block></CommittedBlocks></BlockList>")
      default: .response(500, text: "not asked for")
      }
    }
    let store = try TestStore(server)
    let receipt = try store.stage(testBytes(5)).commit(metadata: [:], options: options)
    try store.container.verify(receipt)
    return server.requests.first { $0.kind == .putBlockList }
  }

  private func held(tier: String = "Cold", mode: String = "unlocked", until: String = date)
    -> String
  {
    "x-ms-access-tier: \(tier)\r\n"
      + (until.isEmpty
        ? ""
        : "x-ms-immutability-policy-until-date: \(until)\r\nx-ms-immutability-policy-mode: \(mode)\r\n")
  }

  static let date = "Fri, 15 Jan 2027 08:00:00 GMT"

  @Test func `is in its head, and signed`() throws {
    let request = try #require(try commit(held()))
    #expect(request["x-ms-access-tier"] == "Cold")
    #expect(request["x-ms-immutability-policy-until-date"] == Self.date)
    #expect(request["x-ms-immutability-policy-mode"] == "Unlocked")
    #expect(request.isRightlySigned)
  }

  @Test func `may be exceeded`() throws {
    #expect(try commit(held(until: "Sat, 16 Jan 2027 08:00:00 GMT")) != nil)
  }

  @Test(arguments: [
    (
      "Hot", "unlocked", date, CommitOption.accessTier,
      "it was asked for Cold, and the blob has Hot"
    ),
    ("Cold", "unlocked", "", .immutability, "the blob has no policy"),
    (
      "Cold", "locked", date, .immutability,
      "the blob has one that is locked until 2027-01-15T08:00:00Z"
    ),
    (
      "Cold", "unlocked", "Fri, 15 Jan 2027 07:59:59 GMT", .immutability,
      "the blob has one that is unlocked until 2027-01-15T07:59:59Z"
    ),
  ])
  func `is missed where the store ignored it`(
    tier: String, mode: String, until: String, option: CommitOption, reason: String
  ) throws {
    let error = #expect(throws: AzureError.self) {
      try commit(held(tier: tier, mode: mode, until: until))
    }
    #expect(error == .optionRefused(option, reason: reason))
    #expect(error?.isConfiguration == true)
  }
}
