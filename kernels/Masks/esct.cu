#include "prelude.cuh"

// ESC-T on cached features: an epoch is one cooperative launch. With A = U o M, logits are W A (A^T z) + b; of the rows that are
// predicted right ("hits", h of them) the mean of -CE is descended: dL/dM = U o [Z^T (G B) + W^T (G^T T)], where T = Z A, B = W A and
// G = -(softmax - onehot) / h on hits, 0 elsewhere. M stays in [0, 1].
//
// A block owns a slab of columns of U and M and keeps it in shared memory for the whole epoch. T, B and the products with them need
// no other block; the logits are sums over all blocks, taken in their order.
// budget: esct_epoch=128 esct_threshold=32

constexpr int kThreads = 256, kWarps = kThreads / 32;

// Columns of a group (a float4) and rows that a warp takes at a time.
constexpr int kGroup = 4, kRows = 4;

struct EpochArguments {
  const float* z;        // [n, d]
  const int* labels;     // [n], in [0, classes)
  const int* order;      // [ordered]: the rows of the epoch's steps, in [0, n)
  const float* u;        // [d, r]
  float* m;              // [d, r]
  const float* w;        // [classes, d]
  const float* bias;     // [classes]
  float* partial;        // [blocks, panel, classes]
  float* slope;          // [batch, classes]: softmax - onehot on hits
  int* hit;              // [batch]
  float* head;           // [classes, d]: W A A^T
  float* outside;        // [blocks, 2, batch + classes, width]: the coordinates, where they do not fit shared memory; else null
  int* result;           // hits after the epoch, steps that changed M
  u32* barrier;
  i64 n, ordered;
  int d, r, classes, batch, panel, groups;
  float rate;
};

// What a block holds; widths in groups of four columns.
struct Slab {
  float4* u;     // [groups, d]
  float4* m;     // [groups, d]
  float* t;      // [batch, width]: T, here or outside
  float* b;      // [classes, width]: B
  float* dt;     // [batch, width]: G B
  float* db;     // [classes, width]: G^T T
  float* line;   // [classes]: the logits of one row
  float* sums;   // [threads]
  float* scratch;// [32]
  int* rows;     // [batch]
  int d, groups, width;
};

DEV float4 masked(const Slab& s, int at) {
  float4 u = s.u[at], m = s.m[at];
  return make_float4(u.x * m.x, u.y * m.y, u.z * m.z, u.w * m.w);
}

// out: [count, width] = X A for rows x of X, which are rows of 'x', picked by 'rows' where that is not null.
DEV void project(const Slab& s, const float* x, const int* rows, int count, float* out) {
  int lane = threadIdx.x & 31;
  for (int item = threadIdx.x >> 5; item < (count + kRows - 1) / kRows * s.groups; item += kWarps) {
    int g = item % s.groups, first = item / s.groups * kRows;
    const float* p[kRows];
#pragma unroll
    for (int q = 0; q < kRows; q++) {
      int row = min(first + q, count - 1);
      p[q] = x + (i64)(rows ? rows[row] : row) * s.d;
    }
    float sum[kRows][kGroup] = {};
#pragma unroll 2
    for (int i = lane; i < s.d; i += 32) {
      float4 a = masked(s, g * s.d + i);
#pragma unroll
      for (int q = 0; q < kRows; q++) {
        float v = p[q][i];
        sum[q][0] += v * a.x;
        sum[q][1] += v * a.y;
        sum[q][2] += v * a.z;
        sum[q][3] += v * a.w;
      }
    }
#pragma unroll
    for (int q = 0; q < kRows; q++)
#pragma unroll
      for (int c = 0; c < kGroup; c++) {
        float v = warp_sum(sum[q][c]);
        if (lane == 0 && first + q < count) out[(first + q) * s.width + g * kGroup + c] = v;
      }
  }
}

// This block's share of line 'b' of the partial sums: [panel, classes] of x [rows, width] times B^T.
DEV void share(const EpochArguments& a, const Slab& s, const float* x, int rows) {
  float* mine = a.partial + (i64)blockIdx.x * a.panel * a.classes;
  for (int e = threadIdx.x; e < rows * a.classes; e += kThreads) {
    int row = e / a.classes, c = e - row * a.classes;
    float sum = 0;
    for (int j = 0; j < s.width; j++) sum += x[row * s.width + j] * s.b[c * s.width + j];
    mine[e] = sum;
  }
}

