// How a pixel of a convolution ends.
#pragma once
#include "prelude.cuh"

DEV float erf_of(float x) { return erff(x); }
DEV double erf_of(double x) { return erf(x); }

// How a pixel ends, as the launcher numbers it. NaN stays NaN.
enum { kNone, kRelu, kGelu, kGeluTanh, kSilu, kRelu6 };
template <class A> DEV A activated(int function, A v) {
  if (function == kGelu) return (A)0.5 * v * ((A)1 + erf_of(v * (A)0.70710678118654752));
  if (function == kGeluTanh || function == kSilu) {
    // As in elementwise.cu: x s(x), and x s(2u).
    A u = function == kSilu ? v : (A)1.5957691216057308 * v * fma_of(v * v, (A)0.044715, (A)1);
    A e = exp_of(-abs_of(u));
    return v * ((u < (A)0 ? e : (A)1) / ((A)1 + e));
  }
  if (function == kRelu6 && v > (A)6) return (A)6;
  return function != kNone && v < 0 ? 0 : v;
}
