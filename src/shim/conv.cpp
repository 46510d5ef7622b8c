// Convolutions, each by the kernels that are quickest for it: those of winograd.h, libtorch's own, or
// those of this file: over small maps, as matrix products, one for each row of the result and each place of
// the kernel, so that nothing is computed for the zeros around the map: those are a third of the
// work on maps of 4 x 4, where oneDNN's kernels are also slowest. For float32 on the CPU in
// channels_last; everything else goes through libtorch's own kernels.
//
// Within, maps are laid out [row, column, image, channel], so that neighbouring columns of all images
// are the rows of one matrix. For a stride of 2 rows and columns are taken apart by parity before.

#include "shim.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <array>
#include <optional>
#include <string_view>
#include <vector>

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Larger maps are left to oneDNN, and so are thin ones and small batches. Measured with AVX2 and
// AVX-512, see results/README.md.
constexpr int64_t kPixels = 16, kChannels = 256, kRows = 512;

// As Window in src/shim/layers.rs: rows and columns each.
struct Geometry {
  std::array<int64_t, 2> stride, padding, dilation;
  int64_t groups;
};

// A square kernel with as much padding as keeps the size at stride 1.
struct Window {
  int64_t side, stride;

  int64_t padding() const { return side / 2; }
  bool is_pixel() const { return side == 1 && stride == 1; }
};

// One place of a kernel along one axis: the parity of what it reads, and how far that lies from the
// result's place, in steps of the stride.
struct Tap {
  int64_t parity, distance;

  Tap(int64_t place, const Window& window) {
    const int64_t offset = place - window.padding();
    parity = (offset % window.stride + window.stride) % window.stride;
    distance = (offset - parity) / window.stride;
  }
  // The first place of the result for which there is something to read, and one past the last.
  int64_t begin() const { return std::max<int64_t>(0, -distance); }
  int64_t end(int64_t size) const { return std::min(size, size - distance); }
};

// A kernel of one pixel reads each pixel alone: all are images of their own, and nothing moves.
at::Tensor as_pixels(const at::Tensor& x) {
  return x.permute({0, 2, 3, 1}).reshape({-1, x.size(1), 1, 1});
}

at::Tensor as_maps(const at::Tensor& pixels, const at::Tensor& like) {
  return pixels.view({like.size(0), like.size(2), like.size(3), pixels.size(1)})
      .permute({0, 3, 1, 2});
}

// [image, channel, row, column] -> [row parity, column parity, row, column * image, channel].
at::Tensor taken_apart(const at::Tensor& x, int64_t stride) {
  const auto images = x.size(0), channels = x.size(1), height = x.size(2), width = x.size(3);
  return x.permute({0, 2, 3, 1})
      .reshape({images, height / stride, stride, width / stride, stride, channels})
      .permute({2, 4, 1, 3, 0, 5})
      .contiguous()
      .view({stride, stride, height / stride, width / stride * images, channels});
}

// The way back, to channels_last.
at::Tensor put_together(const at::Tensor& values, int64_t images) {
  const auto stride = values.size(0), height = values.size(2), channels = values.size(4);
  const auto width = values.size(3) / images;
  return values.view({stride, stride, height, width, images, channels})
      .permute({4, 2, 0, 3, 1, 5})
      .contiguous()
      .view({images, height * stride, width * stride, channels})
      .permute({0, 3, 1, 2});
}

// Calls body(kernel row, kernel column, result, input) for every matrix product: `result` and
// `input` are [columns * image, channel] parts of both. The first of each row of the result covers
// all of it.
template <typename F>
void each_product(const Window& window, const at::Tensor& result, const at::Tensor& input,
                  int64_t images, const F& body) {
  const int64_t height = result.size(2), width = result.size(3) / images;
  // The middle of the kernel comes first: it never reads beyond the map.
  std::vector<int64_t> places{window.padding()};
  for (int64_t place = 0; place < window.side; ++place) {
    if (place != window.padding()) places.push_back(place);
  }
  for (int64_t row = 0; row < height; ++row) {
    for (const int64_t i : places) {
      const Tap down(i, window);
      if (row < down.begin() || row >= down.end(height)) continue;
      for (const int64_t j : places) {
        const Tap right(j, window);
        const auto from = right.begin() * images, count = right.end(width) * images - from;
        const auto out = result[0][0][row].narrow(0, from, count);
        const auto in = input[down.parity][right.parity][row + down.distance].narrow(
            0, from + right.distance * images, count);
        body(i, j, out, in);
      }
    }
  }
}

// A kernel's matrix [out, in] at one place.
at::Tensor at_place(const at::Tensor& weight, int64_t row, int64_t column) {
  return weight.select(3, column).select(2, row);
}

