// How long a server asks to be left alone, in all forms in which servers ask.

import HTTP
import Testing

@Suite struct `Retry-After` {
  private func retryAfter(_ headers: Headers) -> Duration? {
    Response(status: 503, headers: headers, body: []).retryAfter
  }

  @Test(arguments: [("0", 0), ("7", 7), ("120", 120), ("999999999", 86_400)])
  func `in seconds, a day at most`(text: String, seconds: Int) {
    #expect(retryAfter(["Retry-After": text]) == .seconds(seconds))
  }

  @Test(arguments: ["retry-after-ms", "x-ms-retry-after-ms"])
  func `in milliseconds comes first`(name: String) {
    let headers: Headers = ["Retry-After": "10", name: "1500"]
    #expect(retryAfter(headers) == .milliseconds(1500))
  }

  @Test func `as a date counts from the answer's own date`() {
    let date = "Sun, 06 Nov 1994 08:49:37 GMT"
    let later = "Sun, 06 Nov 1994 08:50:07 GMT"
    #expect(retryAfter(["Date": date, "Retry-After": later]) == .seconds(30))
    #expect(retryAfter(["Date": later, "Retry-After": date]) == .zero)
    #expect(retryAfter(["Retry-After": later]) == nil)
  }

  @Test(
    arguments: [
      [:], ["Retry-After": ""], ["Retry-After": "-1"], ["Retry-After": "soon"],
      ["Retry-After": "1.5"], ["Retry-After": "99999999999999999999"], ["retry-after-ms": "-5"],
      ["retry-after-ms": "x"],
    ] as [Headers])
  func `that makes no sense is none`(headers: Headers) {
    #expect(retryAfter(headers) == nil)
  }

  @Test func `that makes no sense gives way to one that does`() {
    #expect(retryAfter(["retry-after-ms": "x", "Retry-After": "3"]) == .seconds(3))
  }

  @Test(arguments: [
    (199, false), (200, true), (206, true), (299, true), (300, false), (503, false),
  ])
  func `apart, only 2xx is a success`(status: Int, isSuccess: Bool) {
    #expect(Response(status: status, headers: [:], body: []).isSuccess == isSuccess)
  }
}
