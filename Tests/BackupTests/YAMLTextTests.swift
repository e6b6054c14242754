// YAML's scalars and nesting; Integration/test_formats.py has a parser of YAML read them.

import Backup
import Testing

@Suite struct `YAML` {
  struct Item: Encodable {
    var name: String?
    var list: [String]?
    var items: [Item]?
    var number: Double?
  }

  @Test func `nests lists and maps, with keys in order`() {
    let value = Item(
      name: "a", list: ["b", "1"], items: [Item(name: "c", list: [], items: [Item()]), Item()],
      number: 1.5)
    #expect(
      YAMLText.encode(value) == """
        items:
          - items:
              - {}
            list: []
            name: c
          - {}
        list:
          - b
          - "1"
        name: a
        number: 1.5

        """)
  }

  @Test func `begins an item of a list with a dash`() {
    #expect(YAMLText.item(Item(name: "a", number: 2)) == "- name: a\n  number: 2\n")
    #expect(YAMLText.item("a b") == "- \"a b\"\n")
  }

  @Test(arguments: ["plain", "a/b.c-d_e", "Yesterday", "nulls", "e5"])
  func `leaves a word without quotes`(text: String) {
    #expect(YAMLText.scalar(text) == text)
  }

  @Test(arguments: [
    "", "yes", "No", "ON", "y", "N", "null", "TRUE", "1", "1e5", "01ARZ", "~", "-", "- a", "a: b",
    "a b",
    "é", ".5", "=", "2026-11-22", "a,b", "a:",
  ])
  func `quotes what could be read as something else`(text: String) {
    #expect(YAMLText.scalar(text) == "\"\(text)\"")
  }

  @Test(arguments: [
    ("a\nb", #""a\U0000000ab""#), ("\"", #""\"""#), ("\\", #""\\""#),
    ("\u{E0041}", #""\U000e0041""#),
    ("\u{FFFF}", #""\U0000ffff""#),
  ])
  func `escapes what ends a line, a quotation or what YAML does not take`(
    text: String, yaml: String
  ) {
    #expect(YAMLText.scalar(text) == yaml)
  }

  @Test(arguments: [(1e-7, "1.0e-07"), (1e21, "1e+21"), (0.25, "0.25"), (3, "3")])
  func `writes numbers that YAML 1.1 takes for numbers`(number: Double, text: String) {
    let line = YAMLText.encode(Item(number: number))
    #expect(line == "number: \(text)\n" || number == 1e21 && line == "number: 1.0e+21\n")
  }
}