// The same for rows 'first' and on of A itself, which lie transposed in groups.
DEV void share_of_basis(const EpochArguments& a, const Slab& s, int first, int rows) {
  float* mine = a.partial + (i64)blockIdx.x * a.panel * a.classes;
  for (int e = threadIdx.x; e < rows * a.classes; e += kThreads) {
    int row = e / a.classes, c = e - row * a.classes;
    float sum = 0;
    for (int g = 0; g < s.groups; g++) {
      float4 v = masked(s, g * s.d + first + row);
      const float* b = s.b + (c * s.width + g * kGroup);
      sum += v.x * b[0];
      sum += v.y * b[1];
      sum += v.z * b[2];
      sum += v.w * b[3];
    }
    mine[e] = sum;
  }
}

// The sum over all blocks of one line of the partial sums, into s.line. Neighbouring threads take neighbouring classes; where there
// are few of them, teams of threads share the blocks.
DEV void sum_line(const EpochArguments& a, const Slab& s, int row) {
  int width = min(a.classes, kThreads), teams = kThreads / width, c = threadIdx.x % width, team = threadIdx.x / width;
  i64 stride = (i64)a.panel * a.classes;
  for (int first = 0; first < a.classes; first += width) {
    bool mine = first + c < a.classes && team < teams;
    float sum = 0;
    if (mine) {
      const float* p = a.partial + (i64)row * a.classes + first + c;
#pragma unroll 4
      for (int b = team; b < (int)gridDim.x; b += teams) sum += p[b * stride];
    }
    __syncthreads();
    s.sums[threadIdx.x] = sum;
    __syncthreads();
    if (mine && team == 0) {
      for (int t = 1; t < teams; t++) sum += s.sums[t * width + c];
      s.line[first + c] = sum;
    }
  }
  __syncthreads();
}

// Of the logits in s.line: whether the label wins (of equals the lowest index), and then softmax - onehot.
DEV void slope_of_line(const EpochArguments& a, const Slab& s, int row) {
  int label = a.labels[s.rows[row]];
  for (int c = threadIdx.x; c < a.classes; c += kThreads) s.line[c] += a.bias[c];
  __syncthreads();
  float own = s.line[label], largest = own;
  int beaten = own == own ? 0 : 1;
  for (int c = threadIdx.x; c < a.classes; c += kThreads) {
    float v = s.line[c];
    if (v > own || (v == own && c < label)) beaten = 1;
    largest = max_nan(largest, v);
  }
  bool hit = block_sum(beaten, reinterpret_cast<int*>(s.scratch)) == 0;
  float total = 0;
  if (hit) {
    largest = block_max(largest, s.scratch);
    for (int c = threadIdx.x; c < a.classes; c += kThreads) total += expf(s.line[c] - largest);
    total = block_sum(total, s.scratch);
  }
  for (int c = threadIdx.x; c < a.classes; c += kThreads)
    a.slope[(i64)row * a.classes + c] = hit ? expf(s.line[c] - largest) / total - (c == label ? 1.0f : 0.0f) : 0.0f;
  if (threadIdx.x == 0) a.hit[row] = hit;
  __syncthreads();
}

// dT = G B and dB = G^T T.
DEV void back_to_coordinates(const EpochArguments& a, const Slab& s, int rows, float scale) {
  for (int e = threadIdx.x; e < rows * s.width; e += kThreads) {
    int row = e / s.width, j = e - row * s.width;
    const float* g = a.slope + (i64)row * a.classes;
    float sum = 0;
    for (int c = 0; c < a.classes; c++) sum += g[c] * s.b[c * s.width + j];
    s.dt[e] = scale * sum;
  }
  for (int e = threadIdx.x; e < a.classes * s.width; e += kThreads) {
    int c = e / s.width, j = e - c * s.width;
    float sum = 0;
    for (int row = 0; row < rows; row++) sum += a.slope[(i64)row * a.classes + c] * s.t[row * s.width + j];
    s.db[e] = scale * sum;
  }
}

