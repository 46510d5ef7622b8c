// The memory of tensors on the CPU.
//
// A training step makes and frees the same large tensors in the same order, step after step. malloc
// puts small objects, which live on, into the holes that large tensors leave, and the next large one
// no longer fits: a step of a ResNet-18 then takes half as much memory again as its tensors. Here
// large tensors have a region of their own, in which neighbours that are free become one, and the
// smallest free piece that is large enough is taken, the lowest of these. What was in use once stays
// with the process until it is given back.

#include "shim.h"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <sys/mman.h>
#include <unistd.h>

#include <map>
#include <mutex>
#include <set>
#include <unordered_map>
#include <utility>

namespace {

// Smaller tensors are left to libtorch's own allocator.
constexpr size_t kLarge = 64 << 10;
// Pieces start at multiples of this, as libtorch's do.
constexpr size_t kAlignment = 64;
// Between pieces: tensors of one size would else lie the same distance within their pages, and what is
// read of one would wait for what is written to another.
constexpr size_t kGap = 3 * kAlignment;

// No more than the machine has: what does not fit is refused as ever, before it is used.
size_t memory_of_machine() {
  return static_cast<size_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

// A part of the address space, whose pieces are taken and given back.
class Region {
 public:
  Region() : room_(memory_of_machine()) {
    // Address space costs nothing until it is used.
    void* start = mmap(nullptr, room_, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    start_ = end_ = start == MAP_FAILED ? nullptr : static_cast<char*>(start);
  }

  // Whether the system has given the address space.
  bool exists() const { return start_ != nullptr; }

  // Null where there is no room.
  void* take(size_t bytes) {
    if (bytes > room_) return nullptr;
    const size_t size = (bytes + kAlignment - 1) / kAlignment * kAlignment + kGap;
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = by_size_.lower_bound({size, nullptr});
    char* piece = end_;
    if (found != by_size_.end()) {
      const auto [room, place] = *found;
      piece = place;
      remove(place, room);
      if (room > size) insert(place + size, room - size);
    } else {
      // A free piece at the end grows.
      if (const auto last = last_free(); last != free_.end()) {
        piece = last->first;
        remove(last->first, last->second);
      }
      if (size > room_ - static_cast<size_t>(piece - start_)) {
        if (piece < end_) insert(piece, end_ - piece);
        return nullptr;
      }
      end_ = piece + size;
    }
    taken_.emplace(piece, size);
    return piece;
  }

  // Whether the piece was one of this region.
  bool give(void* pointer) {
    char* piece = static_cast<char*>(pointer);
    if (piece < start_ || piece >= start_ + room_) return false;
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto taken = taken_.find(piece);
    size_t size = taken->second;
    taken_.erase(taken);
    const auto after = free_.find(piece + size);
    if (after != free_.end()) {
      size += after->second;
      remove(after->first, after->second);
    }
    auto before = free_.lower_bound(piece);
    if (before != free_.begin() && (--before)->first + before->second == piece) {
      piece = before->first;
      size += before->second;
      remove(before->first, before->second);
    }
    insert(piece, size);
    return true;
  }

  // Gives what is free back to the system.
  void release() {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    for (const auto& [place, size] : free_) {
      const auto first = (reinterpret_cast<size_t>(place) + page - 1) / page * page;
      const auto end = reinterpret_cast<size_t>(place + size) / page * page;
      if (first < end) madvise(reinterpret_cast<void*>(first), end - first, MADV_DONTNEED);
    }
  }

 private:
  void insert(char* place, size_t size) {
    free_.emplace(place, size);
    by_size_.emplace(size, place);
  }

  void remove(char* place, size_t size) {
    free_.erase(place);
    by_size_.erase({size, place});
  }

  // The free piece at the end of what was in use.
  std::map<char*, size_t>::iterator last_free() {
    if (free_.empty()) return free_.end();
    const auto last = std::prev(free_.end());
    return last->first + last->second == end_ ? last : free_.end();
  }

  std::mutex mutex_;
  size_t room_;
  // From the start to the end of what was in use.
  char *start_, *end_;
  std::map<char*, size_t> free_;
  std::set<std::pair<size_t, char*>> by_size_;
  std::unordered_map<char*, size_t> taken_;
};

// Never destroyed: tensors may outlive everything else.
Region& region() {
  static auto* const only = new Region();
  return *only;
}

c10::Allocator& default_allocator() {
  return *c10::GetDefaultCPUAllocator();
}

// All tensors of this allocator are given back alike, wherever they lie.
void give(void* pointer) {
  if (!region().give(pointer)) default_allocator().raw_deallocate(pointer);
}

struct Tensors : c10::Allocator {
  c10::DataPtr allocate(size_t bytes) override {
    void* piece = bytes < kLarge ? nullptr : region().take(bytes);
    if (piece == nullptr) piece = default_allocator().raw_allocate(bytes);
    return {piece, piece, &give, at::kCPU};
  }

  c10::DeleterFnPtr raw_deleter() const override { return &give; }

  void copy_data(void* to, const void* from, size_t bytes) const override {
    default_copy_data(to, from, bytes);
  }
};

}  // namespace

extern "C" {

// From here on large tensors come from the region; where the system refuses one, nothing changes.
char* resweep_keep_memory() {
  return guarded([] {
    if (region().exists()) c10::SetCPUAllocator(new Tensors(), /*priority=*/1);
  });
}

char* resweep_release_memory() {
  return guarded([] { region().release(); });
}

}  // extern "C"
