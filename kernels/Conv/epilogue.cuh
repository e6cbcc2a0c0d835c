// How a pixel of a convolution ends.
#pragma once
#include "prelude.cuh"

DEV float erf_of(float x) { return erff(x); }
DEV double erf_of(double x) { return erf(x); }

// How a pixel ends, as the launcher numbers it. NaN stays NaN.
enum { kNone, kRelu, kGelu };
template <class A> DEV A activated(int function, A v) {
  if (function == kGelu) return (A)0.5 * v * ((A)1 + erf_of(v * (A)0.70710678118654752));
  return function == kRelu && v < 0 ? 0 : v;
}
