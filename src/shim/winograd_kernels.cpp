// Compiled once for each instruction set, with RESWEEP_ISA and RESWEEP_LANES set. Nothing of a library
// is included: a function that other files share would be compiled for one of these sets.

#include "winograd.h"

namespace winograd {
namespace {

constexpr int64_t kLanes = RESWEEP_LANES, kPlaces = 16;
// Vectors of a panel of kernels: with 6 rows they fill the registers.
constexpr int64_t kVectors = kLanes == 16 ? 4 : 2;
// Between parts of 2^n floats, so that they do not fall on the same lines of the cache.
constexpr int64_t kGap = 16;

typedef float Vec __attribute__((vector_size(4 * kLanes), aligned(4), may_alias));

inline Vec load(const float* from) { return *reinterpret_cast<const Vec*>(from); }
inline void store(float* to, Vec value) { *reinterpret_cast<Vec*>(to) = value; }

inline int64_t lesser(int64_t a, int64_t b) { return a < b ? a : b; }
inline int64_t rounded(int64_t count) { return (count + kGroup - 1) / kGroup * kGroup; }
// Floats from one part of transformed tiles to the next.
inline int64_t part(int64_t count, int64_t channels) { return rounded(count) * channels + kGap; }

// out = a b, or out += a b: `Rows` rows and `Vectors` vectors of the result.
template <int Rows, int Vectors>
inline __attribute__((always_inline)) void product(const float* a, int64_t a_row, int64_t a_depth,
                                                   const float* b, int64_t b_depth, int64_t depth,
                                                   float* out, int64_t out_row, bool add) {
  Vec sums[Rows][Vectors];
#pragma GCC unroll 16
  for (int row = 0; row < Rows; ++row) {
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) {
      sums[row][v] = add ? load(out + row * out_row + v * kLanes) : Vec{};
    }
  }
  for (int64_t k = 0; k < depth; ++k, a += a_depth, b += b_depth) {
    Vec right[Vectors];
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) right[v] = load(b + v * kLanes);
#pragma GCC unroll 16
    for (int row = 0; row < Rows; ++row) {
      const float left = a[row * a_row];
#pragma GCC unroll 4
      for (int v = 0; v < Vectors; ++v) sums[row][v] += left * right[v];
    }
  }
#pragma GCC unroll 16
  for (int row = 0; row < Rows; ++row) {
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) store(out + row * out_row + v * kLanes, sums[row][v]);
  }
}

// As above for all rows, in steps of 6 or, where a row is one vector, 12.
template <int Vectors>
void products(const float* a, int64_t rows, int64_t a_row, int64_t a_depth, const float* b,
              int64_t b_depth, int64_t depth, float* out, int64_t out_row, bool add) {
  constexpr int kRows = Vectors == 1 ? 12 : 6;
  int64_t row = 0;
  for (; row + kRows <= rows; row += kRows) {
    product<kRows, Vectors>(a + row * a_row, a_row, a_depth, b, b_depth, depth, out + row * out_row,
                            out_row, add);
  }
  for (; row < rows; ++row) {
    product<1, Vectors>(a + row * a_row, a_row, a_depth, b, b_depth, depth, out + row * out_row,
                        out_row, add);
  }
}

void panel(int64_t vectors, const float* a, int64_t rows, int64_t a_row, int64_t a_depth,
           const float* b, int64_t b_depth, int64_t depth, float* out, int64_t out_row, bool add) {
  switch (vectors) {
    case 1: return products<1>(a, rows, a_row, a_depth, b, b_depth, depth, out, out_row, add);
    case 2: return products<2>(a, rows, a_row, a_depth, b, b_depth, depth, out, out_row, add);
    case 3: return products<3>(a, rows, a_row, a_depth, b, b_depth, depth, out, out_row, add);
    default: return products<4>(a, rows, a_row, a_depth, b, b_depth, depth, out, out_row, add);
  }
}

// Where a tile lies: the first of its pixels.
struct Place {
  const Shape& shape;
  int64_t image, row, column;

  Place(const Shape& shape, int64_t tile)
      : shape(shape),
        image(tile / (shape.rows() * shape.columns())),
        row(tile / shape.columns() % shape.rows() * 2),
        column(tile % shape.columns() * 2) {}

  void advance() {
    column += 2;
    if (column < shape.width) return;
    column = 0, row += 2;
    if (row < shape.height) return;
    row = 0, image += 1;
  }

