// What tch does not bind: optimiser steps on fused and foreach kernels.
//
// Tensors cross as at::Tensor*. No exception leaves this file: every function returns null, or a
// message that the caller frees with resweep_free.

#include "shim.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <vector>

namespace {

// The nearest matrix with orthonormal rows or columns, roughly: steps of the quintic Newton-Schulz
// iteration of Jordan et al. 2024 (kellerjordan.github.io/posts/muon), as in torch.optim.Muon.
at::Tensor orthogonal(const at::Tensor& matrix, int64_t steps, bool half) {
  const bool tall = matrix.size(0) > matrix.size(1);
  auto x = matrix.to(half ? at::kBFloat16 : at::kFloat);
  if (tall) x = x.t();
  x = x.div(x.norm().clamp_min(1e-7));
  for (int64_t step = 0; step < steps; ++step) {
    const auto gram = x.matmul(x.t());
    const auto update = at::addmm(gram, gram, gram, /*beta=*/-4.7750, /*alpha=*/2.0315);
    x = at::addmm(x, update, x, /*beta=*/3.4445);
  }
  return tall ? x.t() : x;
}

std::optional<at::Tensor> optional(const at::Tensor* tensor) {
  return tensor == nullptr ? std::nullopt : std::optional(*tensor);
}

}  // namespace

extern "C" {

void resweep_free(char* message) { free(message); }

// `found` is a number on the device, or null: where it is not 0 the step changes nothing.
char* resweep_sgd(at::Tensor* const* params, at::Tensor* const* momenta, size_t count, double lr,
                  double weight_decay, double momentum, double dampening, bool nesterov, bool first,
                  const at::Tensor* found) {
  return guarded([&] {
    at::NoGradGuard no_grad;
    auto weights = list(params, count);
    auto buffers = momentum == 0.0 ? std::vector<at::Tensor>() : list(momenta, count);
    at::_fused_sgd_(weights, gradients(weights), buffers, weight_decay, momentum, lr, dampening,
                    nesterov, /*maximize=*/false, first, /*grad_scale=*/{}, optional(found));
  });
}

char* resweep_adam(at::Tensor* const* params, at::Tensor* const* averages,
                   at::Tensor* const* squares, at::Tensor* const* steps, size_t count, double lr,
                   double beta1, double beta2, double weight_decay, double eps, bool decoupled,
                   const at::Tensor* found) {
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
                        eps, /*amsgrad=*/false, /*maximize=*/false, /*grad_scale=*/{},
                        optional(found));
    } else {
      at::_fused_adam_(weights, grads, means, second, {}, counts, lr, beta1, beta2, weight_decay,
                       eps, /*amsgrad=*/false, /*maximize=*/false, /*grad_scale=*/{},
                       optional(found));
    }
    if (found != nullptr) at::_foreach_sub_(counts, std::vector<at::Tensor>(count, *found));
  });
}

// The constants of the steps below, as in src/shim/steps.rs.
struct RmsProp {
  double lr, alpha, eps, weight_decay, momentum;
};

struct Lion {
  double lr, beta1, beta2, weight_decay;
};

struct Muon {
  double lr, momentum, weight_decay;
  int64_t steps;
  bool nesterov, half, match_adamw, normalize;
};

// torch.optim.RMSprop; `averages` null where it is not centred, `momenta` where it has no momentum.
char* resweep_rmsprop(at::Tensor* const* params, at::Tensor* const* squares,
                      at::Tensor* const* averages, at::Tensor* const* momenta, size_t count,
                      const RmsProp* step) {
  return guarded([&] {
    at::NoGradGuard no_grad;
    auto weights = list(params, count);
    auto second = list(squares, count);
    auto grads = gradients(weights);
    if (step->weight_decay != 0) grads = at::_foreach_add(grads, weights, step->weight_decay);
    at::_foreach_mul_(second, at::Scalar(step->alpha));
    at::_foreach_addcmul_(second, grads, grads, at::Scalar(1 - step->alpha));
    std::vector<at::Tensor> roots;
    if (averages != nullptr) {
      auto means = list(averages, count);
      at::_foreach_lerp_(means, grads, at::Scalar(1 - step->alpha));
      roots = at::_foreach_addcmul(second, means, means, at::Scalar(-1));
      at::_foreach_sqrt_(roots);
    } else {
      roots = at::_foreach_sqrt(second);
    }
    at::_foreach_add_(roots, at::Scalar(step->eps));
    if (momenta != nullptr) {
      auto buffers = list(momenta, count);
      at::_foreach_mul_(buffers, at::Scalar(step->momentum));
      at::_foreach_addcdiv_(buffers, grads, roots, at::Scalar(1));
      at::_foreach_add_(weights, buffers, -step->lr);
    } else {
      at::_foreach_addcdiv_(weights, grads, roots, at::Scalar(-step->lr));
    }
  });
}