at::Tensor forward_pass(const at::Tensor& x, const at::Tensor& weight, const Window& window) {
  const auto images = x.size(0);
  const auto in = taken_apart(x, window.stride);
  auto out = at::empty({1, 1, in.size(2), in.size(3), weight.size(0)}, x.options());
  each_product(window, out, in, images,
               [&](int64_t row, int64_t column, at::Tensor result, const at::Tensor& input) {
                 const auto matrix = at_place(weight, row, column).t();
                 const bool first = row == window.padding() && column == window.padding();
                 if (first) {
                   at::mm_out(result, input, matrix);
                 } else {
                   result.addmm_(input, matrix);
                 }
               });
  return put_together(out, images);
}

at::Tensor grad_of_input(const at::Tensor& grad, const at::Tensor& x, const at::Tensor& weight,
                         const Window& window) {
  const auto images = x.size(0);
  const auto out = taken_apart(grad, 1);
  auto in = at::zeros({window.stride, window.stride, out.size(2), out.size(3), x.size(1)},
                      x.options());
  each_product(window, out, in, images,
               [&](int64_t row, int64_t column, const at::Tensor& result, at::Tensor input) {
                 input.addmm_(result, at_place(weight, row, column));
               });
  return put_together(in, images);
}

at::Tensor grad_of_weight(const at::Tensor& grad, const at::Tensor& x, const at::Tensor& weight,
                          const Window& window) {
  auto out = at::zeros_like(weight);
  each_product(window, taken_apart(grad, 1), taken_apart(x, window.stride), x.size(0),
               [&](int64_t row, int64_t column, const at::Tensor& result, const at::Tensor& input) {
                 at_place(out, row, column).addmm_(result.t(), input);
               });
  return out;
}

struct Convolution : torch::autograd::Function<Convolution> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x,
                            const at::Tensor& weight, int64_t side, int64_t stride) {
    context->save_for_backward({x, weight});
    context->saved_data["side"] = side;
    context->saved_data["stride"] = stride;
    const Window window{side, stride};
    if (window.is_pixel()) return as_maps(forward_pass(as_pixels(x), weight, window), x);
    return forward_pass(x, weight, window);
  }

  static variable_list backward(AutogradContext* context, variable_list grads) {
    const auto saved = context->get_saved_variables();
    const Window window{context->saved_data["side"].toInt(), context->saved_data["stride"].toInt()};
    const auto& weight = saved[1];
    auto x = saved[0], grad = grads[0];
    if (window.is_pixel()) x = as_pixels(x), grad = as_pixels(grad);
    at::Tensor x_grad, weight_grad;
    if (context->needs_input_grad(0)) {
      x_grad = grad_of_input(grad, x, weight, window);
      if (window.is_pixel()) x_grad = as_maps(x_grad, saved[0]);
    }
    if (context->needs_input_grad(1)) weight_grad = grad_of_weight(grad, x, weight, window);
    return {x_grad, weight_grad, {}, {}};
  }
};

// A kernel that keeps the size of a map, of any side but even ones.
bool keeps_size(const at::Tensor& weight, const Geometry& geometry) {
  const auto &stride = geometry.stride, &padding = geometry.padding;
  return geometry.groups == 1 && stride[0] == 1 && stride[1] == 1 && geometry.dilation[0] == 1 &&
         geometry.dilation[1] == 1 && padding[0] * 2 + 1 == weight.size(2) &&
         padding[1] * 2 + 1 == weight.size(3);
}

// Whether a convolution is one of those above.
std::optional<Window> window_of(const at::Tensor& x, const at::Tensor& weight,
                                const Geometry& geometry) {
  if (geometry.groups != 1 || !is_plain(x) || !is_plain(weight)) return std::nullopt;
  const auto &stride = geometry.stride, &padding = geometry.padding;
  const Window window{weight.size(2), stride[0]};
  const bool square = weight.size(3) == window.side && stride[1] == window.stride;
  const bool usual = window.side % 2 == 1 && window.side <= 3 && window.stride <= 2 &&
                     padding[0] == window.padding() && padding[1] == window.padding() &&
                     geometry.dilation[0] == 1 && geometry.dilation[1] == 1;
  if (!square || !usual) return std::nullopt;
  const bool even = x.size(2) % window.stride == 0 && x.size(3) % window.stride == 0;
  const auto pixels = x.size(2) / window.stride * (x.size(3) / window.stride);
  const bool small = pixels <= kPixels && pixels * x.size(0) >= kRows;
  const bool wide = std::min(weight.size(0), weight.size(1)) >= kChannels;
  return even && small && wide ? std::optional(window) : std::nullopt;
}

// oneDNN's kernels write past their memory for some of these: 8 or 12 channels into a strided kernel of
// one pixel, for odd numbers of images.
bool overruns(const at::Tensor& x, const at::Tensor& weight, const Geometry& geometry) {
  const auto &stride = geometry.stride, &padding = geometry.padding;
  return x.device().is_cpu() && geometry.groups == 1 && weight.size(1) < 16 &&
         weight.size(2) == 1 && weight.size(3) == 1 && padding[0] == 0 && padding[1] == 0 &&
         (stride[0] > 1 || stride[1] > 1);
}

