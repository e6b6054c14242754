// What both fuzzers need: promises that end the fuzzing, and the corpus.

import Foundation

/// Ends the fuzzing, and says why also in a release build, where `precondition` is silent.
package func demand(_ promise: Bool, _ otherwise: @autoclosure () -> String) {
  if !promise { fatalError(otherwise()) }
}

/// The folder of inputs that the fuzzing begins with: named last, if it is given any.
package struct Corpus {
  private let folder: String

  package init?() {
    var isFolder: ObjCBool = false
    guard let folder = CommandLine.arguments.last,
      unsafe FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder),
      isFolder.boolValue
    else { return nil }
    self.folder = folder
  }

  package func add(_ input: [UInt8], named name: String) {
    let path = "\(folder)/seed-\(name)"
    demand(
      FileManager.default.createFile(atPath: path, contents: Data(input)), "cannot write \(path)")
  }
}
