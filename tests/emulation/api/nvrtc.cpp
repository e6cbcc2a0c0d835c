// The emulated NVRTC knows the kernel files that were compiled for the host, and no other source.
#include <cstring>
#include <dirent.h>
#include <fstream>
#include <map>
#include <sstream>

#include "driver.h"
#include "image.h"

namespace api {
uint64_t checksum(const void* data, size_t size) {  // FNV-1a
  uint64_t sum = 0xcbf29ce484222325ull;
  for (size_t i = 0; i < size; i++) sum = (sum ^ static_cast<const unsigned char*>(data)[i]) * 0x100000001b3ull;
  return sum;
}

Image make_image(const std::string& file, int major, int minor, uint64_t source) {
  Image image = {};
  memcpy(image.magic, kImageMagic, 4);
  memcpy(image.mark, kImageMark, sizeof kImageMark);
  strncpy(image.file, file.c_str(), sizeof image.file - 1);
  image.major = major;
  image.minor = minor;
  image.source = source;
  image.checksum = checksum(&image, offsetof(Image, checksum));
  return image;
}

bool is_image(const Image& image) { return image.checksum == checksum(&image, offsetof(Image, checksum)); }

namespace {
enum { kSuccess, kOutOfMemory, kCreationFailure, kInvalidInput, kInvalidProgram, kInvalidOption, kCompilation, kBuiltinFailure, kInternal = 11 };
const int kArchitectures[] = {50, 52, 53, 60, 61, 62, 70, 72, 75, 80, 86, 87, 89, 90};

struct Program {
  std::string source, name, log, ptx;
  std::map<std::string, std::string> headers;
  std::string cubin;
};
std::set<Program*> programs;

bool read(const std::string& path, std::string& text) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream all;
  all << file.rdbuf();
  text = all.str();
  return file.good();
}

// The file in OUT/sources that is this source, byte for byte.
std::string find_source(const std::string& source) {
  std::string folder = library_folder() + "/sources", found;
  DIR* list = opendir(folder.c_str());
  if (list == nullptr) return found;
  while (dirent* entry = readdir(list)) {
    std::string name = entry->d_name, text;
    if (name.size() > 3 && name.substr(name.size() - 3) == ".cu" && read(folder + "/" + name, text) && text == source) found = name.substr(0, name.size() - 3);
  }
  closedir(list);
  return found;
}

// A known architecture of --gpu-architecture=sm_XX or compute_XX; 'a' variants name features that are not emulated.
bool parse_architecture(const std::string& value, int& number, bool& virtual_one) {
  virtual_one = value.rfind("compute_", 0) == 0;
  if (!virtual_one && value.rfind("sm_", 0) != 0) return false;
  std::string digits = value.substr(virtual_one ? 8 : 3);
  for (int known : kArchitectures)
    if (std::to_string(known) == digits) return number = known, true;
  return false;
}

bool is_known_option(const std::string& option) {
  static const char* const known[] = {"--std=", "-std=", "-default-device", "--device-as-default-execution-space", "--ptxas-options=", "-I", "--include-path=",
                                      "-D", "--define-macro=", "-lineinfo", "--generate-line-info", "--fmad=", "-fmad=", "--use_fast_math", "--ftz=", "--prec-",
                                      "--maxrregcount=", "--disable-warnings", "-w", "--restrict", "--extra-device-vectorization", "--diag-suppress="};
  for (const char* prefix : known)
    if (option.rfind(prefix, 0) == 0) return true;
  return false;
}

CUresult compile(Program& program, int count, const char* const* options) {
  program.log.clear();
  program.cubin.clear();
  program.ptx.clear();
  int number = 52;
  bool virtual_one = true;
  for (int i = 0; i < count; i++) {
    std::string option = options[i];
    for (const char* prefix : {"--gpu-architecture=", "-arch="})
      if (option.rfind(prefix, 0) == 0) {
        if (!parse_architecture(option.substr(strlen(prefix)), number, virtual_one)) {
          program.log = "nvrtc: error: invalid value for --gpu-architecture (-arch)\n";
          return kInvalidOption;
        }
        option.clear();
        break;
      }
    if (!option.empty() && !is_known_option(option)) {
      program.log = "nvrtc: error: unrecognized option " + option + " found\n";
      return kInvalidOption;
    }
  }
  std::string file = find_source(program.source), all = program.source;
  if (file.empty()) {
    program.log = program.name + ": error: the emulated NVRTC knows only the kernel files that tests/emulation/build.sh compiled for the host, and this is none of them\n";
    return kCompilation;
  }
  for (auto& [name, text] : program.headers) {
    std::string known;
    if (!read(library_folder() + "/sources/" + name, known) || known != text) {
      program.log = name + ": error: the header is not the one that tests/emulation/build.sh saw\n";
      return kCompilation;
    }
    all += text;
  }
  // Every header that the file includes must have been given, as NVRTC finds no other.
  std::istringstream lines(program.source);
  for (std::string line; std::getline(lines, line);) {
    size_t quote = line.rfind("#include \"", 0) == 0 ? 10 : std::string::npos;
    if (quote == std::string::npos) continue;
    std::string header = line.substr(quote, line.find('"', quote) - quote);
    if (program.headers.count(header) == 0) {
      program.log = program.name + "(1): catastrophic error: cannot open source file \"" + header + "\"\n";
      return kCompilation;
    }
  }
  Image image = make_image(file, number / 10, number % 10, checksum(all.data(), all.size()));
  if (!virtual_one) program.cubin.assign(reinterpret_cast<const char*>(&image), sizeof image);
  program.ptx = "// EscNative emulated PTX of " + file + "\n";
  return kSuccess;
}

int copy_out(const std::string& text, char* out, bool text_ends) {
  if (out == nullptr) return kInvalidInput;
  memcpy(out, text.data(), text.size());
  if (text_ends) out[text.size()] = 0;
  return kSuccess;
}
}  // namespace
}  // namespace api