  // How far pixels [side, side] are from the beginning of a map with `channels`, starting `before`
  // rows and columns before the tile; -1 outside the map.
  template <int Side, int Before>
  void pixels(int64_t channels, int64_t* out) const {
    const int64_t y = row - Before, x = column - Before;
    const bool inside = y >= 0 && y + Side <= shape.height && x >= 0 && x + Side <= shape.width;
    const int64_t first = ((image * shape.height + y) * shape.width + x) * channels;
#pragma GCC unroll 4
    for (int i = 0; i < Side; ++i) {
#pragma GCC unroll 4
      for (int j = 0; j < Side; ++j) {
        const bool in = inside || (y + i >= 0 && y + i < shape.height && x + j >= 0 &&
                                   x + j < shape.width);
        out[i * Side + j] = in ? first + (i * shape.width + j) * channels : -1;
      }
    }
  }
};

// B^T d B of [4, 4] vectors.
inline __attribute__((always_inline)) void transform_input(const Vec d[16], Vec out[16]) {
  Vec t[16];
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {
    t[j] = d[j] - d[8 + j];
    t[4 + j] = d[4 + j] + d[8 + j];
    t[8 + j] = d[8 + j] - d[4 + j];
    t[12 + j] = d[4 + j] - d[12 + j];
  }
#pragma GCC unroll 4
  for (int i = 0; i < 16; i += 4) {
    out[i] = t[i] - t[i + 2];
    out[i + 1] = t[i + 1] + t[i + 2];
    out[i + 2] = t[i + 2] - t[i + 1];
    out[i + 3] = t[i + 1] - t[i + 3];
  }
}

// A^T m A: [4, 4] to [2, 2].
inline __attribute__((always_inline)) void transform_output(const Vec m[16], Vec out[4]) {
  Vec t[8];
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {
    t[j] = m[j] + m[4 + j] + m[8 + j];
    t[4 + j] = m[4 + j] - m[8 + j] - m[12 + j];
  }
#pragma GCC unroll 2
  for (int i = 0; i < 2; ++i) {
    out[2 * i] = t[4 * i] + t[4 * i + 1] + t[4 * i + 2];
    out[2 * i + 1] = t[4 * i + 1] - t[4 * i + 2] - t[4 * i + 3];
  }
}

// A g A^T: [2, 2] to [4, 4], what transform_output does to gradients.
inline __attribute__((always_inline)) void transform_gradient(const Vec g[4], Vec out[16]) {
  Vec t[8];
#pragma GCC unroll 2
  for (int j = 0; j < 2; ++j) {
    t[j] = g[j];
    t[2 + j] = g[j] + g[2 + j];
    t[4 + j] = g[j] - g[2 + j];
    t[6 + j] = -g[2 + j];
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    out[4 * i] = t[2 * i];
    out[4 * i + 1] = t[2 * i] + t[2 * i + 1];
    out[4 * i + 2] = t[2 * i] - t[2 * i + 1];
    out[4 * i + 3] = -t[2 * i + 1];
  }
}

// G g G^T: a kernel [3, 3] to [4, 4].
inline __attribute__((always_inline)) void transform_kernel(const Vec g[9], Vec out[16]) {
  Vec t[12];
#pragma GCC unroll 3
  for (int j = 0; j < 3; ++j) {
    const Vec ends = 0.5f * (g[j] + g[6 + j]), middle = 0.5f * g[3 + j];
    t[j] = g[j];
    t[3 + j] = ends + middle;
    t[6 + j] = ends - middle;
    t[9 + j] = g[6 + j];
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    const Vec ends = 0.5f * (t[3 * i] + t[3 * i + 2]), middle = 0.5f * t[3 * i + 1];
    out[4 * i] = t[3 * i];
    out[4 * i + 1] = ends + middle;
    out[4 * i + 2] = ends - middle;
    out[4 * i + 3] = t[3 * i + 2];
  }
}

// G^T u G: [4, 4] to [3, 3], what transform_kernel does to gradients.
inline __attribute__((always_inline)) void transform_sums(const Vec u[16], Vec out[9]) {
  Vec t[12];
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {
    const Vec sum = 0.5f * (u[4 + j] + u[8 + j]), difference = 0.5f * (u[4 + j] - u[8 + j]);
    t[j] = u[j] + sum;
    t[4 + j] = difference;
    t[8 + j] = sum + u[12 + j];
  }
#pragma GCC unroll 3
  for (int i = 0; i < 3; ++i) {
    const Vec* row = t + 4 * i;
    const Vec sum = 0.5f * (row[1] + row[2]);
    out[3 * i] = row[0] + sum;
    out[3 * i + 1] = 0.5f * (row[1] - row[2]);
    out[3 * i + 2] = sum + row[3];
  }
}

