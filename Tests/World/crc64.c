// CRC-64/NVME of standard input as Digests computes it: folded by carry-less multiplication where the processor has it,
// and bit by bit. Prints both, and whether it folded. Tests run it for other processors than this one.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../../Sources/CCarryless/shim.h"

// With -Wl,--wrap=getauxval: a kernel that knows of no optional instruction.
unsigned long __wrap_getauxval(unsigned long type);
unsigned long __wrap_getauxval(unsigned long type) { return type * 0; }

static uint64_t times_x(uint64_t number) { return number & 1 ? number >> 1 ^ UINT64_C(0x9A6C9329AC4BC9B5) : number >> 1; }

static uint64_t power(int exponent) {
  uint64_t power = UINT64_C(1) << 63;
  while (exponent-- > 0) power = times_x(power);
  return power;
}

static uint64_t bit_by_bit(uint64_t crc, const uint8_t *bytes, size_t count) {
  for (size_t i = 0; i < count; i++) {
    crc ^= bytes[i];
    for (int bit = 0; bit < 8; bit++) crc = times_x(crc);
  }
  return crc;
}

int main(void) {
  static uint8_t bytes[1 << 22];
  size_t count = fread(bytes, 1, sizeof bytes, stdin), foldable = count & ~(size_t)63;
  struct carryless_powers powers = {power(575), power(511), power(191), power(127)};
  uint64_t crc = UINT64_MAX;
  int folds = carryless_is_supported() && foldable > 0;
  if (folds) {
    struct carryless_remainder remainder = carryless_fold(crc, bytes, foldable, powers);
    uint8_t folded[16];
    memcpy(folded, &remainder, sizeof folded);
    crc = bit_by_bit(0, folded, sizeof folded);
  } else {
    foldable = 0;
  }
  crc = bit_by_bit(crc, bytes + foldable, count - foldable);
  printf("%016" PRIx64 " %016" PRIx64 " %s\n", ~crc, ~bit_by_bit(UINT64_MAX, bytes, count), folds ? "folded" : "bit by bit");
  return 0;
}
