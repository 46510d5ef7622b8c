// Batch normalisation with what follows it in a residual network (a sum, a ReLU) in one pass over
// memory forward and two backward, for float32 on the CPU in channels_last. libtorch takes a kernel
// for each, and each goes through all of the activations again, which is what a step waits for.
//
// Everything else (other devices, formats and layouts) goes through libtorch's own kernels.

#include "shim.h"

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/custom_function.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <vector>

// Loops are compiled for several instruction sets; the loader takes the best that there is.
#if defined(__x86_64__) && defined(__GNUC__)
#define VECTORIZED __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define VECTORIZED
#endif

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Rows of which sums are kept in float before they go to a double.
constexpr int64_t kRows = 64;

// Values [rows, channels], of which thin rows are taken several at a time.
struct Layout {
  int64_t rows, channels, group;

  explicit Layout(const at::Tensor& x)
      : rows(x.size(0) * x.size(2) * x.size(3)),
        channels(x.size(1)),
        group(std::max<int64_t>(1, 64 / x.size(1))) {}

  int64_t width() const { return channels * group; }
  int64_t grain() const { return std::max<int64_t>(1, 16384 / width()); }

  // `values` once for each row of a group.
  std::vector<float> wide(const std::vector<double>& values) const {
    std::vector<float> out(width());
    for (int64_t i = 0; i < width(); ++i) out[i] = static_cast<float>(values[i % channels]);
    return out;
  }

  // Calls body(thread, first value, rows, width of a row) for parts of all values, in parallel.
  template <typename F>
  void each(const F& body) const {
    const int64_t groups = rows / group, rest = rows % group;
    at::parallel_for(0, groups, grain(), [&](int64_t begin, int64_t end) {
      body(at::get_thread_num(), begin * width(), end - begin, width());
    });
    if (rest > 0) body(0, groups * width(), rest, channels);
  }
};

// From here on the values of a tensor are written past the caches, bytes: they do not stay there until
// they are read, and a line that is written whole need not be read before.
constexpr int64_t kPast = 16 << 20;

bool goes_past(const at::Tensor& out) {
#if defined(__SSE2__)
  // Every row of whole vectors.
  return static_cast<int64_t>(out.nbytes()) >= kPast && out.size(1) % 4 == 0 &&
         reinterpret_cast<uintptr_t>(out.const_data_ptr()) % 16 == 0;
#else
  return false;
#endif
}

// Has body(first, count, out) compute `values` values at `out`, whose rows have `width`; those that go
// past the caches a few rows at a time, in a place that stays in the first.
template <typename F>
void write(float* out, int64_t values, int64_t width, bool past, const F& body) {
#if defined(__SSE2__)
  constexpr int64_t kPlace = 4096;
  if (past && width <= kPlace) {
    alignas(64) float place[kPlace];
    const int64_t part = kPlace / width * width;
    for (int64_t first = 0; first < values; first += part) {
      const int64_t count = std::min(part, values - first);
      body(first, count, place);
      for (int64_t i = 0; i < count; i += 4) _mm_stream_ps(out + first + i, _mm_load_ps(place + i));
    }
    _mm_sfence();
    return;
  }
#endif
  body(0, values, out);
}

// out += values, which become 0.
VECTORIZED void move_into(float* __restrict values, int64_t width, double* __restrict out) {
  for (int64_t i = 0; i < width; ++i) {
    out[i] += values[i];
    values[i] = 0.0f;
  }
}

// Two sums for every place in a group of rows and every thread. They are added in the order of the
// threads, and the rows of a group at last.
struct Sums {
  const Layout& of;
  std::vector<double> parts;

  explicit Sums(const Layout& layout)
      : of(layout), parts(at::get_num_threads() * 2 * layout.width(), 0.0) {}

  // Adds and clears the sums in float over rows of `width`.
  void add(int thread, int64_t width, std::vector<float>& first, std::vector<float>& second) {
    double* out = parts.data() + thread * 2 * of.width();
    move_into(first.data(), width, out);
    move_into(second.data(), width, out + of.width());
  }

