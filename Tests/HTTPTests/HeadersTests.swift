// Header fields: their order, and names that compare without case.

import HTTP
import TestSupport
import Testing

@Suite struct `Header fields` {
  @Test func `keep their order and their case`() {
    var headers: Headers = ["x-ms-version": "2021-12-02", "If-Match": "*"]
    headers.add("X-MS-Version", "again")
    #expect(headers.fields.map(\.name) == ["x-ms-version", "If-Match", "X-MS-Version"])
    #expect(headers.fields.map(\.value) == ["2021-12-02", "*", "again"])
  }

  @Test func `are found whatever their case; the first one counts`() {
    let headers: Headers = ["ETag": "1", "etag": "2"]
    #expect(headers["eTAG"] == "1")
    #expect(headers["Date"] == nil)
  }

  @Test func `are replaced, all of one name, by assignment`() {
    var headers: Headers = ["a": "1", "b": "2", "A": "3"]
    headers["A"] = "4"
    #expect(headers == ["b": "2", "A": "4"])
    headers["B"] = nil
    #expect(headers == ["A": "4"])
  }

  @Test func `of an answer come without the blanks around their values`() throws {
    let server = ScriptedServer { _ in
      [
        .send("HTTP/1.1 200 OK\r\nETag:\"0x8D\"\r\nx-empty:\r\nx-blanks: \t a  b \t \r\n"),
        .send("X-Colons: a: b:c\r\nx-ms-meta-Case: Größe\r\nContent-Length: 0\r\n\r\n"),
      ]
    }
    let response = try Transport().send(Request("GET", server.url), over: .init())
    #expect(
      response.headers == [
        "ETag": "\"0x8D\"", "x-empty": "", "x-blanks": "a  b", "X-Colons": "a: b:c",
        "x-ms-meta-Case": "Größe", "Content-Length": "0",
      ])
  }

  @Test(arguments: [("  a b\t\r\n", "a b"), ("", ""), (" \r\n", ""), ("x", "x")])
  func `lose blanks and line ends`(text: String, trimmed: String) {
    #expect(text[...].trimmingBlanks() == trimmed)
  }
}
