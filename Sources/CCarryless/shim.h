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

#elif defined(__aarch64__) && defined(__AARCH64EL__) && defined(__linux__)
#include <arm_neon.h>
#include <sys/auxv.h>

// HWCAP_PMULL of <asm/hwcap.h>: the kernel tells which of the optional instructions this processor has.
static inline int carryless_is_supported(void) { return (getauxval(AT_HWCAP) >> 4) & 1; }

// `remainder` moved on by as far as `powers` say, where it meets `bytes`.
__attribute__((target("+crypto"))) static inline uint64x2_t carryless_fold_step(
    uint64x2_t remainder, uint64x2_t powers, uint64x2_t bytes) {
  poly128_t first = vmull_p64((poly64_t)vgetq_lane_u64(remainder, 0), (poly64_t)vgetq_lane_u64(powers, 0));
  poly128_t second = vmull_p64((poly64_t)vgetq_lane_u64(remainder, 1), (poly64_t)vgetq_lane_u64(powers, 1));
  return veorq_u64(bytes, veorq_u64(vreinterpretq_u64_p128(first), vreinterpretq_u64_p128(second)));
}

// As above, with PMULL.
__attribute__((target("+crypto"))) static inline struct carryless_remainder carryless_fold(
    uint64_t crc, const void *bytes, size_t count, struct carryless_powers powers) {
  const uint8_t *next = (const uint8_t *)bytes;
  const uint8_t *end = next + count;
  const uint64x2_t over_64_bytes = vcombine_u64(vcreate_u64(powers.x575), vcreate_u64(powers.x511));
  const uint64x2_t over_16_bytes = vcombine_u64(vcreate_u64(powers.x191), vcreate_u64(powers.x127));
  uint64x2_t strands[4];
  for (int i = 0; i < 4; i++, next += 16) strands[i] = vreinterpretq_u64_u8(vld1q_u8(next));
  strands[0] = veorq_u64(strands[0], vcombine_u64(vcreate_u64(crc), vcreate_u64(0)));
  while (next < end) {
    for (int i = 0; i < 4; i++, next += 16) {
      strands[i] = carryless_fold_step(strands[i], over_64_bytes, vreinterpretq_u64_u8(vld1q_u8(next)));
    }
  }
  uint64x2_t sum = strands[0];
  for (int i = 1; i < 4; i++) sum = carryless_fold_step(sum, over_16_bytes, strands[i]);
  struct carryless_remainder remainder = {vgetq_lane_u64(sum, 0), vgetq_lane_u64(sum, 1)};
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