  // The first sums of each channel, then the second.
  std::pair<std::vector<double>, std::vector<double>> total() const {
    std::array<std::vector<double>, 2> sums;
    for (auto& sum : sums) sum.assign(of.channels, 0.0);
    const double* part = parts.data();
    const int64_t halves = static_cast<int64_t>(parts.size()) / of.width();
    for (int64_t half = 0; half < halves; ++half, part += of.width()) {
      for (int64_t row = 0; row < of.group; ++row) {
        for (int64_t c = 0; c < of.channels; ++c) {
          sums[half % 2][c] += part[row * of.channels + c];
        }
      }
    }
    return {sums[0], sums[1]};
  }
};

VECTORIZED void add_moments(const float* __restrict x, int64_t rows, int64_t width,
                            const float* __restrict shift, float* __restrict sum,
                            float* __restrict squares) {
  for (int64_t row = 0; row < rows; ++row, x += width) {
    for (int64_t i = 0; i < width; ++i) {
      const float value = x[i] - shift[i];
      sum[i] += value;
      squares[i] += value * value;
    }
  }
}

VECTORIZED void normalize(const float* __restrict x, int64_t values, int64_t width,
                          const float* __restrict scale, const float* __restrict shift, bool relu,
                          float* __restrict y) {
  for (int64_t at = 0; at < values; at += width) {
    if (relu) {
      for (int64_t i = 0; i < width; ++i) {
        const float value = x[at + i] * scale[i] + shift[i];
        y[at + i] = 0.0f > value ? 0.0f : value;
      }
    } else {
      for (int64_t i = 0; i < width; ++i) y[at + i] = x[at + i] * scale[i] + shift[i];
    }
  }
}

VECTORIZED void normalize_add(const float* __restrict x, const float* __restrict other,
                              int64_t values, int64_t width, const float* __restrict scale,
                              const float* __restrict shift, bool relu, float* __restrict y) {
  for (int64_t at = 0; at < values; at += width) {
    if (relu) {
      for (int64_t i = 0; i < width; ++i) {
        const float value = x[at + i] * scale[i] + shift[i] + other[at + i];
        y[at + i] = 0.0f > value ? 0.0f : value;
      }
    } else {
      for (int64_t i = 0; i < width; ++i) {
        y[at + i] = x[at + i] * scale[i] + shift[i] + other[at + i];
      }
    }
  }
}

// The sums of the gradient, and of the gradient times the distance from the mean.
VECTORIZED void add_products(const float* __restrict grad, const float* __restrict x, int64_t rows,
                             int64_t width, const float* __restrict mean, float* __restrict sum,
                             float* __restrict products) {
  for (int64_t row = 0; row < rows; ++row, x += width, grad += width) {
    for (int64_t i = 0; i < width; ++i) {
      sum[i] += grad[i];
      products[i] += grad[i] * (x[i] - mean[i]);
    }
  }
}

// As add_products, of the gradient where the normalised value was above 0.
VECTORIZED void add_products_relu(const float* __restrict grad, const float* __restrict x,
                                  int64_t rows, int64_t width, const float* __restrict mean,
                                  const float* __restrict scale, const float* __restrict shift,
                                  float* __restrict sum, float* __restrict products) {
  for (int64_t row = 0; row < rows; ++row, x += width, grad += width) {
    for (int64_t i = 0; i < width; ++i) {
      const float passed = x[i] * scale[i] + shift[i] <= 0.0f ? 0.0f : grad[i];
      sum[i] += passed;
      products[i] += passed * (x[i] - mean[i]);
    }
  }
}

// As add_products, of the gradient where the result was above 0, which is kept in `passed`.
VECTORIZED void add_products_sum(const float* __restrict grad, const float* __restrict y,
                                 const float* __restrict x, int64_t rows, int64_t width,
                                 const float* __restrict mean, float* __restrict passed,
                                 float* __restrict sum, float* __restrict products) {
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t i = 0; i < width; ++i) {
      const float value = y[i] <= 0.0f ? 0.0f : grad[i];
      passed[i] = value;
      sum[i] += value;
      products[i] += value * (x[i] - mean[i]);
    }
    x += width, y += width, grad += width, passed += width;
  }
}

