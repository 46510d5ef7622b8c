// What tch does not bind: fused optimiser steps, and memory statistics of an accelerator.
//
// Tensors cross as at::Tensor*. No exception leaves this file: every function returns null, or a
// message that the caller frees with resweep_free.

#include <ATen/ATen.h>
#include <ATen/DeviceAccelerator.h>
#include <ATen/core/grad_mode.h>
#include <cstring>
#include <vector>

namespace {

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

std::vector<at::Tensor> list(at::Tensor* const* tensors, size_t count) {
  std::vector<at::Tensor> out;
  out.reserve(count);
  for (size_t i = 0; i < count; ++i) out.push_back(*tensors[i]);
  return out;
}

// The gradients of the parameters. The fused kernels walk raw memory, so layouts must agree.
std::vector<at::Tensor> gradients(const std::vector<at::Tensor>& params) {
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

}  // namespace

extern "C" {

void resweep_free(char* message) { free(message); }

char* resweep_sgd(at::Tensor* const* params, at::Tensor* const* momenta, size_t count, double lr,
                  double weight_decay, double momentum, bool nesterov, bool first) {
  return guarded([&] {
    at::NoGradGuard no_grad;
    auto weights = list(params, count);
    auto buffers = momentum == 0.0 ? std::vector<at::Tensor>() : list(momenta, count);
    at::_fused_sgd_(weights, gradients(weights), buffers, weight_decay, momentum, lr,
                    /*dampening=*/0.0, nesterov, /*maximize=*/false, first);
  });
}

char* resweep_adam(at::Tensor* const* params, at::Tensor* const* averages,
                   at::Tensor* const* squares, at::Tensor* const* steps, size_t count, double lr,
                   double beta1, double beta2, double weight_decay, double eps, bool decoupled) {
  return guarded([&] {
    at::NoGradGuard no_grad;
    auto weights = list(params, count);
    auto counts = list(steps, count);
    at::_foreach_add_(counts, 1);
    auto grads = gradients(weights);
    auto means = list(averages, count);
    auto second = list(squares, count);
    if (decoupled) {
      at::_fused_adamw_(weights, grads, means, second, {}, counts, lr, beta1, beta2, weight_decay,
                        eps, /*amsgrad=*/false, /*maximize=*/false);
    } else {
      at::_fused_adam_(weights, grads, means, second, {}, counts, lr, beta1, beta2, weight_decay,
                       eps, /*amsgrad=*/false, /*maximize=*/false);
    }
  });
}

// Sets gradients free, so that the next backward pass writes instead of adding.
char* resweep_forget_gradients(at::Tensor* const* params, size_t count) {
  return guarded([&] {
    for (size_t i = 0; i < count; ++i) params[i]->mutable_grad().reset();
  });
}

char* resweep_peak_memory(int device, bool reset, int64_t* bytes) {
  return guarded([&] {
    auto index = static_cast<c10::DeviceIndex>(device);
    const auto stats = at::accelerator::getDeviceStats(index);
    *bytes = stats.allocated_bytes[static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE)].peak;
    if (reset) at::accelerator::resetPeakStats(index);
  });
}

}  // extern "C"
