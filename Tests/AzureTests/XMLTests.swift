// The service's documents: listings, block lists, and what must not be taken for one.

import Azure
import Testing

@Suite struct `XML` {
  private func elements(_ text: String) throws -> [String] {
    var found: [String] = []
    try XMLReader.read(Array(text.utf8)) { element in
      found.append("\(element.path.joined(separator: "/"))=\(element.text)")
    }
    return found
  }

  @Test func `is reported element by element, children first`() throws {
    #expect(
      try elements("<a>1<b>2</b>3<c/></a>") == ["a/b=2", "a/c=", "a=13"])
  }

  @Test func `X4 with a tag that grows without end is refused, a long text is not`() throws {
    let attributes = (0..<20_000).map { " a\($0)=\"1\"" }.joined()
    let error = try #require(throws: XMLError.self) { try elements("<a><b\(attributes)/></a>") }
    #expect(error.description == "an element's tag is longer than 64 KiB")
    let text = String(repeating: "x", count: 1_000_000)
    #expect(try elements("<a>\(text)</a>") == ["a=\(text)"])
  }

  @Test func `has its entities decoded and its letters kept`() throws {
    #expect(
      try elements("<a>&lt;&amp;&gt;&apos;&quot;&#x2603; Grüße 雪</a>") == ["a=<&>'\"☃ Grüße 雪"])
  }

  @Test func `may begin with a byte order mark`() throws {
    #expect(try elements("\u{FEFF}<?xml version=\"1.0\" encoding=\"utf-8\"?><a>1</a>") == ["a=1"])
  }

  @Test func `tells attributes`() throws {
    var encoded: String?
    try XMLReader.read(Array("<a><Name Encoded=\"true\" x=\"&amp;\">n</Name></a>".utf8)) {
      if $0.path.last == "Name" { encoded = $0.attributes["Encoded"] }
    }
    #expect(encoded == "true")
  }

  @Test(arguments: [
    "", "<html><br></html>", "502 Bad Gateway", "<a>", "<a></b>", "<a>&unknown;</a>",
  ])
  func `that is not well-formed is an error`(text: String) {
    #expect(throws: XMLError.self) { try elements(text) }
  }

  @Test func `with a type declaration is refused, entity bombs and all`() throws {
    let bomb = """
      <!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;&x;&x;">]><a>&y;&y;&y;</a>
      """
    let error = try #require(throws: XMLError.self) { try elements(bomb) }
    #expect(error.description.contains("document type declaration"))
  }

  @Test func `that nests without end is refused`() throws {
    let deep = String(repeating: "<a>", count: 100_000)
    let error = try #require(throws: XMLError.self) { try elements(deep) }
    #expect(error.description.contains("nest"))
  }
}

@Suite struct `A page of a listing` {
  private func page(_ blobs: String, marker: String = "<NextMarker/>") throws -> ListingPage {
    try ListingPage(
      Array(
        ("\u{FEFF}<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults "
          + "ServiceEndpoint=\"https://x/\" ContainerName=\"c\"><Prefix>p/</Prefix>"
          + "<MaxResults>1000</MaxResults><Blobs>\(blobs)</Blobs>\(marker)</EnumerationResults>")
          .utf8), metadata: ["runid"])
  }

  private func entry(_ name: String, length: String = "20512") -> String {
    "<Blob><Name>\(name)</Name><Properties><Creation-Time>Sat, 01 Mar 2025 02:03:04 GMT"
      + "</Creation-Time><Last-Modified>Sat, 01 Mar 2025 02:03:04 GMT</Last-Modified>"
      + "<Etag>0x8DD5</Etag><Content-Length>\(length)</Content-Length><Content-MD5/>"
      + "<BlobType>BlockBlob</BlobType><AccessTier>Cool</AccessTier></Properties>"
      + "<Metadata><runid>ab&amp;</runid></Metadata></Blob>"
  }

  @Test func `tells name, size, date, version, tier and metadata of each blob`() throws {
    let blob = try #require(try page(entry("p/one")).blobs.first)
    #expect(blob.name == (try BlobName("p/one")))
    #expect(blob.size == 20_512)
    #expect(blob.lastModified == 1_740_794_584)
    #expect(blob.etag == ETag("\"0x8DD5\""))
    #expect(blob.accessTier == "Cool")
    #expect(blob.metadata.fields == ["runid": "ab&"])
  }

