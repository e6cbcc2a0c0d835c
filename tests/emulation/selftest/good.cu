// Kernels that are right: what they show is the machine.
#include "prelude.cuh"

// order[k]: the thread that came k-th, first through the beginning of the kernel and then through a barrier.
KERNEL(256) arrival_i32(int* counter, int* order, int count) {
  int thread = (int)thread_index();
  if (thread < count) order[atomicAdd(counter, 1)] = thread;
}
KERNEL_EXPORT(arrival_i32)

// As arrival, but all come through a barrier and a shuffle first.
KERNEL(256) departure_i32(int* counter, int* order) {
  int thread = (int)thread_index();
  __syncthreads();
  int value = __shfl_xor_sync(kAllLanes, thread, 1) ^ 1;
  order[atomicAdd(counter, 1)] = value;
}
KERNEL_EXPORT(departure_i32)

// Each block adds what the block before it wrote in the round before.
KERNEL(64) relay_i32(u32* arrived, int* cells, int rounds) {
  SMEM(int, seen, [1]);
  for (int round = 0; round < rounds; round++) {
    int from = (int)((blockIdx.x + gridDim.x - 1) % gridDim.x);
    if (threadIdx.x == 0) seen[0] = cells[from];
    grid_sync(arrived);
    if (threadIdx.x == blockDim.x - 1) cells[blockIdx.x] += seen[0];
    grid_sync(arrived);
  }
}
KERNEL_EXPORT(relay_i32)

struct Affine {
  float scale, offset;
  i64 count;
};
KERNEL(128) affine_f32(const float* x, float* y, Affine affine) {
  for (i64 i = thread_index(); i < affine.count; i += thread_count()) y[i] = fmaf(x[i], affine.scale, affine.offset);
}
KERNEL_EXPORT(affine_f32)

KERNEL(64) staged_f32(const float* x, float* y, int wait) {
  SMEM(float, stage, [64]);
  cp_async4(&stage[threadIdx.x], &x[threadIdx.x]);
  cp_async_commit();
  if (wait) cp_async_wait<0>();
  __syncthreads();
  y[threadIdx.x] = stage[63 - threadIdx.x];
  __syncthreads();
  cp_async_wait<0>();
}
KERNEL_EXPORT(staged_f32)

KERNEL(128) votes_i32(int* out, int threshold) {
  int mine = (int)threadIdx.x < threshold;
  int count = __syncthreads_count(mine), any = __syncthreads_or(mine), all = __syncthreads_and(mine);
  u32 ballot = __ballot_sync(kAllLanes, mine);
  if (threadIdx.x == 0) out[0] = count, out[1] = any, out[2] = all, out[3] = (int)ballot;
}
KERNEL_EXPORT(votes_i32)

KERNEL(1024) dynamic_f32(float* y, int count) {
  SMEM_DYN(float, values);
  for (int i = threadIdx.x; i < count; i += blockDim.x) values[i] = (float)i;
  __syncthreads();
  for (int i = threadIdx.x; i < count; i += blockDim.x) y[i] = values[count - 1 - i];
}
KERNEL_EXPORT(dynamic_f32)
