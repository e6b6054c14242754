// The rules for the names of containers, blobs and metadata.

/// Checks that turn away what the service would turn away.
enum BlobNames {
  /// 3 to 63 of `a-z 0-9 -`; every `-` between two letters or digits.
  static func checkContainer(_ name: String) throws(BlobError) {
    let characters = Array(name.utf8)
    let isWord = characters.map { byte in
      (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
        || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
    guard (3...63).contains(characters.count), isWord.first == true, isWord.last == true,
      characters.indices.allSatisfy({ index in
        isWord[index] || (characters[index] == UInt8(ascii: "-") && isWord[index - 1])
      })
    else { throw .invalidName }
  }

  /// 1 to 1,024 characters in at most 254 segments, none of them a control character.
  static func checkBlob(_ name: String) throws(BlobError) {
    guard (1...1024).contains(name.unicodeScalars.count),
      name.utf8.lazy.filter({ $0 == UInt8(ascii: "/") }).count < 254,
      !name.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F })
    else { throw .invalidName }
  }

  /// The `x-ms-meta-` headers: names that are C# identifiers, no duplicates, 8 KiB in all.
  static func metadata(of call: Call) throws(BlobError) -> [Metadatum] {
    let prefix = "x-ms-meta-"
    var pairs: [Metadatum] = []
    var seen: Set<String> = []
    for field in call.headers.fields where field.key.hasPrefix(prefix) {
      let name = String(field.name.dropFirst(prefix.count))
      guard !name.isEmpty else { throw .emptyMetadataName }
      guard isIdentifier(name), seen.insert(name.lowercased()).inserted,
        field.value.utf8.allSatisfy({ (0x20...0x7E).contains($0) })
      else { throw .invalidMetadata }
      pairs.append(Metadatum(name: name, value: field.value))
    }
    let total = pairs.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count }
    guard total <= 8192 else { throw .metadataTooLarge }
    return pairs
  }

  private static func isIdentifier(_ name: String) -> Bool {
    guard let first = name.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first)
    else { return false }
    return name.utf8.allSatisfy { byte in
      byte == UInt8(ascii: "_") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
  }
}
