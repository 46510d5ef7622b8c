// CUDA graphs, streams, what the allocator of a GPU holds, and how long cuDNN searches.
//
// The program is not linked with libtorch's CUDA part, and is built without the headers of CUDA: the
// members of at::cuda::CUDAGraph are looked up by their names, which are those of libtorch 2.11.0, in
// the library that is loaded at the start where there is a GPU.

#include "shim.h"

#include <ATen/Context.h>
#include <ATen/DeviceAccelerator.h>
#include <c10/core/Stream.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <dlfcn.h>

#include <cstddef>
#include <new>
#include <utility>

namespace {

template <typename F>
void find(F& function, const char* name) {
  function = reinterpret_cast<F>(dlsym(RTLD_DEFAULT, name));
  TORCH_CHECK(function != nullptr, "this libtorch has no ", name);
}

// c10::MempoolId_t: what graphs allocate from.
using Pool = std::pair<unsigned long long, unsigned long long>;

// The members of at::cuda::CUDAGraph, as ATen/cuda/CUDAGraph.h declares them.
struct Members {
  void (*construct)(void* graph, bool keep_graph);
  void (*destroy)(void* graph);
  void (*begin)(void* graph, Pool pool, int mode);
  void (*end)(void* graph);
  void (*replay)(void* graph);
  Pool (*pool)(void* graph);

  Members() {
    find(construct, "_ZN2at4cuda9CUDAGraphC1Eb");
    find(destroy, "_ZN2at4cuda9CUDAGraphD1Ev");
    find(begin, "_ZN2at4cuda9CUDAGraph13capture_beginESt4pairIyyE21cudaStreamCaptureMode");
    find(end, "_ZN2at4cuda9CUDAGraph11capture_endEv");
    find(replay, "_ZN2at4cuda9CUDAGraph6replayEv");
    find(pool, "_ZN2at4cuda9CUDAGraph4poolEv");
  }
};

const Members& members() {
  static const Members found;
  return found;
}

// cudaStreamCaptureModeGlobal: the default of torch.cuda.graph.
constexpr int kGlobal = 0;

// Room for an at::cuda::CUDAGraph, which is a few hundred bytes, and lives here.
class Graph {
 public:
  Graph() { members().construct(object_, /*keep_graph=*/false); }
  ~Graph() { members().destroy(object_); }
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  // In the memory of `other`, where there is one.
  void begin(Graph* other) {
    members().begin(object_, other == nullptr ? Pool{0, 0} : members().pool(other->object_), kGlobal);
  }
  void end() { members().end(object_); }
  void replay() { members().replay(object_); }

 private:
  alignas(64) std::byte object_[4096];
};

c10::impl::VirtualGuardImpl gpu() { return {c10::DeviceType::CUDA}; }

// As in src/shim/graph.rs.
struct Held {
  int64_t allocated, reserved;
};

}  // namespace

extern "C" {

char* resweep_graph_new(Graph** graph) {
  return guarded([&] { *graph = new Graph(); });
}

char* resweep_graph_free(Graph* graph) {
  return guarded([&] { delete graph; });
}

// From here to the end, what is given to the stream in use is recorded and not done. What it computes on
// the way takes the memory of `other` again, which may be null.
char* resweep_graph_begin(Graph* graph, Graph* other) {
  return guarded([&] { graph->begin(other); });
}

char* resweep_graph_end(Graph* graph) {
  return guarded([&] { graph->end(); });
}

// On the stream in use.
char* resweep_graph_replay(Graph* graph) {
  return guarded([&] { graph->replay(); });
}

// Puts a stream of libtorch's pool into use in this thread; `before` becomes the one that was. Waits
// for the device, so that nothing on the one stream is in use on the other.
char* resweep_stream_enter(int device, c10::StreamData3* before) {
  return guarded([&] {
    const auto impl = gpu();
    const c10::Device on(c10::DeviceType::CUDA, static_cast<c10::DeviceIndex>(device));
    impl.synchronizeDevice(on.index());
    *before = impl.exchangeStream(impl.getStreamFromGlobalPool(on)).pack3();
  });
}

char* resweep_stream_leave(const c10::StreamData3* before) {
  return guarded([&] {
    const auto impl = gpu();
    impl.synchronizeDevice(before->device_index);
    impl.exchangeStream(
        c10::Stream::unpack3(before->stream_id, before->device_index, before->device_type));
  });
}

// What tensors take now, and what the allocator holds for them and others, bytes.
char* resweep_held(int device, Held* held) {
  return guarded([&] {
    const auto stats = at::accelerator::getDeviceStats(static_cast<c10::DeviceIndex>(device));
    const auto all = static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE);
    *held = {stats.allocated_bytes[all].current, stats.reserved_bytes[all].current};
  });
}

// The most that tensors took at one time since the last reset, which comes after.
char* resweep_peak_memory(int device, bool reset, int64_t* bytes) {
  return guarded([&] {
    auto index = static_cast<c10::DeviceIndex>(device);
    const auto stats = at::accelerator::getDeviceStats(index);
    *bytes = stats.allocated_bytes[static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE)].peak;
    if (reset) at::accelerator::resetPeakStats(index);
  });
}

// Gives back what the allocator of a GPU holds and nothing takes.
char* resweep_release_cached() {
  return guarded([&] { at::getDeviceAllocator(c10::DeviceType::CUDA)->emptyCache(); });
}

// How many algorithms of cuDNN are timed for a convolution of a new shape; 0 for all.
char* resweep_search_limit(int most) {
  return guarded([&] { at::globalContext().setBenchmarkLimitCuDNN(most); });
}

// Makes tensors the gradients of parameters.
char* resweep_set_gradients(at::Tensor* const* params, at::Tensor* const* grads, size_t count) {
  return guarded([&] {
    for (size_t i = 0; i < count; ++i) params[i]->mutable_grad() = *grads[i];
  });
}

}  // extern "C"