// The pixels that a strided kernel of one pixel reads.
at::Tensor pixels_read(const at::Tensor& x, const Geometry& geometry) {
  return x.slice(2, 0, std::nullopt, geometry.stride[0])
      .slice(3, 0, std::nullopt, geometry.stride[1])
      .contiguous(at::MemoryFormat::ChannelsLast);
}

// The operators below are there for torch.compile: oneDNN's convolution with a bias, a sum and a
// ReLU in its own loop.
using Sizes = at::IntArrayRef;
using Text = std::string_view;
using Numbers = c10::List<std::optional<at::Scalar>>;
using Tensor = const at::Tensor&;
using Bias = const std::optional<at::Tensor>&;

at::Tensor with_relu(Tensor x, Tensor weight, Bias bias, const Geometry& geometry, bool relu) {
  using Signature = at::Tensor(Tensor, Tensor, Bias, Sizes, Sizes, Sizes, int64_t, Text, Numbers,
                               std::optional<Text>);
  static const auto call = c10::Dispatcher::singleton()
                               .findSchemaOrThrow("mkldnn::_convolution_pointwise", "")
                               .typed<Signature>();
  return call.call(x, weight, bias, geometry.padding, geometry.stride, geometry.dilation,
                   geometry.groups, relu ? "relu" : "none", Numbers(), "");
}

// The result takes the place of `sum`.
at::Tensor with_sum(at::Tensor sum, Tensor x, Tensor weight, Bias bias, const Geometry& geometry,
                    bool relu) {
  using Signature = at::Tensor&(at::Tensor&, Tensor, Tensor, Bias, Sizes, Sizes, Sizes, int64_t,
                                Text, std::optional<at::Scalar>, std::optional<Text>, Numbers,
                                std::optional<Text>);
  static const auto call = c10::Dispatcher::singleton()
                               .findSchemaOrThrow("mkldnn::_convolution_pointwise_", "binary")
                               .typed<Signature>();
  const std::optional<Text> after = relu ? std::optional<Text>("relu") : std::nullopt;
  return call.call(sum, x, weight, bias, geometry.padding, geometry.stride, geometry.dilation,
                   geometry.groups, "add", std::nullopt, after, Numbers(), "");
}

at::Tensor convolved(const at::Tensor& x, const at::Tensor& weight,
                     const std::optional<at::Tensor>& bias, const Geometry& geometry,
                     const at::Tensor* other, bool relu, bool reuse) {
  const bool fused = !at::GradMode::is_enabled() && is_plain(x) && is_plain(weight) &&
                     (other == nullptr || is_plain(*other));
  const bool tiled = keeps_size(weight, geometry) && winograd_fits(x, weight);
  const auto window = tiled ? std::nullopt : window_of(x, weight, geometry);
  if (fused && tiled) return winograd_conv2d_then(x, weight, bias, other, relu, reuse);
  if (fused && !window && bias) {
    return other == nullptr ? with_relu(x, weight, bias, geometry, relu)
                            : with_sum(reuse ? *other : other->clone(), x, weight, bias, geometry,
                                       relu);
  }
  auto y = tiled    ? winograd_conv2d(x, weight)
           : window ? Convolution::apply(x, weight, window->side, window->stride)
                    : at::conv2d(x, weight, bias, geometry.stride, geometry.padding,
                                 geometry.dilation, geometry.groups);
  if (bias && (tiled || window)) y = y + bias->view({1, -1, 1, 1});
  if (other != nullptr) y.add_(*other);
  if (relu) y.relu_();
  return y;
}

}  // namespace

extern "C" {

// relu(conv2d(x, weight, bias) + other). `bias` and `other` may be null, and the ReLU left out; with
// `reuse` the result may take the memory of `other`. A sum or a ReLU has no gradients.
char* resweep_conv2d(const at::Tensor* x, const at::Tensor* weight, const at::Tensor* bias,
                     const Geometry* geometry, const at::Tensor* other, bool relu, bool reuse,
                     at::Tensor** out) {
  return guarded([&] {
    std::optional<at::Tensor> own;
    if (bias != nullptr) own = *bias;
    at::Tensor y;
    if (overruns(*x, *weight, *geometry)) {
      Geometry dense = *geometry;
      dense.stride = {1, 1};
      y = convolved(pixels_read(*x, *geometry), *weight, own, dense, other, relu, reuse);
    } else {
      y = convolved(*x, *weight, own, *geometry, other, relu, reuse);
    }
    *out = new at::Tensor(std::move(y));
  });
}

}  // extern "C"
