// Kernels for 3 x 3 convolutions by Winograd's minimal filtering, F(2 x 2, 3 x 3) of Lavin and Gray 2016
// (arXiv:1509.09308): 16 products for 4 results where the definition takes 36.
//
// All maps are channels_last. A tile is 2 x 2 places of the result, and the 4 x 4 places of the input
// that they depend on; what is transformed has 16 parts, each a matrix with a row a tile.
#pragma once

#include <cstdint>

namespace winograd {

// The sizes of a convolution with stride 1 and padding 1. Channels are multiples of 16.
struct Shape {
  int64_t images, height, width, in, out;

  int64_t rows() const { return (height + 1) / 2; }
  int64_t columns() const { return (width + 1) / 2; }
  int64_t tiles() const { return images * rows() * columns(); }
};

// What comes after the convolution. `bias` and `other` may be null.
struct After {
  const float* bias;
  const float* other;
  bool relu;
};

// Tiles of one call are `first` and those after it, `count` of them. `scratch` is for each thread.
struct Kernels {
  // Floats for the transformed kernels, and of scratch for a call of each of the two below.
  int64_t (*kernel_floats)(const Shape&);
  int64_t (*apply_floats)(const Shape&, int64_t count);
  int64_t (*gradient_floats)(const Shape&, int64_t count);

  // Kernels [out, 3, 3, in] for `apply`: those of the results `first` to `end`.
  void (*prepare)(const Shape&, const float* weight, int64_t first, int64_t end, float* kernels);
  // As above for the gradient of the input, which is a convolution from `out` to `in`; `shape` is
  // that of the forward pass, `first` to `end` are inputs.
  void (*prepare_flipped)(const Shape&, const float* weight, int64_t first, int64_t end,
                          float* kernels);
  void (*apply)(const Shape&, const float* x, const float* kernels, const After&, int64_t first,
                int64_t count, float* scratch, float* y);

  // Adds what some tiles give to the transformed gradient [16, out, in] of the kernels.
  void (*add_gradient)(const Shape&, const float* x, const float* grad, int64_t first,
                       int64_t count, float* scratch, float* sums);
  // The gradient [out, 3, 3, in] of the kernels of the results `first` to `end`, from `parts` sums.
  void (*gradient)(const Shape&, const float* sums, int64_t parts, int64_t first, int64_t end,
                   float* weight);
};

// Tiles go together in multiples of this.
constexpr int64_t kGroup = 12;

extern const Kernels kAvx2, kAvx512;

}  // namespace winograd