// The transformed pixels [side, side] of some tiles, [16, tiles, channels]; the first of them lie
// `Before` rows and columns before the tile.
template <int Side, int Before, void (*Transform)(const Vec*, Vec*)>
inline __attribute__((always_inline)) void transform_tiles(const Shape& shape, int64_t channels,
                                                           const float* map, const float* zeros,
                                                           int64_t first, int64_t count,
                                                           float* out) {
  const int64_t step = part(count, channels);
  Place at(shape, first);
  for (int64_t tile = 0; tile < count; ++tile, out += channels, at.advance()) {
    int64_t places[Side * Side];
    at.pixels<Side, Before>(channels, places);
    const float* from[Side * Side];
    for (int i = 0; i < Side * Side; ++i) from[i] = places[i] < 0 ? zeros : map + places[i];
    for (int64_t c = 0; c < channels; c += kLanes) {
      Vec pixels[Side * Side], transformed[16];
#pragma GCC unroll 16
      for (int i = 0; i < Side * Side; ++i) pixels[i] = load(from[i] + c);
      Transform(pixels, transformed);
#pragma GCC unroll 16
      for (int i = 0; i < 16; ++i) store(out + i * step + c, transformed[i]);
    }
  }
}

// The transformed input of some tiles.
void input_tiles(const Shape& shape, const float* x, const float* zeros, int64_t first,
                 int64_t count, float* out) {
  transform_tiles<4, 1, transform_input>(shape, shape.in, x, zeros, first, count, out);
}

// The transformed gradient of some tiles.
void gradient_tiles(const Shape& shape, const float* grad, const float* zeros, int64_t first,
                    int64_t count, float* out) {
  transform_tiles<2, 0, transform_gradient>(shape, shape.out, grad, zeros, first, count, out);
}

// The result of some tiles, with what comes after it.
void output_tiles(const Shape& shape, int64_t channels, const float* m, const After& after,
                  int64_t first, int64_t count, float* y) {
  const int64_t step = part(count, channels);
  Place at(shape, first);
  for (int64_t tile = 0; tile < count; ++tile, m += channels, at.advance()) {
    int64_t to[4];
    at.pixels<2, 0>(channels, to);
    for (int64_t c = 0; c < channels; c += kLanes) {
      Vec v[16], out[4];
#pragma GCC unroll 16
      for (int i = 0; i < 16; ++i) v[i] = load(m + i * step + c);
      transform_output(v, out);
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) {
        if (to[i] < 0) continue;
        Vec value = out[i];
        if (after.bias != nullptr) value += load(after.bias + c);
        if (after.other != nullptr) value += load(after.other + to[i] + c);
        if (after.relu) value = 0.0f > value ? Vec{} : value;
        store(y + to[i] + c, value);
      }
    }
  }
}

// Kernels lie in panels of several vectors of results: [16, panels, inputs, results of a panel].
struct Panels {
  int64_t inputs, results;

  int64_t place() const { return inputs * results + kGap; }
  int64_t width() const { return kVectors * kLanes; }
  // The first of the panel that has a result, and how wide it is.
  int64_t begin(int64_t result) const { return result / width() * width(); }
  int64_t wide(int64_t begin) const { return lesser(width(), results - begin); }
  int64_t at(int64_t input, int64_t result) const {
    const int64_t begin = this->begin(result);
    return begin * inputs + input * wide(begin) + result - begin;
  }
};

int64_t kernel_floats(const Shape& shape) {
  return kPlaces * (Panels{shape.in, shape.out}.place() + kGap);
}

int64_t apply_floats(const Shape& shape, int64_t count) {
  return kPlaces * (part(count, shape.in) + part(count, shape.out)) + shape.in;
}

int64_t gradient_floats(const Shape& shape, int64_t count) {
  return apply_floats(shape, count) + shape.out;
}

void clear(float* to, int64_t count) {
  for (int64_t i = 0; i < count; ++i) to[i] = 0.0f;
}