// What a value's gradient is made of, each a number a channel.
struct Terms {
  std::vector<float> mean, scale, shift, slope, offset;
};

VECTORIZED void grad_input(const float* __restrict grad, const float* __restrict x, int64_t values,
                           int64_t width, const Terms& terms, float* __restrict out) {
  const float *__restrict mean = terms.mean.data(), *__restrict scale = terms.scale.data(),
              *__restrict slope = terms.slope.data(), *__restrict offset = terms.offset.data();
  for (int64_t at = 0; at < values; at += width) {
    for (int64_t i = 0; i < width; ++i) {
      out[at + i] = scale[i] * (grad[at + i] - offset[i] - (x[at + i] - mean[i]) * slope[i]);
    }
  }
}

VECTORIZED void grad_input_relu(const float* __restrict grad, const float* __restrict x,
                                int64_t values, int64_t width, const Terms& terms,
                                float* __restrict out) {
  const float *__restrict mean = terms.mean.data(), *__restrict scale = terms.scale.data(),
              *__restrict shift = terms.shift.data(), *__restrict slope = terms.slope.data(),
              *__restrict offset = terms.offset.data();
  for (int64_t at = 0; at < values; at += width) {
    for (int64_t i = 0; i < width; ++i) {
      const float value = x[at + i];
      const float passed = value * scale[i] + shift[i] <= 0.0f ? 0.0f : grad[at + i];
      out[at + i] = scale[i] * (passed - offset[i] - (value - mean[i]) * slope[i]);
    }
  }
}

std::vector<double> numbers(const at::Tensor& tensor) {
  const float* values = tensor.const_data_ptr<float>();
  return {values, values + tensor.numel()};
}

// Mean and variance (biased) of each channel.
std::pair<std::vector<double>, std::vector<double>> moments(const at::Tensor& x) {
  const Layout layout(x);
  const float* data = x.const_data_ptr<float>();
  // Near the mean, so that squares lose no digits.
  std::vector<double> near(layout.channels, 0.0);
  const int64_t sample = std::min(layout.rows, kRows);
  for (int64_t row = 0; row < sample; ++row) {
    for (int64_t c = 0; c < layout.channels; ++c) near[c] += data[row * layout.channels + c];
  }
  for (double& value : near) value = static_cast<float>(value / sample);
  const auto shift = layout.wide(near);
  Sums sums(layout);
  layout.each([&](int thread, int64_t first, int64_t rows, int64_t width) {
    std::vector<float> sum(width, 0.0f), squares(width, 0.0f);
    for (int64_t row = 0; row < rows; row += kRows) {
      const int64_t count = std::min(kRows, rows - row);
      add_moments(data + first + row * width, count, width, shift.data(), sum.data(),
                  squares.data());
      sums.add(thread, width, sum, squares);
    }
  });
  auto [mean, variance] = sums.total();
  for (int64_t c = 0; c < layout.channels; ++c) {
    mean[c] /= layout.rows;
    variance[c] = std::max(variance[c] / layout.rows - mean[c] * mean[c], 0.0);
    mean[c] += near[c];
  }
  return {mean, variance};
}

// Goes `momentum` of the way to the statistics of a batch; the variance to the unbiased one.
void update(const at::Tensor& running_mean, const at::Tensor& running_var, double momentum,
            int64_t rows, const std::vector<double>& mean, const std::vector<double>& variance) {
  float *means = running_mean.data_ptr<float>(), *variances = running_var.data_ptr<float>();
  const double unbiased = static_cast<double>(rows) / (rows - 1);
  for (size_t c = 0; c < mean.size(); ++c) {
    means[c] = static_cast<float>((1 - momentum) * means[c] + momentum * mean[c]);
    variances[c] =
        static_cast<float>((1 - momentum) * variances[c] + momentum * variance[c] * unbiased);
  }
}

