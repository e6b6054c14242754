import Glibc

func secondsNow() -> Int { time(nil) }