using namespace api;
#define NVRTC_CALL(program)                                           \
  Call call(__func__, Call::Nothing);                                 \
  if (call.result() != 0) return call.result();                       \
  auto* self = static_cast<Program*>(program);                        \
  if (programs.count(self) == 0) return kInvalidProgram

EXPORT int nvrtcVersion(int* major, int* minor) {
  Call call(__func__, Call::Nothing);
  if (call.result() != 0) return call.result();
  if (major == nullptr || minor == nullptr) return kInvalidInput;
  *major = 12, *minor = 4;
  return kSuccess;
}

EXPORT int nvrtcGetNumSupportedArchs(int* count) {
  if (count == nullptr) return kInvalidInput;
  *count = static_cast<int>(std::size(kArchitectures));
  return kSuccess;
}

EXPORT int nvrtcGetSupportedArchs(int* list) {
  if (list == nullptr) return kInvalidInput;
  std::copy(std::begin(kArchitectures), std::end(kArchitectures), list);
  return kSuccess;
}

EXPORT const char* nvrtcGetErrorString(int result) {
  switch (result) {
    case kSuccess: return "NVRTC_SUCCESS";
    case kOutOfMemory: return "NVRTC_ERROR_OUT_OF_MEMORY";
    case kCreationFailure: return "NVRTC_ERROR_PROGRAM_CREATION_FAILURE";
    case kInvalidInput: return "NVRTC_ERROR_INVALID_INPUT";
    case kInvalidProgram: return "NVRTC_ERROR_INVALID_PROGRAM";
    case kInvalidOption: return "NVRTC_ERROR_INVALID_OPTION";
    case kCompilation: return "NVRTC_ERROR_COMPILATION";
    case kBuiltinFailure: return "NVRTC_ERROR_BUILTIN_OPERATION_FAILURE";
    case kInternal: return "NVRTC_ERROR_INTERNAL_ERROR";
    default: return "NVRTC_ERROR unknown";
  }
}

EXPORT int nvrtcCreateProgram(void** program, const char* source, const char* name, int headers, const char* const* header_texts, const char* const* header_names) {
  Call call(__func__, Call::Nothing);
  if (call.result() != 0) return call.result();
  if (program == nullptr || source == nullptr || headers < 0 || (headers > 0 && (header_texts == nullptr || header_names == nullptr))) return kInvalidInput;
  auto* made = new Program;
  made->source = source;
  made->name = name != nullptr ? name : "default_program";
  for (int i = 0; i < headers; i++) made->headers[header_names[i]] = header_texts[i];
  programs.insert(made);
  *program = made;
  return kSuccess;
}

EXPORT int nvrtcDestroyProgram(void** program) {
  if (program == nullptr) return kInvalidProgram;
  NVRTC_CALL(*program);
  programs.erase(self);
  delete self;
  *program = nullptr;
  return kSuccess;
}

EXPORT int nvrtcCompileProgram(void* program, int count, const char* const* options) {
  NVRTC_CALL(program);
  return compile(*self, count, options);
}

EXPORT int nvrtcGetCUBINSize(void* program, size_t* size) {
  NVRTC_CALL(program);
  return size == nullptr ? kInvalidInput : (*size = self->cubin.size(), kSuccess);
}
EXPORT int nvrtcGetCUBIN(void* program, char* cubin) {
  NVRTC_CALL(program);
  return copy_out(self->cubin, cubin, false);
}
EXPORT int nvrtcGetPTXSize(void* program, size_t* size) {
  NVRTC_CALL(program);
  return size == nullptr ? kInvalidInput : (*size = self->ptx.size() + 1, kSuccess);
}
EXPORT int nvrtcGetPTX(void* program, char* ptx) {
  NVRTC_CALL(program);
  return copy_out(self->ptx, ptx, true);
}
EXPORT int nvrtcGetProgramLogSize(void* program, size_t* size) {
  NVRTC_CALL(program);
  return size == nullptr ? kInvalidInput : (*size = self->log.size() + 1, kSuccess);
}
EXPORT int nvrtcGetProgramLog(void* program, char* log) {
  NVRTC_CALL(program);
  return copy_out(self->log, log, true);
}