// Factor and summand a channel of the normalisation.
struct Affine {
  std::vector<double> scale, shift;

  Affine(const at::Tensor& weight, const at::Tensor& bias, const std::vector<double>& mean,
         const std::vector<double>& invstd)
      : scale(numbers(weight)), shift(numbers(bias)) {
    for (size_t c = 0; c < scale.size(); ++c) {
      scale[c] *= invstd[c];
      shift[c] -= mean[c] * scale[c];
    }
  }
};

std::vector<double> inverse_std(const std::vector<double>& variance, double eps) {
  std::vector<double> out(variance.size());
  for (size_t c = 0; c < out.size(); ++c) out[c] = 1.0 / std::sqrt(variance[c] + eps);
  return out;
}

at::Tensor normalized(const at::Tensor& x, const std::optional<at::Tensor>& other, const Affine& affine,
                 bool relu) {
  const Layout layout(x);
  auto y = at::empty_like(x, x.options(), at::MemoryFormat::ChannelsLast);
  const auto scale = layout.wide(affine.scale), shift = layout.wide(affine.shift);
  const float* in = x.const_data_ptr<float>();
  const float* add = other ? other->const_data_ptr<float>() : nullptr;
  float* out = y.data_ptr<float>();
  const bool past = goes_past(y);
  layout.each([&](int, int64_t start, int64_t rows, int64_t width) {
    write(out + start, rows * width, width, past, [&](int64_t first, int64_t count, float* to) {
      const float* from = in + start + first;
      if (add == nullptr) {
        normalize(from, count, width, scale.data(), shift.data(), relu, to);
      } else {
        normalize_add(from, add + start + first, count, width, scale.data(), shift.data(), relu, to);
      }
    });
  });
  return y;
}

