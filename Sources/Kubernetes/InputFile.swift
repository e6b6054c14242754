/// Files read whole, with a reason in plain words where that fails.

internal import FoundationEssentials

struct UnreadableFile: Error {
  let reason: String
}

func readFile(at path: String) throws(UnreadableFile) -> [UInt8] {
  do {
    return Array(try Data(contentsOf: URL(fileURLWithPath: path)))
  } catch let error as CocoaError where error.code == .fileReadNoSuchFile {
    throw UnreadableFile(reason: "there is no such file")
  } catch let error as CocoaError where error.code == .fileReadNoPermission {
    throw UnreadableFile(reason: "permission to read it is denied")
  } catch {
    throw UnreadableFile(reason: "it cannot be read")
  }
}
