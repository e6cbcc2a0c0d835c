// The cubin that the emulated NVRTC makes: it names a kernel file that was compiled for the host.
#pragma once
#include <cstdint>
#include <string>

namespace api {
struct Image {
  char magic[4];      // as of an ELF file
  char mark[28];
  char file[64];      // without .cu
  int32_t major, minor;
  uint64_t source;    // checksum of the file and its headers
  uint64_t checksum;  // of all before it
};
constexpr char kImageMagic[] = "\x7f" "ELF";
constexpr char kImageMark[] = "EscNative emulated cubin 1";

uint64_t checksum(const void* data, size_t size);
Image make_image(const std::string& file, int major, int minor, uint64_t source);
bool is_image(const Image& image);
}  // namespace api
