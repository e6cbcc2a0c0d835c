// The images of a convolution as operands of a matrix product that is never written down: a row is an output pixel, its values are those
// under the window, in the order (ky, kx, c) of the weights.
#pragma once
#include "tile.cuh"

// Where three nested loops stand: flat = (high * middles + middle) * lows + low. It goes on by a fixed step without a division.
struct Counter {
  int low, middle, high;

  DEV static Counter at(u32 flat, int lows, int middles) {
    u32 outer = flat / max(lows, 1), high = outer / max(middles, 1);
    return {(int)(flat - outer * lows), (int)(outer - high * middles), (int)high};
  }

  // The same for a flat number of any size, where one turn of the outermost loop is less than 2^31.
  DEV static Counter at(i64 flat, int lows, int middles) {
    i64 turn = max((i64)lows * middles, 1ll), high = flat / turn;
    Counter c = at((u32)(flat - high * turn), lows, middles);
    c.high += (int)high;
    return c;
  }

  DEV void advance(const Counter& step, int lows, int middles) {
    low += step.low;
    middle += step.middle;
    high += step.high;
    if (low >= lows) {
      low -= lows;
      middle++;
    }
    if (middle >= middles) {
      middle -= middles;
      high++;
    }
  }
};

// Where a window stands: pixel (y, x) of the image, under its first tap, and how many values of the images precede it (which may be
// negative, and outside the image).
struct WindowPlace {
  i64 offset;
  int y, x;
  // No tap of this window is inside an image.
  DEV static WindowPlace nowhere() { return {0, -0x40000000, 0}; }
  DEV static WindowPlace of(int image, int y, int x, int height, int width, int channels) {
    return {(((i64)image * height + y) * width + x) * channels, y, x};
  }
};

// The rows of a block. Taps go right and down from the first one (Sign 1: a convolution) or left and up (-1: its data gradient).
template <class T, int Count, int Sign> struct WindowSource {
  typedef Tile<acc_t<T>, Count, true> S;
  const T* images;
  const WindowPlace* places;  // of the block's rows, in shared memory
  int height, width, channels, rows, columns;
  const Counter* step;        // a step of the sum as (c, kx, ky); in shared memory for the sake of registers
  Counter tap;
  bool wide;
  Transit<T, S> transit;

  DEV WindowSource(const T* images_, const WindowPlace* places_, int height_, int width_, int channels_, int rows_, int columns_,
                   const Counter* step_)
      : images(images_), places(places_), height(height_), width(width_), channels(channels_), rows(rows_), columns(columns_),
        step(step_), tap(Counter::at((u32)S::position(), channels_, columns_)), wide(chunk_aligned<T, S>(images_, channels_)) {}

  DEV void fetch(acc_t<T>* tile) {
#pragma unroll
    for (int pass = 0; pass < S::kPasses; pass++) {
      if (!S::owns(pass)) continue;
      WindowPlace place = places[S::line(pass)];
      Counter at = tap;
#pragma unroll 1
      for (int e = 0; e < S::kChunk; e++) {
        int down = Sign * at.high, right = Sign * at.middle;
        bool inside = at.high < rows && (u32)(place.y + down) < (u32)height && (u32)(place.x + right) < (u32)width;
        const T* from = images + place.offset + ((i64)down * width + right) * channels + at.low;
        // Channels in whole chunks: one tap is under all of it.
        if (wide) {
          transit.chunk(pass, S::slot(tile, pass), from, inside);
          break;
        }
        transit.value(pass, e, S::slot(tile, pass), from, inside);
        at.advance({1, 0, 0}, channels, columns);
      }
    }
  }

  DEV void advance() { tap.advance(*step, channels, columns); }
};
