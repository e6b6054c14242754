// Reads the service's XML answers with expat: each element is reported as it ends.

internal import CExpat

/// One element that has just ended.
package struct XMLElement {
  /// The names from the document's root down to this element.
  package let path: [String]
  package let attributes: [String: String]
  /// Its own text, entities decoded; that of elements within it is theirs.
  package let text: String
}

/// Why bytes are not a document of the kind that the service sends.
package struct XMLError: Error, Equatable, CustomStringConvertible {
  package let description: String
}

package enum XMLReader {
  /// expat keeps a tag whole, and its attributes several times over.
  private static let longestTag = 64 << 10
  /// In bytes: the document is handed over in pieces, so that a tag is seen growing.
  private static let piece = 16 << 10

  /// Calls `elementEnded` for every element in the order in which they end: children before their
  /// parent.
  ///
  /// A document with a type declaration is refused, so no entity can be defined, let alone a bomb.
  package static func read(
    _ document: [UInt8], elementEnded: @escaping (XMLElement) -> Void
  ) throws(XMLError) {
    guard let parser = unsafe XML_ParserCreate(nil) else {
      throw XMLError(description: "expat could not allocate a parser")
    }
    defer { unsafe XML_ParserFree(parser) }
    let elements = unsafe OpenElements(parser, elementEnded: elementEnded)
    elements.listen()
    var status = XML_STATUS_OK
    var parsed = 0
    repeat {
      let count = min(piece, document.count - parsed)
      let isLast: Int32 = parsed + count == document.count ? 1 : 0
      status = unsafe document.withUnsafeBytes { bytes in
        unsafe XML_Parse(
          parser, bytes.bindMemory(to: CChar.self).baseAddress.map { unsafe $0 + parsed },
          Int32(count), isLast)
      }
      parsed += count
      // What expat has not got over yet is one tag that has not ended.
      let passed = unsafe Int(XML_GetCurrentByteIndex(parser))
      if status == XML_STATUS_OK, isLast == 0, parsed - passed > longestTag {
        throw XMLError(description: "an element's tag is longer than \(longestTag >> 10) KiB")
      }
    } while status == XML_STATUS_OK && parsed < document.count
    // Lets go of `elements` no earlier than here: expat calls back into it.
    try withExtendedLifetime(elements) { () throws(XMLError) in
      if let refusal = elements.refusal { throw refusal }
      guard status != XML_STATUS_OK else { return }
      let reason = unsafe String(cString: XML_ErrorString(XML_GetErrorCode(parser)))
      throw XMLError(description: "\(reason) in line \(unsafe XML_GetCurrentLineNumber(parser))")
    }
  }
}

/// The elements between the root and where the parser is: the state that expat's callbacks touch.
@safe private final class OpenElements {
  private static let deepest = 32

  private let parser: XML_Parser
  private let elementEnded: (XMLElement) -> Void
  private var path: [String] = []
  private var attributes: [[String: String]] = []
  private var texts: [[UInt8]] = []
  private(set) var refusal: XMLError?

  init(_ parser: XML_Parser, elementEnded: @escaping (XMLElement) -> Void) {
    unsafe self.parser = parser
    self.elementEnded = elementEnded
  }

  func listen() {
    unsafe XML_SetUserData(parser, Unmanaged.passUnretained(self).toOpaque())
    unsafe XML_SetStartDoctypeDeclHandler(parser) { context, _, _, _, _ in
      unsafe OpenElements.behind(context)?.refuse("it carries a document type declaration")
    }
    unsafe XML_SetElementHandler(
      parser,
      { context, name, attributes in
        guard let elements = unsafe OpenElements.behind(context), let name = unsafe name else {
          return
        }
        unsafe elements.start(String(cString: name), attributes)
      },
      { context, _ in
        unsafe OpenElements.behind(context)?.end()
      })
    unsafe XML_SetCharacterDataHandler(parser) { context, start, count in
      unsafe OpenElements.behind(context)?.addText(
        UnsafeRawBufferPointer(start: start, count: Int(count)))
    }
  }

  private static func behind(_ context: UnsafeMutableRawPointer?) -> OpenElements? {
    guard let context = unsafe context else { return nil }
    return unsafe Unmanaged<OpenElements>.fromOpaque(context).takeUnretainedValue()
  }

  private func start(
    _ name: String, _ pairs: UnsafeMutablePointer<UnsafePointer<XML_Char>?>?
  ) {
    guard path.count < Self.deepest else { return refuse("its elements nest too deeply") }
    var found: [String: String] = [:]
    // Names and values in turn, then nil.
    if var next = unsafe pairs {
      while let name = unsafe next[0], let value = unsafe next[1] {
        unsafe found[String(cString: name)] = unsafe String(cString: value)
        unsafe next += 2
      }
    }
    path.append(name)
    attributes.append(found)
    texts.append([])
  }

  private func addText(_ bytes: UnsafeRawBufferPointer) {
    guard !texts.isEmpty else { return }
    unsafe texts[texts.count - 1].append(contentsOf: bytes)
  }

  private func end() {
    guard refusal == nil, let text = texts.popLast(), let attributes = attributes.popLast() else {
      return
    }
    elementEnded(
      XMLElement(path: path, attributes: attributes, text: String(decoding: text, as: UTF8.self)))
    path.removeLast()
  }

  private func refuse(_ reason: String) {
    refusal = XMLError(description: reason)
    unsafe XML_StopParser(parser, XML_Bool(0))
  }
}

package enum Expat {
  /// Of the library that is loaded, such as `2.5.0`.
  package static var version: String {
    String(unsafe String(cString: XML_ExpatVersion()).drop { $0 != "_" }.dropFirst())
  }
}
