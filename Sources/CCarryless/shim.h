// Carry-less multiplication for Swift: the processor's instruction behind fast CRCs, which Swift has no name for.
#ifndef ETCD_BACKUP_CCARRYLESS_H
#define ETCD_BACKUP_CCARRYLESS_H

#include <stddef.h>
#include <stdint.h>

// Powers of x modulo the polynomial of a reflected 64-bit CRC, reflected themselves. One less than the bits by which
// something moves, because the product of two reflected numbers comes out one bit too low.
struct carryless_powers {
  uint64_t x575, x511;  // 16 bytes, half by half, over 64 bytes
  uint64_t x191, x127;  // and over 16 bytes
};

// 16 bytes, as two little-endian numbers.
struct carryless_remainder {
  uint64_t first, second;
};

#if defined(__x86_64__)
#include <immintrin.h>

static inline int carryless_is_supported(void) { return __builtin_cpu_supports("pclmul"); }

// `remainder` moved on by as far as `powers` say, where it meets `bytes`.
__attribute__((target("pclmul"))) static inline __m128i carryless_fold_step(
    __m128i remainder, __m128i powers, __m128i bytes) {
  __m128i first = _mm_clmulepi64_si128(remainder, powers, 0x00);
  __m128i second = _mm_clmulepi64_si128(remainder, powers, 0x11);
  return _mm_xor_si128(bytes, _mm_xor_si128(first, second));
}

// Folds bytes into 16 that have the same remainder. `count` is a multiple of 64, and not 0.
//
// Four strands 64 bytes apart, because one multiplication takes as long as the beginning of several; Gopal et al., "Fast
// CRC Computation for Generic Polynomials Using PCLMULQDQ Instruction", Intel 2009.
__attribute__((target("pclmul"))) static inline struct carryless_remainder carryless_fold(
    uint64_t crc, const void *bytes, size_t count, struct carryless_powers powers) {
  const __m128i *next = (const __m128i *)bytes;
  const __m128i *end = next + count / 16;
  const __m128i over_64_bytes = _mm_set_epi64x((long long)powers.x511, (long long)powers.x575);
  const __m128i over_16_bytes = _mm_set_epi64x((long long)powers.x127, (long long)powers.x191);
  __m128i strands[4];
  for (int i = 0; i < 4; i++) strands[i] = _mm_loadu_si128(next++);
  strands[0] = _mm_xor_si128(strands[0], _mm_cvtsi64_si128((long long)crc));
  while (next < end) {
    for (int i = 0; i < 4; i++) {
      strands[i] = carryless_fold_step(strands[i], over_64_bytes, _mm_loadu_si128(next++));
    }
  }
  __m128i sum = strands[0];
  for (int i = 1; i < 4; i++) sum = carryless_fold_step(sum, over_16_bytes, strands[i]);
  struct carryless_remainder remainder;
  _mm_storeu_si128((__m128i *)&remainder, sum);
  return remainder;
}

#else

static inline int carryless_is_supported(void) { return 0; }

// Never called: carryless_is_supported() says so.
static inline struct carryless_remainder carryless_fold(
    uint64_t crc, const void *bytes, size_t count, struct carryless_powers powers) {
  __builtin_trap();
}

#endif
#endif
