"""The first values of a `Sample` axis, worked out apart from resweep: ChaCha with 8 rounds, keyed as
rand_core's `seed_from_u64` does (PCG32), one stream for each field.

    python3 tests/reference/sample.py 7 0 5      # seed, stream, count: LogUniform(0.001, 1)
"""

import math
import struct
import sys

M32, M64 = 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF


def key(seed):
    words = []
    for _ in range(8):
        seed = (seed * 6364136223846793005 + 11634580027462260723) & M64
        xorshifted = (((seed >> 18) ^ seed) >> 27) & M32
        turn = seed >> 59
        words.append(((xorshifted >> turn) | (xorshifted << (-turn & 31))) & M32)
    return words


def quarter(s, a, b, c, d):
    for x, y, z, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
        s[x] = (s[x] + s[y]) & M32
        s[z] ^= s[x]
        s[z] = ((s[z] << turn) | (s[z] >> (32 - turn))) & M32


def block(key_words, counter, stream):
    start = list(struct.unpack("<4I", b"expand 32-byte k")) + key_words
    start += [counter & M32, counter >> 32, stream & M32, stream >> 32]
    s = list(start)
    for _ in range(4):
        for column in range(4):
            quarter(s, column, column + 4, column + 8, column + 12)
        for shift in range(4):
            quarter(s, *[4 * row + (shift + row) % 4 for row in range(4)])
    return [(a + b) & M32 for a, b in zip(s, start)]


def draws(seed, stream, count):
    words = []
    for counter in range(count // 8 + 1):
        words += block(key(seed), counter, stream)
    return [words[2 * at] | words[2 * at + 1] << 32 for at in range(count)]


if __name__ == "__main__":
    seed, stream, count = map(int, sys.argv[1:])
    for bits in draws(seed, stream, count):
        unit = (bits >> 11) / 2**53
        print(f"{math.exp(math.log(0.001) + (math.log(1.0) - math.log(0.001)) * unit):.6g}")
