import Bolt
import Foundation
let data = [UInt8](try Data(contentsOf: URL(fileURLWithPath: CommandLine.arguments[1])))
let size = data.count - data.count % 512
let clock = ContinuousClock()
var peak = 0
var report: DatabaseReport?
let repeats = CommandLine.arguments.count > 2 ? Int(CommandLine.arguments[2])! : 1
for _ in 0..<repeats {
  let t = try clock.measure {
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
  print(t, Double(size) / 1e6 / (Double(t.components.attoseconds) / 1e18 + Double(t.components.seconds)), "MB/s")
}
print("held", peak, "per page", Double(peak) / Double(report!.pageCount)); print(report!)
