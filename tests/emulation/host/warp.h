// The warp's collective operations, each as what the last lane to arrive does for all of them.
#pragma once
#include "machine.h"

namespace coh {
enum class Shuffle { Index, Xor, Down, Up };

template <class T> struct ShuffleArguments {
  T value, result;
  int argument, width;
};

template <class T, Shuffle Kind> struct ShuffleOperation {
  COH_UNCHECKED static int source(int lane, int argument, int width) {
    int first = lane & ~(width - 1), from = lane;
    switch (Kind) {
      case Shuffle::Index: return first + (argument & (width - 1));
      case Shuffle::Xor: from = lane ^ argument; break;
      case Shuffle::Down: from = lane + argument; break;
      case Shuffle::Up: from = lane - argument; break;
    }
    // Out of the segment: the lane keeps its own value. Xor may read an earlier segment.
    return from >= first + width || (from < first && Kind == Shuffle::Up) ? lane : from;
  }

  COH_UNCHECKED static void complete(void** arguments, unsigned mask) {
    for (int lane = 0; lane < 32; lane++) {
      if (!(mask >> lane & 1)) continue;
      auto* own = static_cast<ShuffleArguments<T>*>(arguments[lane]);
      int from = source(lane, own->argument, own->width);
      if (mask >> from & 1) own->result = static_cast<ShuffleArguments<T>*>(arguments[from])->value;
      else report("lane %d shuffles from lane %d, which is not in the mask %08x", lane, from, mask);
    }
  }
};

template <Shuffle Kind, class T> COH_UNCHECKED inline T shuffle(unsigned mask, T value, int argument, int width, const char* file, int line) {
  ShuffleArguments<T> own{value, value, argument, width};
  warp_collective(mask, &own, &ShuffleOperation<T, Kind>::complete, false, file, line);
  return own.result;
}

struct BallotArguments {
  bool predicate;
  unsigned result;
};
COH_UNCHECKED inline void complete_ballot(void** arguments, unsigned mask) {
  unsigned result = 0;
  for (int lane = 0; lane < 32; lane++)
    if (mask >> lane & 1 && static_cast<BallotArguments*>(arguments[lane])->predicate) result |= 1u << lane;
  for (int lane = 0; lane < 32; lane++)
    if (mask >> lane & 1) static_cast<BallotArguments*>(arguments[lane])->result = result;
}
COH_UNCHECKED inline unsigned ballot(unsigned mask, bool predicate, const char* file, int line) {
  BallotArguments own{predicate, 0};
  warp_collective(mask, &own, &complete_ballot, false, file, line);
  return own.result;
}
COH_UNCHECKED inline void complete_nothing(void**, unsigned) {}
}  // namespace coh

template <class T> inline T __shfl_sync(unsigned mask, T value, int lane, int width = 32, COH_LOC) {
  return coh::shuffle<coh::Shuffle::Index>(mask, value, lane, width, file, line);
}
template <class T> inline T __shfl_xor_sync(unsigned mask, T value, int lane_mask, int width = 32, COH_LOC) {
  return coh::shuffle<coh::Shuffle::Xor>(mask, value, lane_mask, width, file, line);
}
template <class T> inline T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32, COH_LOC) {
  return coh::shuffle<coh::Shuffle::Down>(mask, value, static_cast<int>(delta), width, file, line);
}
template <class T> inline T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32, COH_LOC) {
  return coh::shuffle<coh::Shuffle::Up>(mask, value, static_cast<int>(delta), width, file, line);
}
inline unsigned __ballot_sync(unsigned mask, int predicate, COH_LOC) { return coh::ballot(mask, predicate != 0, file, line); }
inline int __any_sync(unsigned mask, int predicate, COH_LOC) { return coh::ballot(mask, predicate != 0, file, line) != 0; }
inline int __all_sync(unsigned mask, int predicate, COH_LOC) { return coh::ballot(mask, predicate == 0, file, line) == 0; }
inline void __syncwarp(unsigned mask = 0xffffffffu, COH_LOC) {
  coh::warp_collective(mask, nullptr, &coh::complete_nothing, true, file, line);
}