  @Test(arguments: [
    ("a&amp;b", "a&b"), ("it&apos;s", "it's"), ("it's", "it's"), ("Gr&#252;ße/雪", "Grüße/雪"),
    ("&lt;x&gt;", "<x>"), ("a%20b", "a%20b"),
  ])
  func `knows blobs by their real names`(written: String, name: String) throws {
    #expect(try page(entry(written)).blobs.map(\.name.description) == [name])
  }

  @Test func `decodes a name that XML could not carry`() throws {
    let written = entry("x").replacing(
      "<Name>x</Name>", with: "<Name Encoded=\"true\">a%EF%BF%BEb%25</Name>")
    #expect(try page(written).blobs.map(\.name.description) == ["a\u{FFFE}b%"])
  }

  @Test(arguments: [
    ("<NextMarker/>", nil), ("<NextMarker></NextMarker>", nil), ("", nil),
    ("<NextMarker>2!88!MDAw&amp;=</NextMarker>", "2!88!MDAw&="),
  ])
  func `says where the next begins`(written: String, marker: String?) throws {
    #expect(try page(entry("a"), marker: written).nextMarker == marker)
  }

  @Test func `may be empty and yet not the last`() throws {
    let page = try page("", marker: "<NextMarker>more</NextMarker>")
    #expect(page.blobs.isEmpty)
    #expect(page.nextMarker == "more")
  }

  @Test func `keeps no value from one blob for the next`() throws {
    let second = "<Blob><Name>b</Name><Properties><Etag>1</Etag></Properties></Blob>"
    let error = try #require(throws: XMLError.self) { try page(entry("a") + second) }
    #expect(error.description == "the entry of b lacks size, date or ETag")
  }

  @Test(arguments: ["<Error><Code>x</Code></Error>", "<html/>", "<BlockList/>"])
  func `is nothing else that happens to be XML`(document: String) {
    #expect(throws: XMLError.self) { try ListingPage(Array(document.utf8)) }
  }
}

@Suite struct `A block list` {
  @Test func `tells ids and sizes of committed blocks, in order`() throws {
    let document = """
      \u{FEFF}<?xml version="1.0" encoding="utf-8"?><BlockList><CommittedBlocks>\
      <Block><Name>MDA=</Name><Size>8</Size></Block><Block><Name>MDE=</Name><Size>3</Size></Block>\
      </CommittedBlocks><UncommittedBlocks><Block><Name>MDI=</Name><Size>1</Size></Block>\
      </UncommittedBlocks></BlockList>
      """
    let blocks = try CommittedBlock.list(from: Array(document.utf8))
    #expect(blocks.map(\.id.description) == ["MDA=", "MDE="])
    #expect(blocks.map(\.size) == [8, 3])
  }

  @Test(arguments: [
    "<BlockList><CommittedBlocks><Block><Name>MDA=</Name></Block></CommittedBlocks></BlockList>",
    "<BlockList><CommittedBlocks><Block><Size>1</Size></Block></CommittedBlocks></BlockList>",
    "<Other/>",
  ])
  func `that leaves something out is an error`(document: String) {
    #expect(throws: XMLError.self) { try CommittedBlock.list(from: Array(document.utf8)) }
  }
}

@Suite struct `A content checksum` {
  @Test(
    arguments: [
      ([], "AAAAAAAAAAA="),
      (Array("123456789".utf8), "iJh5CoYUi64="),
      (Array("a".utf8), "PPzLtEWEL4w="),
      (Array("hello world".utf8), "vo7q9sPVKY0="),
      (Array(repeating: 0x00, count: 32), "O89OTUNzNM8="),
      (Array(repeating: 0xff, count: 32), "xGNNw3RpoKA="),
      (Array(0...255), "bpbZeRLicf8="),
    ] as [([UInt8], String)])
  func `is written as Microsoft's library writes it`(bytes: [UInt8], value: String) {
    #expect(checksum(of: bytes) == value)
  }
}
