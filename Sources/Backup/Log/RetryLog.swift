// A run that waits says so: one warning for each request that is sent again. What a program prints on its behalf is told
// as well.

internal import HTTP

extension Transport {
  func logRetries(to log: Log) {
    retryObserver = { retry in
      log.warning(
        "a request is tried again",
        [
          "attempt": retry.attempt, "delay.seconds": retry.delay,
          "error": retry.cause,
        ])
    }
    messageObserver = { line, source in
      log.info("a program says", ["program": source, "message": line])
    }
  }
}