// Results go round within: what neighbours write to falls on the same lines of the cache.
void prepare(const Shape& shape, const float* weight, int64_t first, int64_t end, float* kernels) {
  const Panels panels{shape.in, shape.out};
  for (int64_t begin = first; begin < end; begin += kLanes) {
    const int64_t stop = lesser(begin + kLanes, end);
    for (int64_t c = 0; c < shape.in; c += kLanes) {
      for (int64_t result = begin; result < stop; ++result) {
        Vec g[9], u[16];
        for (int i = 0; i < 9; ++i) g[i] = load(weight + (result * 9 + i) * shape.in + c);
        transform_kernel(g, u);
        for (int64_t lane = 0; lane < kLanes; ++lane) {
          float* to = kernels + panels.at(c + lane, result);
          for (int i = 0; i < 16; ++i) to[i * panels.place()] = u[i][lane];
        }
      }
    }
  }
}

void prepare_flipped(const Shape& shape, const float* weight, int64_t first, int64_t end,
                     float* kernels) {
  const Panels panels{shape.out, shape.in};
  for (int64_t k = 0; k < shape.out; ++k) {
    for (int64_t c = first; c < end; c += kLanes) {
      Vec g[9], u[16];
      for (int i = 0; i < 9; ++i) g[8 - i] = load(weight + (k * 9 + i) * shape.in + c);
      transform_kernel(g, u);
      float* to = kernels + panels.at(k, c);
      for (int i = 0; i < 16; ++i) store(to + i * panels.place(), u[i]);
    }
  }
}

void apply(const Shape& shape, const float* x, const float* kernels, const After& after,
           int64_t first, int64_t count, float* scratch, float* y) {
  const Panels panels{shape.in, shape.out};
  const int64_t in_part = part(count, shape.in), out_part = part(count, shape.out);
  float *in = scratch, *out = in + kPlaces * in_part, *zeros = out + kPlaces * out_part;
  clear(zeros, shape.in);
  input_tiles(shape, x, zeros, first, count, in);
  for (int64_t place = 0; place < kPlaces; ++place) {
    for (int64_t begin = 0; begin < shape.out; begin += panels.width()) {
      const int64_t wide = panels.wide(begin);
      panel(wide / kLanes, in + place * in_part, rounded(count), shape.in, 1,
            kernels + place * panels.place() + begin * shape.in, wide, shape.in,
            out + place * out_part + begin, shape.out, false);
    }
  }
  output_tiles(shape, shape.out, out, after, first, count, y);
}

void add_gradient(const Shape& shape, const float* x, const float* grad, int64_t first,
                  int64_t count, float* scratch, float* sums) {
  const int64_t in_part = part(count, shape.in), out_part = part(count, shape.out);
  float *in = scratch, *out = in + kPlaces * in_part, *zeros = out + kPlaces * out_part;
  clear(zeros, shape.in > shape.out ? shape.in : shape.out);
  input_tiles(shape, x, zeros, first, count, in);
  gradient_tiles(shape, grad, zeros, first, count, out);
  constexpr int64_t kWidth = kVectors * kLanes;
  for (int64_t place = 0; place < kPlaces; ++place) {
    for (int64_t begin = 0; begin < shape.in; begin += kWidth) {
      panel(lesser(kWidth, shape.in - begin) / kLanes, out + place * out_part, shape.out, 1,
            shape.out, in + place * in_part + begin, shape.in, count,
            sums + place * shape.out * shape.in + begin, shape.in, true);
    }
  }
}

void gradient(const Shape& shape, const float* sums, int64_t parts, int64_t first, int64_t end,
              float* weight) {
  const int64_t place = shape.out * shape.in;
  for (int64_t k = first; k < end; ++k) {
    for (int64_t c = 0; c < shape.in; c += kLanes) {
      Vec u[16], g[9];
      for (int i = 0; i < 16; ++i) {
        u[i] = Vec{};
        for (int64_t p = 0; p < parts; ++p) {
          u[i] += load(sums + (p * kPlaces + i) * place + k * shape.in + c);
        }
      }
      transform_sums(u, g);
      for (int i = 0; i < 9; ++i) store(weight + (k * 9 + i) * shape.in + c, g[i]);
    }
  }
}

}  // namespace

extern const Kernels RESWEEP_ISA;
const Kernels RESWEEP_ISA = {kernel_floats, apply_floats, gradient_floats, prepare,
                             prepare_flipped, apply, add_gradient, gradient};

}  // namespace winograd
