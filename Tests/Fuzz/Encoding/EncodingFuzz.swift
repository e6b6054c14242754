// What libFuzzer calls: whatever a store returns, no decoder crashes, hangs, grows, or lets anything but what was
// encoded pass for whole.
//
// The first byte of an input chooses what the rest is, the second the size of the pieces in which it is fed. See
// https://llvm.org/docs/LibFuzzer.html.

import Encoding
import EncodingTestSupport
import FuzzSupport

/// What the rest of an input is.
enum Kind: UInt8, CaseIterable {
  /// An age file.
  case file
  /// The header of an age file, without its authentication code, which is added.
  case header
  /// Four bytes for each chunk of an age file: which size, number, mark, and whether a byte follows.
  case chunks
  /// A zstd frame.
  case frame
}

@_cdecl("LLVMFuzzerTestOneInput")
func test(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let input = unsafe Array(UnsafeBufferPointer(start: start, count: count))
  guard count >= 2, let kind = Kind(rawValue: input[0] % UInt8(Kind.allCases.count)) else {
    return 0
  }
  let rest = Array(input[2...])
  let size = 1 + Int(input[1]) * 37
  switch kind {
  case .file: check(rest, isCompressed: false, inPiecesOf: size)
  case .header: checkHeader(rest, inPiecesOf: size)
  case .chunks: checkChunks(rest, inPiecesOf: 1 + Int(input[1]) * 1009)
  case .frame: check(rest, isCompressed: true, inPiecesOf: size)
  }
  return 0
}

/// The verdict does not depend on how the bytes come.
@discardableResult
func check(_ bytes: [UInt8], isCompressed: Bool, inPiecesOf size: Int) -> Outcome {
  let identities = isCompressed ? nil : [identity]
  let whole = decode(bytes, identities: identities, isCompressed: isCompressed)
  let cut = decode(bytes, identities: identities, isCompressed: isCompressed, cut: .every(size))
  // A frame's error may come before or after bytes of it have been passed on.
  let agree = isCompressed ? whole.error == cut.error : whole == cut
  demand(
    agree, "in pieces \(String(describing: cut.error)), in one \(String(describing: whole.error))")
  if let error = whole.error {
    demand(error.description.utf8.count < 1024, "an error of \(error.description.utf8.count) bytes")
  }
  return whole
}

/// With the right code, what the reader takes for a header decides alone.
func checkHeader(_ text: [UInt8], inPiecesOf size: Int) {
  var file = HandmadeFile(chunks: [[7]])
  file.stanzas = String(decoding: text, as: UTF8.self)
  guard let bytes = try? file.bytes else { return }
  let outcome = check(bytes, isCompressed: false, inPiecesOf: size)
  demand(outcome.released.isEmpty || outcome.released == [7], "it released \(outcome.released)")
  if outcome.error == nil {
    demand(file.stanzas.contains("-> X25519 "), "whole, but for no recipient")
  }
}

/// A payload is whole where each chunk but the last is full, in order, and only the last is marked and may be
/// short; it is empty only where it is alone.
func checkChunks(_ bytes: [UInt8], inPiecesOf size: Int) {
  var file = HandmadeFile()
  for start in stride(from: 0, through: min(bytes.count, 16) - 4, by: 4) {
    let count = [0, 1, 65_535, 65_536][Int(bytes[start] % 4)]
    file.chunks.append(
      (
        [UInt8](repeating: bytes[start], count: count), UInt64(bytes[start + 1] % 5),
        bytes[start + 2] % 2 == 1
      ))
  }
  if bytes.count % 4 == 3 { file.tail = [0] }
  guard let stored = try? file.bytes else { return }
  let outcome = check(stored, isCompressed: false, inPiecesOf: size)

  let last = file.chunks.count - 1
  let isWhole =
    last >= 0 && file.tail.isEmpty
    && file.chunks.enumerated().allSatisfy { index, chunk in
      chunk.number == UInt64(index) && chunk.isLast == (index == last)
        && (index == last || chunk.plaintext.count == 65_536)
    } && (last == 0 || !file.chunks[last].plaintext.isEmpty)
  demand(isWhole == (outcome.error == nil), "\(String(describing: outcome.error))")
  let plaintext = file.chunks.flatMap(\.plaintext)
  demand(plaintext.starts(with: outcome.released), "released what is not the plaintext")
  if isWhole { demand(outcome.released == plaintext, "whole, but not all of it") }
}

private var identity: AgeIdentity {
  guard let identity = try? Vector.identity1 else { fatalError("the identity is not read") }
  return identity
}

/// Puts the seeds into the corpus: the folder named last.
@_cdecl("LLVMFuzzerInitialize")
func initialize(
  _ count: UnsafeMutablePointer<CInt>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>>>
) -> CInt {
  guard let corpus = Corpus() else { return 0 }
  let content = Array("etcd, and what it holds, and what it holds".utf8)
  guard let file = try? HandmadeFile(chunks: [content]).bytes, let frame = try? compress(content)
  else { fatalError("the seeds cannot be made") }
  demand(decrypt(file, with: [identity]).error == nil, "the seed is no age file")
  demand(decompress(frame).error == nil, "the seed is no frame")
  corpus.add([Kind.file.rawValue, 9] + file, named: "file")
  corpus.add([Kind.header.rawValue, 9] + Array(Vector.stanza1.utf8), named: "header")
  corpus.add(
    [Kind.header.rawValue, 9] + Array("-> other a\n\n\(Vector.stanza1)-> scrypt a 1\nAAAA\n".utf8),
    named: "stanzas")
  corpus.add([Kind.chunks.rawValue, 9, 3, 0, 0, 0, 1, 1, 1, 0], named: "chunks")
  corpus.add([Kind.frame.rawValue, 9] + frame, named: "frame")
  return 0
}
