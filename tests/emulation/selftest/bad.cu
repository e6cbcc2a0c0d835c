// Kernels that are wrong, each in one way that the machine must report.
#include "prelude.cuh"

KERNEL(64) shared_race_i32(int* out) {
  SMEM(int, cell, [64]);
  cell[threadIdx.x] = 0;
  __syncthreads();
  cell[threadIdx.x] = (int)threadIdx.x;
  out[threadIdx.x] = cell[63 - threadIdx.x];
}
KERNEL_EXPORT(shared_race_i32)

// Within a warp too: a shuffle orders no memory.
KERNEL(32) warp_race_i32(int* out) {
  SMEM(int, cell, [32]);
  cell[threadIdx.x] = 0;
  __syncwarp();
  cell[threadIdx.x] = (int)threadIdx.x;
  int other = __shfl_xor_sync(kAllLanes, (int)threadIdx.x, 1);
  out[threadIdx.x] = cell[other];
}
KERNEL_EXPORT(warp_race_i32)

KERNEL(64) lost_update_i32(int* sum) { *sum += 1; }
KERNEL_EXPORT(lost_update_i32)

KERNEL(64) block_race_u8(u8* cells) {
  if (threadIdx.x == 0) cells[blockIdx.x] = 1;
  else if (threadIdx.x == 1) cells[(blockIdx.x + 1) % gridDim.x + gridDim.x] = cells[(blockIdx.x + 1) % gridDim.x];
}
KERNEL_EXPORT(block_race_u8)

KERNEL(64) write_past_u8(u8* cells, int past) { cells[thread_index() + past] = 1; }
KERNEL_EXPORT(write_past_u8)

KERNEL(64) read_past_f32(const float* x, float* y) {
  int i = (int)thread_index();
  y[i] = x[i + 1];
}
KERNEL_EXPORT(read_past_f32)

KERNEL(64) far_write_f32(float* x, i64 offset) { x[offset] = 1.0f; }
KERNEL_EXPORT(far_write_f32)

KERNEL(64) misaligned_f32(float* x) {
  auto* pack = (Pack<float, 4>*)(x + 1);
  *pack = {{1.0f, 2.0f, 3.0f, 4.0f}};
}
KERNEL_EXPORT(misaligned_f32)

KERNEL(64) shared_past_f32(float* y) {
  SMEM(float, cells, [8]);
  if (threadIdx.x < 9) cells[threadIdx.x] = 1.0f;
  __syncthreads();
  if (threadIdx.x == 0) y[0] = cells[0];
}
KERNEL_EXPORT(shared_past_f32)

KERNEL(64) unwritten_f32(float* y) {
  SMEM(float, cells, [64]);
  if (threadIdx.x > 0) cells[threadIdx.x] = 1.0f;
  __syncthreads();
  y[threadIdx.x] = cells[threadIdx.x];
}
KERNEL_EXPORT(unwritten_f32)

KERNEL(64) divergent_barrier_f32(float* y) {
  if (threadIdx.x < 32) {
    __syncthreads();
    y[threadIdx.x] = 1.0f;
  } else {
    y[threadIdx.x] = 2.0f;
    __syncthreads();
  }
}
KERNEL_EXPORT(divergent_barrier_f32)

KERNEL(64) early_return_f32(float* y) {
  if (threadIdx.x == 63) return;
  __syncthreads();
  y[threadIdx.x] = 1.0f;
}
KERNEL_EXPORT(early_return_f32)

KERNEL(64) divergent_shuffle_f32(float* y) {
  float v = (float)threadIdx.x;
  if (threadIdx.x < 16) v = __shfl_xor_sync(kAllLanes, v, 1);
  y[threadIdx.x] = v;
}
KERNEL_EXPORT(divergent_shuffle_f32)

KERNEL(64) deadlock_f32(float* y) {
  if (threadIdx.x % 32 < 16) __syncthreads();
  else __syncwarp();
  y[threadIdx.x] = 1.0f;
}
KERNEL_EXPORT(deadlock_f32)

KERNEL(64) deep_stack_f32(float* y) {
  volatile float local[1 << 16];
  for (int i = 0; i < (1 << 16); i += 512) local[i] = (float)i;
  y[threadIdx.x] = local[512];
}
KERNEL_EXPORT(deep_stack_f32)

KERNEL(64) unwaited_f32(const float* x) {
  SMEM(float, stage, [64]);
  cp_async4(&stage[threadIdx.x], &x[threadIdx.x]);
  cp_async_commit();
}
KERNEL_EXPORT(unwaited_f32)

// The wait of the issuing thread makes the data its own; the others need a barrier after it.
KERNEL(64) wait_without_barrier_f32(const float* x, float* y) {
  SMEM(float, stage, [64]);
  cp_async4(&stage[threadIdx.x], &x[threadIdx.x]);
  cp_async_commit();
  __syncthreads();
  cp_async_wait<0>();
  y[threadIdx.x] = stage[63 - threadIdx.x];
}
KERNEL_EXPORT(wait_without_barrier_f32)

KERNEL(64) grid_barrier_f32(u32* arrived, float* y) {
  grid_sync(arrived);
  y[threadIdx.x] = 1.0f;
}
KERNEL_EXPORT(grid_barrier_f32)

// The barrier between the blocks is missing.
KERNEL(64) relay_without_barrier_i32(int* cells) {
  if (threadIdx.x == 0) cells[blockIdx.x] += cells[(blockIdx.x + 1) % gridDim.x];
}
KERNEL_EXPORT(relay_without_barrier_i32)
