import Bolt
import Foundation
let data = [UInt8](try Data(contentsOf: URL(fileURLWithPath: CommandLine.arguments[1])))
let size = data.count - data.count % 512

var peak = 0
var report: DatabaseReport?
let repeats = CommandLine.arguments.count > 2 ? Int(CommandLine.arguments[2])! : 1
for _ in 0..<repeats {
  let c0 = clock()
  let t = try Swift.ContinuousClock().measure {
    var i = DatabaseInspection(announcedSize: UInt64(size))
    var o = 0
    while o < size {
      let e = min(size, o + 32768)
      try unsafe i.update(data.span.extracting(o..<e).bytes)
      o = e
      peak = max(peak, i.heldByteCount)
    }
    report = try i.finish()
  }
  let cpu = Double(clock() - c0) / 1e6;
  print(
    t, "cpu", cpu, Double(size) / 1e6 / cpu, "MB/s per cpu, wall",
    Double(size) / 1e6 / (Double(t.components.attoseconds) / 1e18 + Double(t.components.seconds)),
    "MB/s")
}
print("held", peak, "per page", Double(peak) / Double(report!.pageCount)); print(report!)
print(try DatabaseFile(CommandLine.arguments[1]).inspect())
