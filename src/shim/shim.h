// What the files of the shim share.
#pragma once

#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>

#include <cstring>
#include <optional>
#include <vector>

// Runs `body`. No exception leaves the shim: the result is null, or a message that the caller frees
// with resweep_free.
template <typename F>
char* guarded(F body) {
  try {
    body();
    return nullptr;
  } catch (const c10::Error& error) {
    return strdup(error.what_without_backtrace());
  } catch (const std::exception& error) {
    return strdup(error.what());
  } catch (...) {
    return strdup("an unknown C++ exception");
  }
}

// Whether the kernels of the shim are made for a tensor: float32 on the CPU in channels_last.
// Autocast wants libtorch's own kernels, which it gives other formats.
inline bool is_plain(const at::Tensor& tensor) {
  return tensor.device().is_cpu() && tensor.scalar_type() == at::kFloat && tensor.dim() == 4 &&
         tensor.numel() > 0 && tensor.is_contiguous(at::MemoryFormat::ChannelsLast) &&
         !at::autocast::is_autocast_enabled(at::kCPU);
}

inline std::vector<at::Tensor> list(at::Tensor* const* tensors, size_t count) {
  std::vector<at::Tensor> out;
  out.reserve(count);
  for (size_t i = 0; i < count; ++i) out.push_back(*tensors[i]);
  return out;
}

// The gradients of the parameters. The fused kernels walk raw memory, so layouts must agree.
inline std::vector<at::Tensor> gradients(const std::vector<at::Tensor>& params) {
  std::vector<at::Tensor> out;
  out.reserve(params.size());
  for (const auto& param : params) {
    const auto& grad = param.grad();
    TORCH_CHECK(grad.defined(), "a parameter has no gradient");
    TORCH_CHECK(grad.strides() == param.strides(), "a gradient is laid out unlike its parameter");
    out.push_back(grad);
  }
  return out;
}

// Whether a convolution with stride 1, padding 1, no dilation and one group goes by the kernels of
// winograd.h.
bool winograd_fits(const at::Tensor& x, const at::Tensor& weight);

// That convolution, with gradients.
at::Tensor winograd_conv2d(const at::Tensor& x, const at::Tensor& weight);

// relu(conv2d(x, weight, bias) + other) without gradients; `other` may be null, and is like the
// result, which takes its place with `reuse`.
at::Tensor winograd_conv2d_then(const at::Tensor& x, const at::Tensor& weight,
                                const std::optional<at::Tensor>& bias, const at::Tensor* other,
                                bool relu, bool reuse);