struct BatchNorm : torch::autograd::Function<BatchNorm> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x,
                            const std::optional<at::Tensor>& other, const at::Tensor& weight,
                            const at::Tensor& bias, const at::Tensor& running_mean,
                            const at::Tensor& running_var, double momentum, double eps, bool relu) {
    auto [mean, variance] = moments(x);
    update(running_mean, running_var, momentum, Layout(x).rows, mean, variance);
    const auto invstd = inverse_std(variance, eps);
    auto y = normalized(x, other, Affine(weight, bias, mean, invstd), relu);
    context->saved_data["mean"] = mean;
    context->saved_data["invstd"] = invstd;
    context->saved_data["relu"] = relu;
    context->saved_data["sum"] = other.has_value();
    // Whether a sum was above 0 is read off the result; without one it follows from the input.
    context->save_for_backward({x, weight, bias, relu && other ? y : at::Tensor()});
    return y;
  }

  static variable_list backward(AutogradContext* context, variable_list grads) {
    const auto saved = context->get_saved_variables();
    const auto &x = saved[0], &y = saved[3];
    const bool relu = context->saved_data["relu"].toBool();
    const bool sum = context->saved_data["sum"].toBool();
    const auto mean = context->saved_data["mean"].toDoubleVector();
    const auto invstd = context->saved_data["invstd"].toDoubleVector();
    const auto grad = grads[0].contiguous(at::MemoryFormat::ChannelsLast);
    const Affine affine(saved[1], saved[2], mean, invstd);

    const Layout layout(x);
    Terms terms{layout.wide(mean), layout.wide(affine.scale), layout.wide(affine.shift), {}, {}};
    // The gradient of the sum; without a ReLU it is the result's.
    const auto passed = relu && sum ? at::empty_like(grad) : grad;
    auto [sums, products] = sum_up(layout, terms, grad, x, y, passed, relu && !sum);
    auto weight_grad = at::empty_like(saved[1]), bias_grad = at::empty_like(saved[2]);
    std::vector<double> slope(layout.channels), offset(layout.channels);
    for (int64_t c = 0; c < layout.channels; ++c) {
      weight_grad.data_ptr<float>()[c] = static_cast<float>(products[c] * invstd[c]);
      bias_grad.data_ptr<float>()[c] = static_cast<float>(sums[c]);
      slope[c] = invstd[c] * invstd[c] * products[c] / layout.rows;
      offset[c] = sums[c] / layout.rows;
    }
    terms.slope = layout.wide(slope);
    terms.offset = layout.wide(offset);
    const auto x_grad = of_input(layout, terms, passed, x, relu && !sum);
    return {x_grad, sum ? passed : at::Tensor(), weight_grad, bias_grad, {}, {}, {}, {}, {}};
  }

  // The sums of the gradient, and of its products with the distance from the mean.
  static std::pair<std::vector<double>, std::vector<double>> sum_up(
      const Layout& layout, const Terms& terms, const at::Tensor& grad, const at::Tensor& x,
      const at::Tensor& y, const at::Tensor& passed, bool relu) {
    Sums sums(layout);
    const float *grads = grad.const_data_ptr<float>(), *in = x.const_data_ptr<float>();
    layout.each([&](int thread, int64_t first, int64_t rows, int64_t width) {
      std::vector<float> sum(width, 0.0f), products(width, 0.0f);
      for (int64_t row = 0; row < rows; row += kRows) {
        const int64_t count = std::min(kRows, rows - row), at = first + row * width;
        if (relu) {
          add_products_relu(grads + at, in + at, count, width, terms.mean.data(),
                            terms.scale.data(), terms.shift.data(), sum.data(), products.data());
        } else if (y.defined()) {
          add_products_sum(grads + at, y.const_data_ptr<float>() + at, in + at, count, width,
                           terms.mean.data(), passed.data_ptr<float>() + at, sum.data(),
                           products.data());
        } else {
          add_products(grads + at, in + at, count, width, terms.mean.data(), sum.data(),
                       products.data());
        }
        sums.add(thread, width, sum, products);
      }
    });
    return sums.total();
  }

  static at::Tensor of_input(const Layout& layout, const Terms& terms, const at::Tensor& grad,
                             const at::Tensor& x, bool relu) {
    auto out = at::empty_like(x);
    const float *grads = grad.const_data_ptr<float>(), *in = x.const_data_ptr<float>();
    float* result = out.data_ptr<float>();
    const bool past = goes_past(out);
    auto* kernel = relu ? grad_input_relu : grad_input;
    layout.each([&](int, int64_t start, int64_t rows, int64_t width) {
      write(result + start, rows * width, width, past, [&](int64_t first, int64_t count, float* to) {
        kernel(grads + start + first, in + start + first, count, width, terms, to);
      });
    });
    return out;
  }
};

}  // namespace

extern "C" {

// y = relu(batch_norm(x) + other); `other` may be null, and the ReLU left out. `weights` are weight,
// bias, running mean and running variance.
char* resweep_batch_norm(const at::Tensor* x, const at::Tensor* other,
                         const at::Tensor* const* weights, bool training, double momentum,
                         double eps, bool relu, at::Tensor** out) {
  return guarded([&] {
    const auto &weight = *weights[0], &bias = *weights[1];
    const auto &mean = *weights[2], &variance = *weights[3];
    std::optional<at::Tensor> sum;
    if (other != nullptr) sum = *other;
    const bool fitting = is_plain(*x) && (!sum || (is_plain(*sum) && sum->sizes() == x->sizes())) &&
                         weight.scalar_type() == at::kFloat;
    at::Tensor y;
    if (fitting && training) {
      y = BatchNorm::apply(*x, sum, weight, bias, mean, variance, momentum, eps, relu);
    } else if (fitting && !at::GradMode::is_enabled()) {
      const auto invstd = inverse_std(numbers(variance), eps);
      y = normalized(*x, sum, Affine(weight, bias, numbers(mean), invstd), relu);
    } else {
      y = at::batch_norm(*x, weight, bias, mean, variance, training, momentum, eps,
                         /*cudnn_enabled=*/true);
      if (sum) y = y + *sum;
      if (relu) y.relu_();
    }
    *out = new at::Tensor(std::move(y));
  });
}

}  // extern "C"
