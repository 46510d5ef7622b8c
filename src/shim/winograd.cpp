// 3 x 3 convolutions by the kernels of winograd.h: which they take, and their gradients.

#include "winograd.h"

#include "shim.h"

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;
using winograd::After;
using winograd::Shape;

// Below this transforming the kernels costs more than it saves.
constexpr int64_t kTiles = 64;

// What libtorch itself was told to use, where this file has kernels for it.
const winograd::Kernels* kernels() {
#if defined(__x86_64__)
  static const auto* const best = [] {
    const auto name = at::get_cpu_capability();
    if (name.rfind("AVX512", 0) == 0) return &winograd::kAvx512;
    return name == "AVX2" ? &winograd::kAvx2 : nullptr;
  }();
  return best;
#else
  return nullptr;
#endif
}

Shape shape_of(const at::Tensor& x, const at::Tensor& weight) {
  return {x.size(0), x.size(2), x.size(3), weight.size(1), weight.size(0)};
}

// The tiles that go together: what is transformed stays in the second-level cache.
int64_t block_of(const Shape& shape) {
  return std::max(shape.in, shape.out) > 128 ? 96 : 48;
}

// Calls body(first tile, tiles) for parts of all tiles.
template <typename F>
void each_block(const Shape& shape, int64_t first, int64_t end, const F& body) {
  const int64_t block = block_of(shape);
  for (int64_t tile = first; tile < end; tile += block) body(tile, std::min(block, end - tile));
}

// Scratch of the calling thread, which it keeps.
float* scratch(int64_t floats) {
  thread_local std::vector<float> memory;
  if (static_cast<int64_t>(memory.size()) < floats) memory.resize(floats);
  return memory.data();
}

at::Tensor maps(const Shape& shape, const at::Tensor& like) {
  return at::empty({shape.images, shape.out, shape.height, shape.width}, like.options(),
                   at::MemoryFormat::ChannelsLast);
}

using Prepare = decltype(winograd::Kernels::prepare);

// `prepare` gets the shape of the forward pass, the rest the shape of what is computed here.
at::Tensor convolved(const Shape& shape, const at::Tensor& x, const Shape& forward,
                     const at::Tensor& weight, Prepare prepare, const After& after,
                     at::Tensor y) {
  auto transformed = at::empty({kernels()->kernel_floats(shape)}, x.options());
  float* of_kernels = transformed.data_ptr<float>();
  at::parallel_for(0, shape.out / 16, 1, [&](int64_t begin, int64_t end) {
    prepare(forward, weight.const_data_ptr<float>(), begin * 16, end * 16, of_kernels);
  });
  const int64_t block = block_of(shape), blocks = (shape.tiles() + block - 1) / block;
  at::parallel_for(0, blocks, 1, [&](int64_t begin, int64_t end) {
    float* memory = scratch(kernels()->apply_floats(shape, block));
    each_block(shape, begin * block, std::min(end * block, shape.tiles()),
               [&](int64_t first, int64_t count) {
                 kernels()->apply(shape, x.const_data_ptr<float>(), of_kernels, after, first, count,
                                  memory, y.data_ptr<float>());
               });
  });
  return y;
}

at::Tensor grad_of_input(const at::Tensor& grad, const at::Tensor& x, const at::Tensor& weight) {
  const auto forward = shape_of(x, weight);
  const Shape back{forward.images, forward.height, forward.width, forward.out, forward.in};
  return convolved(back, grad, forward, weight, kernels()->prepare_flipped, {}, maps(back, grad));
}

// Every thread has sums of its own, but that wide kernels would take too much memory.
at::Tensor grad_of_weight(const at::Tensor& grad, const at::Tensor& x, const at::Tensor& weight) {
  const auto shape = shape_of(x, weight);
  const int64_t size = 16 * shape.out * shape.in, most = std::max<int64_t>(1, (64 << 20) / size);
  const int64_t block = block_of(shape), blocks = (shape.tiles() + block - 1) / block;
  const int64_t parts = std::min({int64_t{at::get_num_threads()}, blocks, most});
  auto sums = at::zeros({parts, size}, x.options());
  at::parallel_for(0, parts, 1, [&](int64_t begin, int64_t end) {
    float* memory = scratch(kernels()->gradient_floats(shape, block));
    for (int64_t part = begin; part < end; ++part) {
      const int64_t from = blocks * part / parts * block, to = blocks * (part + 1) / parts * block;
      each_block(shape, from, std::min(to, shape.tiles()), [&](int64_t first, int64_t count) {
        kernels()->add_gradient(shape, x.const_data_ptr<float>(), grad.const_data_ptr<float>(),
                                first, count, memory, sums.data_ptr<float>() + part * size);
      });
    }
  });
  auto out = at::empty_like(weight);
  at::parallel_for(0, shape.out, 16, [&](int64_t begin, int64_t end) {
    kernels()->gradient(shape, sums.const_data_ptr<float>(), parts, begin, end,
                        out.data_ptr<float>());
  });
  return out;
}

struct Convolution : torch::autograd::Function<Convolution> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x,
                            const at::Tensor& weight) {
    context->save_for_backward({x, weight});
    const auto shape = shape_of(x, weight);
    return convolved(shape, x, shape, weight, kernels()->prepare, {}, maps(shape, x));
  }

  static variable_list backward(AutogradContext* context, variable_list grads) {
    const auto saved = context->get_saved_variables();
    const auto &x = saved[0], &weight = saved[1];
    const auto grad = grads[0].contiguous(at::MemoryFormat::ChannelsLast);
    at::Tensor x_grad, weight_grad;
    if (context->needs_input_grad(0)) x_grad = grad_of_input(grad, x, weight);
    if (context->needs_input_grad(1)) weight_grad = grad_of_weight(grad, x, weight);
    return {x_grad, weight_grad};
  }
};

}  // namespace

bool winograd_fits(const at::Tensor& x, const at::Tensor& weight) {
  const bool sizes = weight.size(2) == 3 && weight.size(3) == 3 && weight.size(0) % 16 == 0 &&
                     weight.size(1) % 16 == 0;
  return sizes && is_plain(x) && is_plain(weight) && shape_of(x, weight).tiles() >= kTiles &&
         kernels() != nullptr;
}

at::Tensor winograd_conv2d(const at::Tensor& x, const at::Tensor& weight) {
  return Convolution::apply(x, weight);
}

at::Tensor winograd_conv2d_then(const at::Tensor& x, const at::Tensor& weight,
                                const std::optional<at::Tensor>& bias, const at::Tensor* other,
                                bool relu, bool reuse) {
  const auto shape = shape_of(x, weight);
  const auto own = bias ? bias->contiguous() : at::Tensor();
  const After after{bias ? own.const_data_ptr<float>() : nullptr,
                    other != nullptr ? other->const_data_ptr<float>() : nullptr, relu};
  return convolved(shape, x, shape, weight, kernels()->prepare, after,
                   reuse && other != nullptr ? *other : maps(shape, x));
}