// Chen et al. 2023, algorithm 2.
char* resweep_lion(at::Tensor* const* params, at::Tensor* const* averages, size_t count,
                   const Lion* step) {
  return guarded([&] {
    at::NoGradGuard no_grad;
    auto weights = list(params, count);
    auto means = list(averages, count);
    auto grads = gradients(weights);
    auto updates = at::_foreach_lerp(means, grads, at::Scalar(1 - step->beta1));
    at::_foreach_sign_(updates);
    if (step->weight_decay != 0) {
      at::_foreach_mul_(weights, at::Scalar(1 - step->lr * step->weight_decay));
    }
    at::_foreach_add_(weights, updates, -step->lr);
    at::_foreach_lerp_(means, grads, at::Scalar(1 - step->beta2));
  });
}

// torch.optim.Muon on kernels flattened to [out, in * height * width], and on matrices.
char* resweep_muon(at::Tensor* const* params, at::Tensor* const* momenta, size_t count,
                   const Muon* step) {
  return guarded([&] {
    at::NoGradGuard no_grad;
    auto weights = list(params, count);
    auto buffers = list(momenta, count);
    auto updates = gradients(weights);
    at::_foreach_lerp_(buffers, updates, at::Scalar(1 - step->momentum));
    updates = step->nesterov ? at::_foreach_lerp(updates, buffers, at::Scalar(step->momentum))
                             : buffers;
    for (size_t i = 0; i < count; ++i) {
      auto& weight = weights[i];
      const auto matrix = updates[i].reshape({weight.size(0), -1});
      const auto update = orthogonal(matrix, step->steps, step->half);
      const auto rows = static_cast<double>(matrix.size(0));
      const auto columns = static_cast<double>(matrix.size(1));
      const auto scale = step->match_adamw ? 0.2 * std::sqrt(std::max(rows, columns))
                                           : std::sqrt(std::max(1.0, rows / columns));
      if (step->normalize) weight.mul_(weight.norm().reciprocal_().mul_(std::sqrt(rows)));
      if (step->weight_decay != 0) weight.mul_(1 - step->lr * step->weight_decay);
      weight.add_(update.reshape(weight.sizes()), -step->lr * scale);
    }
  });
}

// torch.nn.utils.clip_grad_norm_; the norm stays on the device.
char* resweep_clip(at::Tensor* const* params, size_t count, double most) {
  return guarded([&] {
    if (count == 0) return;
    at::NoGradGuard no_grad;
    auto grads = gradients(list(params, count));
    const auto norm = at::linalg_vector_norm(at::stack(at::_foreach_norm(grads, 2)), 2);
    at::_foreach_mul_(grads, at::reciprocal(norm + 1e-6).mul_(most).clamp_max_(1.0));
  });
}

// slow += weight * (fast - slow)
char* resweep_lerp(at::Tensor* const* slow, at::Tensor* const* fast, size_t count, double weight) {
  return guarded([&] {
    if (count == 0) return;
    at::NoGradGuard no_grad;
    at::_foreach_lerp_(list(slow, count), list(fast, count), at::Scalar(weight));
  });
}

char* resweep_copy(at::Tensor* const* to, at::Tensor* const* from, size_t count) {
  return guarded([&] {
    if (count == 0) return;
    at::NoGradGuard no_grad;
    at::_foreach_copy_(list(to, count), list(from, count));
  });
}

// Sets gradients free, so that the next backward pass writes instead of adding.
char* resweep_forget_gradients(at::Tensor* const* params, size_t count) {
  return guarded([&] {
    for (size_t i = 0; i < count; ++i) params[i]->mutable_grad().reset();
  });
}

}  // extern "C"
