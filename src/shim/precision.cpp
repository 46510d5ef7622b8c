// What a network computes with: autocast, TF32, and the scale of a float16 loss. Nothing here waits
// for the device.

#include "shim.h"

#include <ATen/Context.h>
#include <ATen/core/grad_mode.h>

namespace {

// As in src/shim/precision.rs: what autocast was before.
struct Before {
  bool cuda, enabled, cached, half;
};

at::DeviceType device(bool cuda) { return cuda ? at::kCUDA : at::kCPU; }

at::ScalarType type(bool half) { return half ? at::kHalf : at::kBFloat16; }

}  // namespace

extern "C" {

// The beginning of `with torch.autocast(...)`.
char* resweep_autocast_enter(bool cuda, bool half, Before* before) {
  return guarded([&] {
    *before = {cuda, at::autocast::is_autocast_enabled(device(cuda)),
               at::autocast::is_autocast_cache_enabled(),
               at::autocast::get_autocast_dtype(device(cuda)) == at::kHalf};
    at::autocast::set_autocast_enabled(device(cuda), true);
    at::autocast::set_autocast_dtype(device(cuda), type(half));
    at::autocast::increment_nesting();
    at::autocast::set_autocast_cache_enabled(true);
  });
}

// Its end.
char* resweep_autocast_leave(const Before* before) {
  return guarded([&] {
    if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
    at::autocast::set_autocast_enabled(device(before->cuda), before->enabled);
    at::autocast::set_autocast_dtype(device(before->cuda), type(before->half));
    at::autocast::set_autocast_cache_enabled(before->cached);
  });
}

// torch.backends.cudnn.conv.fp32_precision and torch.backends.cuda.matmul.fp32_precision.
char* resweep_tf32(bool convolutions, bool products) {
  return guarded([&] {
    const auto precision = [](bool tf32) {
      return tf32 ? at::Float32Precision::TF32 : at::Float32Precision::IEEE;
    };
    auto& context = at::globalContext();
    context.setFloat32Precision(at::Float32Backend::CUDA, at::Float32Op::CONV,
                                precision(convolutions));
    context.setFloat32Precision(at::Float32Backend::CUDA, at::Float32Op::MATMUL,
                                precision(products));
  });
}

// Divides the gradients by `scale`; `found` becomes 1 where one of them is not finite, else 0.
char* resweep_unscale(at::Tensor* const* params, size_t count, const at::Tensor* scale,
                      at::Tensor* found) {
  return guarded([&] {
    at::NoGradGuard no_grad;
    found->zero_();
    // In float64, as torch.amp.GradScaler does it.
    const auto inverse = scale->to(at::kDouble).reciprocal().to(at::kFloat);
    at::_amp_foreach_non_finite_check_and_unscale_(gradients(list(params, count)), *found, inverse);
  });
}

// torch.amp.GradScaler.update
char* resweep_update_scale(at::Tensor* scale, at::Tensor* good, const at::Tensor* found,
                           double growth, double backoff, int64_t interval) {
  return guarded([&] {
    at::NoGradGuard no_grad;
    at::_amp_update_scale_(*scale, *good, *found, growth, backoff, interval);
  });
}

// Gives tensors the values that they had before, where `found` is not 0.
char* resweep_restore(at::Tensor* const* tensors, at::Tensor* const* before, size_t count,
                      const at::Tensor* found) {
  return guarded([&] {
    at::NoGradGuard no_grad;
    const auto back = found->to(at::kBool);
    for (size_t i = 0; i < count; ++i) tensors[i]->copy_(at::where(back, *before[i], *tensors[i]));
  });
}

}  // extern "C"
