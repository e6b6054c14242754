// HTTP/2 as servers of gRPC speak it: fields after the body.

import HTTP
import TestSupport
import Testing

@Suite struct `A download over HTTP/2` {
  /// Frames of stream 1, as RFC 9113 has them, its fields never compressed (RFC 7541, 6.2.2).
  private enum Frame {
    static func make(type: UInt8, flags: UInt8 = 0, stream: UInt8 = 1, _ payload: [UInt8] = [])
      -> [UInt8]
    {
      let count = payload.count
      return [UInt8(count >> 16), UInt8(count >> 8 & 255), UInt8(count & 255), type, flags]
        + [0, 0, 0, stream] + payload
    }

    static let settings = make(type: 4, stream: 0)

    static func headers(_ fields: KeyValuePairs<String, String>, isEnd: Bool) -> [UInt8] {
      let block = fields.flatMap { name, value in
        [0, UInt8(name.utf8.count)] + name.utf8 + [UInt8(value.utf8.count)] + value.utf8
      }
      return make(type: 1, flags: isEnd ? 5 : 4, block)
    }

    static func data(_ bytes: ArraySlice<UInt8>) -> [UInt8] { make(type: 0, Array(bytes)) }
  }

  /// A whole answer; its server neither looks at the request nor minds any window.
  private func answer(_ body: [UInt8]) -> [UInt8] {
    let pieces = stride(from: 0, to: body.count, by: 16_384).flatMap { start in
      Frame.data(body[start...].prefix(16_384))
    }
    return Frame.settings + Frame.headers([":status": "200"], isEnd: false) + pieces
      + Frame.headers(["grpc-status": "0", "grpc-message": ""], isEnd: true)
  }

  /// Where the end of the body comes while its reader is busy with other things, and nothing more
  /// fits in the inbox, libcurl hands out all the fields at once.
  @Test(arguments: [
    0, 1, 1000, 16_384, 40_000, 1 << 20, 1 << 20 + 1, 1 << 20 + 1000, 1 << 20 + 9000,
  ])
  func `has every field after its body, however late it is read`(size: Int) throws {
    let body = patternBytes(size)
    let server = ScriptedServer { [answer] _ in
      [.pause(.milliseconds(100)), .send(answer(body)), .hold]
    }
    var connection = Connection()
    connection.version = .http2
    let transport = Transport()
    let download = try transport.download(Request("GET", server.url), over: connection)
    try transport.sleep(for: .milliseconds(100), before: "the first read")
    var all: [UInt8] = []
    var piece: [UInt8] = []
    while try download.read(into: &piece) { all += piece }
    #expect(all == body)
    #expect(download.trailers == ["grpc-status": "0", "grpc-message": ""])
  }
}