DEV float descended(float m, float u, float slope, float rate) { return fminf(fmaxf(m - rate * u * slope, 0.0f), 1.0f); }

// M -= rate U o (Z^T dT + W^T dB), a thread a row of the slab.
DEV void descend(const EpochArguments& a, const Slab& s, int rows) {
  for (int e = threadIdx.x; e < s.groups * s.d; e += kThreads) {
    int g = e / s.d, i = e - g * s.d;
    float4 sum = make_float4(0, 0, 0, 0);
#pragma unroll 8
    for (int row = 0; row < rows; row++) {
      float v = a.z[(i64)s.rows[row] * s.d + i];
      const float* t = s.dt + (row * s.width + g * kGroup);
      sum.x += v * t[0];
      sum.y += v * t[1];
      sum.z += v * t[2];
      sum.w += v * t[3];
    }
#pragma unroll 8
    for (int c = 0; c < a.classes; c++) {
      float v = a.w[(i64)c * s.d + i];
      const float* b = s.db + (c * s.width + g * kGroup);
      sum.x += v * b[0];
      sum.y += v * b[1];
      sum.z += v * b[2];
      sum.w += v * b[3];
    }
    float4 u = s.u[e], m = s.m[e];
    s.m[e] = make_float4(
        descended(m.x, u.x, sum.x, a.rate), descended(m.y, u.y, sum.y, a.rate), descended(m.z, u.z, sum.z, a.rate), descended(m.w, u.w, sum.w, a.rate));
  }
}

// One step of gradient descent on the batch s.rows. What every block decides, it decides from the same numbers.
DEV void step(const EpochArguments& a, const Slab& s, int rows) {
  project(s, a.z, s.rows, rows, s.t);
  project(s, a.w, nullptr, a.classes, s.b);
  __syncthreads();
  share(a, s, s.t, rows);
  grid_sync(a.barrier);
  for (int row = blockIdx.x; row < rows; row += gridDim.x) {
    sum_line(a, s, row);
    slope_of_line(a, s, row);
  }
  grid_sync(a.barrier);
  int hits = 0;
  for (int row = threadIdx.x; row < rows; row += kThreads) hits += a.hit[row];
  hits = block_sum(hits, reinterpret_cast<int*>(s.scratch));
  if (hits == 0) return;
  back_to_coordinates(a, s, rows, -1.0f / (float)hits);
  __syncthreads();
  descend(a, s, rows);
  if (blockIdx.x == 0 && threadIdx.x == 0) a.result[1]++;
}

// head = W A A^T, a panel of features at a time.
DEV void project_head(const EpochArguments& a, const Slab& s) {
  project(s, a.w, nullptr, a.classes, s.b);
  __syncthreads();
  for (int first = 0; first < s.d; first += a.panel) {
    int rows = min(a.panel, s.d - first);
    share_of_basis(a, s, first, rows);
    grid_sync(a.barrier);
    for (int row = blockIdx.x; row < rows; row += gridDim.x) {
      sum_line(a, s, row);
      for (int c = threadIdx.x; c < a.classes; c += kThreads) a.head[(i64)c * s.d + first + row] = s.line[c];
    }
    grid_sync(a.barrier);
  }
}

