/// A binary heap that holds at most so many elements: those that come last in its order.
struct BoundedHeap<Element> {
  private(set) var elements: [Element] = []
  private let areInIncreasingOrder: (Element, Element) -> Bool

  init(by areInIncreasingOrder: @escaping (Element, Element) -> Bool) {
    self.areInIncreasingOrder = areInIncreasingOrder
  }

  /// Returns the element for which there was no room, which may be the new one.
  mutating func insert(_ element: Element, keeping capacity: Int) -> Element? {
    guard elements.count >= capacity else {
      elements.append(element)
      siftUp()
      return nil
    }
    guard let top = elements.first, areInIncreasingOrder(top, element) else { return element }
    elements[0] = element
    siftDown()
    return top
  }

  /// Hands all elements over, so that they are not held twice.
  mutating func drain() -> [Element] {
    var drained: [Element] = []
    swap(&drained, &elements)
    return drained
  }

  private mutating func siftUp() {
    var child = elements.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard areInIncreasingOrder(elements[child], elements[parent]) else { return }
      elements.swapAt(child, parent)
      child = parent
    }
  }

  private mutating func siftDown() {
    var parent = 0
    while true {
      var first = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < elements.count {
        if areInIncreasingOrder(elements[child], elements[first]) { first = child }
      }
      guard first != parent else { return }
      elements.swapAt(parent, first)
      parent = first
    }
  }
}
