// Measures the inspection of a large database, or inspects a local file:
//
//   PageBench throughput [GiB] [page size]     default: 8 GiB in pages of 4096 bytes
//   PageBench stream FILE                      a real snapshot
//   PageBench inspect FILE                     the report of a file, as JSON
//
// The large database is made up while it is read, so that neither disk nor network has a part in it.

import Foundation
import SnapshotFile

func throughput(gibibytes: Double, pageSize: Int) throws {
  var database = SyntheticDatabase(byteCount: Int(gibibytes * 0x4000_0000), pageSize: pageSize)
  guard let first = database.next() else { return }
  var inspection = DatabaseInspection(startingWith: try MetaPage(page: 0, first))
  try inspection.update(first)
  let before = peakMemory()
  var cpuSeconds = 0.0
  var held = 0
  while let bytes = database.next() {
    let start = clock()
    try inspection.update(bytes)
    cpuSeconds += Double(clock() - start) / Double(CLOCKS_PER_SEC)
    held = max(held, inspection.heldByteCount)
  }
  let start = clock()
  let report = try inspection.finish()
  let judging = Double(clock() - start) / Double(CLOCKS_PER_SEC)
  cpuSeconds += judging

  let megabytes = Double(database.byteCount) / 1e6
  print("database         \(rounded(megabytes)) MB, \(report.pageCount) pages of \(pageSize) bytes")
  print("records          \(report.totalRecords), revision \(report.revision)")
  print("processor time   \(rounded(cpuSeconds)) s, of it \(rounded(judging)) s at the end")
  print("throughput       \(rounded(megabytes / 1000 / cpuSeconds)) GB/s")
  print("memory kept      \(rounded(Double(held) / Double(report.pageCount))) bytes a page")
  print("memory in all    \(rounded(Double(peakMemory() - before) / 1e6)) MB more than before")
}

/// The largest amount of memory that this process has had, in bytes.
func peakMemory() -> Int {
  var usage = rusage()
  getrusage(RUSAGE_SELF.rawValue, &usage)
  return usage.ru_maxrss * 1024
}

/// Streams a snapshot from a file, for its memory and processor time.
func stream(_ path: String) throws {
  let file = [UInt8](try Data(contentsOf: URL(filePath: path)))
  let size = file.count - file.count % 512
  var inspection = DatabaseInspection(startingWith: try MetaPage(page: 0, file))
  var cpuSeconds = 0.0
  var held = 0
  for offset in stride(from: 0, to: size, by: 1 << 15) {
    let bytes = Array(file[offset..<min(size, offset + 1 << 15)])
    let start = clock()
    try inspection.update(bytes)
    cpuSeconds += Double(clock() - start) / Double(CLOCKS_PER_SEC)
    held = max(held, inspection.heldByteCount)
  }
  let start = clock()
  let report = try inspection.finish()
  cpuSeconds += Double(clock() - start) / Double(CLOCKS_PER_SEC)
  print("pages            \(report.pageCount), of them in use \(report.pagesInUse)")
  print("throughput       \(rounded(Double(size) / 1e9 / cpuSeconds)) GB/s")
  print("memory kept      \(rounded(Double(held) / Double(report.pageCount))) bytes a page")
}

func rounded(_ value: Double) -> String { String(format: "%.2f", value) }

func inspect(_ path: String) throws {
  let report = try DatabaseFile(path).inspect()
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
  print(String(decoding: try encoder.encode(report), as: UTF8.self))
}

let arguments = Array(CommandLine.arguments.dropFirst())
do {
  switch arguments.first {
  case "throughput":
    try throughput(
      gibibytes: arguments.count > 1 ? Double(arguments[1]) ?? 8 : 8,
      pageSize: arguments.count > 2 ? Int(arguments[2]) ?? 4096 : 4096)
  case "stream" where arguments.count == 2:
    try stream(arguments[1])
  case "inspect" where arguments.count == 2:
    try inspect(arguments[1])
  default:
    print("usage: PageBench throughput [GiB] [page size] | stream FILE | inspect FILE")
    exit(64)
  }
} catch {
  print(error)
  exit(1)
}
