// The rendered gateway stream against what real etcd servers were seen to send.

import TestSupport
import Testing

@Suite struct `A rendered gateway stream` {
  let stream = GatewayStream(of: SnapshotFixture.database)

  @Test func `of the small snapshot is as long as etcd's own`() {
    #expect(stream.lines.count == 2)
    #expect(stream.bytes.count == 27_398)
  }

  @Test func `counts down and leaves out the zero`() {
    let stream = GatewayStream(of: [UInt8](repeating: 65, count: 80_000))
    let lines = String(decoding: stream.bytes, as: UTF8.self).split(separator: "\n")
    #expect(lines.count == 4)
    #expect(lines[0].hasPrefix(#"{"result":{"remaining_bytes":"47232","blob":"QUFB"#))
    #expect(lines[1].hasPrefix(#"{"result":{"remaining_bytes":"14464","blob":"QUFB"#))
    #expect(lines[2].hasPrefix(#"{"result":{"blob":"QUFB"#))
    #expect(lines[3].hasPrefix(#"{"result":{"blob":""#))
    #expect(lines[3].utf8.count == #"{"result":{"blob":""}}"#.utf8.count + 44)
  }

  @Test func `of few bytes reads as etcd writes it`() {
    var stream = GatewayStream(lines: [.message(remaining: 7, blob: Array("hello".utf8))])
    #expect(text(stream) == #"{"result":{"remaining_bytes":"7","blob":"aGVsbG8="}}"# + "\n")
    stream.spacing = .spaced
    stream.version = "3.6.0"
    #expect(
      text(stream)
        == #"{"result":{"remaining_bytes":"7", "blob":"aGVsbG8=", "version":"3.6.0"}}"# + "\n")
  }

  @Test func `knows where its lines begin`() {
    let end = stream.offset(ofLine: 1)
    #expect(stream.bytes[end - 1] == UInt8(ascii: "\n"))
    #expect(stream.offset(ofLine: 2) == stream.bytes.count)
  }

  @Test(arguments: [
    (
      GatewayStream.ErrorShape.v1,
      #"{"error":{"grpc_code":4,"http_code":500,"message":"context deadline exceeded","#
        + #""http_status":"Internal Server Error"}}"#
    ),
    (.v2, #"{"error":{"code":4,"message":"context deadline exceeded"}}"# + "\n"),
    (
      .v2WithDetails,
      #"{"error":{"code":4,"message":"context deadline exceeded","details":[]}}"#
        + "\n"
    ),
  ])
  func `tells of a failure in every shape there is`(
    shape: GatewayStream.ErrorShape, expected: String
  ) {
    let line = GatewayStream.Line.error(shape, code: 4, message: "context deadline exceeded")
    #expect(text(GatewayStream(lines: [line])) == expected)
  }

  private func text(_ stream: GatewayStream) -> String {
    String(decoding: stream.bytes, as: UTF8.self)
  }
}