// How many of all rows are predicted right, a warp four rows.
DEV void count_hits(const EpochArguments& a) {
  int lane = threadIdx.x & 31, hits = 0;
  i64 warp = thread_index() / 32, warps = thread_count() / 32;
  for (i64 first = warp * kRows; first < a.n; first += warps * kRows) {
    const float* z[kRows];
    float best[kRows];
    int where[kRows];
#pragma unroll
    for (int q = 0; q < kRows; q++) {
      z[q] = a.z + min(first + q, a.n - 1) * a.d;
      best[q] = -infinity<float>();
      where[q] = -1;
    }
    for (int c = 0; c < a.classes; c += kGroup) {
      const float* h[kGroup];
#pragma unroll
      for (int j = 0; j < kGroup; j++) h[j] = a.head + (i64)min(c + j, a.classes - 1) * a.d;
      float sum[kRows][kGroup] = {};
      for (int i = lane; i < a.d; i += 32) {
        float v[kGroup];
#pragma unroll
        for (int j = 0; j < kGroup; j++) v[j] = h[j][i];
#pragma unroll
        for (int q = 0; q < kRows; q++) {
          float x = z[q][i];
#pragma unroll
          for (int j = 0; j < kGroup; j++) sum[q][j] += x * v[j];
        }
      }
#pragma unroll
      for (int q = 0; q < kRows; q++)
#pragma unroll
        for (int j = 0; j < kGroup; j++) {
          float logit = warp_sum(sum[q][j]);
          if (c + j < a.classes) {
            logit += a.bias[c + j];
            if (logit > best[q]) {
              best[q] = logit;
              where[q] = c + j;
            }
          }
        }
    }
#pragma unroll
    for (int q = 0; q < kRows; q++)
      if (first + q < a.n && where[q] == a.labels[first + q]) hits++;
  }
  if (lane == 0 && hits > 0) atomicAdd(a.result, hits);
}

// Descends over the rows of 'order', batch by batch, then counts the hits of all rows with the mask as it is then (soft). An empty
// order counts alone. All blocks must be resident.
// Two blocks of a multiprocessor in its registers: left to itself, NVRTC plans for three on sm_90 and spills.
extern "C" __global__ void __launch_bounds__(kThreads, 2) esct_epoch_f32(EpochArguments a) {
  SMEM_DYN(float4, shared);
  Slab s;
  s.d = a.d;
  s.groups = a.groups;
  s.width = a.groups * kGroup;
  s.u = shared;
  s.m = s.u + (i64)s.groups * s.d;
  float* behind = reinterpret_cast<float*>(s.m + (i64)s.groups * s.d);
  i64 coordinates = (i64)(a.batch + a.classes) * s.width;
  s.t = a.outside ? a.outside + (i64)blockIdx.x * 2 * coordinates : behind;
  s.b = s.t + (i64)a.batch * s.width;
  s.dt = s.t + coordinates;
  s.db = s.b + coordinates;
  s.line = a.outside ? behind : behind + 2 * coordinates;
  s.sums = s.line + a.classes;
  s.scratch = s.sums + kThreads;
  s.rows = reinterpret_cast<int*>(s.scratch + 32);

  // Columns beyond the last are zero in U and stay without effect.
  float* u = reinterpret_cast<float*>(s.u);
  float* m = reinterpret_cast<float*>(s.m);
  int column = blockIdx.x * s.width;
  for (int e = threadIdx.x; e < s.d * s.width; e += kThreads) {
    int i = e / s.width, j = e - i * s.width, at = (j / kGroup * s.d + i) * kGroup + j % kGroup;
    bool real = column + j < a.r;
    u[at] = real ? a.u[(i64)i * a.r + column + j] : 0.0f;
    m[at] = real ? a.m[(i64)i * a.r + column + j] : 0.0f;
  }
  if (blockIdx.x == 0 && threadIdx.x < 2) a.result[threadIdx.x] = 0;

  for (i64 first = 0; first < a.ordered; first += a.batch) {
    int rows = (int)min((i64)a.batch, a.ordered - first);
    __syncthreads();
    for (int row = threadIdx.x; row < rows; row += kThreads) s.rows[row] = a.order[first + row];
    __syncthreads();
    step(a, s, rows);
  }
  __syncthreads();
  project_head(a, s);
  count_hits(a);
  for (int e = threadIdx.x; e < s.d * s.width; e += kThreads) {
    int i = e / s.width, j = e - i * s.width;
    if (column + j < a.r) a.m[(i64)i * a.r + column + j] = m[(j / kGroup * s.d + i) * kGroup + j % kGroup];
  }
}
KERNEL_EXPORT(esct_epoch_f32)

// kept = m > tau, strictly
KERNEL(256) esct_threshold_f32(const float* m, float tau, u8* kept, i64 count) {
  for (i64 i = thread_index(); i < count; i += thread_count()) kept[i] = m[i] > tau;
}
KERNEL_EXPORT(esct_threshold_f32)
