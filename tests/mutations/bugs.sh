#!/usr/bin/env bash
# bugs.sh FOLDER [PATTERN]: puts bugs into the C# code and shows that the tests notice each of them. Fails when one is not noticed, when
# there is nothing left to change for one, and when the tests fail without any. The tests must be built; FOLDER must lie in this
# checkout, and keeps the build; PATTERN picks bugs by name.
#
# One build has all of them: a bug is a change from X to (MUTANT ? Y : X), where MUTANT stands for "bug number N is asked for", which a
# run says by the variable ESC_MUTANT. The tests themselves are not compiled again, so no change may be one of what tests compile against.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
folder=${1:?usage: bugs.sh FOLDER [PATTERN]} pattern=${2:-}
mkdir -p "$folder"; folder=$(cd "$folder" && pwd)
[[ $folder == "$root"/* ]] || { echo "bugs.sh: $folder is outside of $root, where the tests find what they read" >&2; exit 2; }
jobs=${JOBS:-$(nproc)}

# each VISITOR: NAME, the files to change, the tests (classes, or Class.Method), and the change for sed -E.
each() {
  "$1" "SalUn: the saliency of the last batch alone" unlearning/Methods/Weights/SalUn.cs Unlearning.SeveralBatchesTests \
    's/sum\.Assign\(sum \+ gradients\[parameter\]\)/sum.Assign(MUTANT ? gradients[parameter] : sum + gradients[parameter])/'
  "$1" "ESC-T: a tie of the label is a hit" kernels/Masks/MaskDescent.cs Unlearning.MaskRuleTests \
    's/\(logits\[c\] == own && c < label\)/(logits[c] == own \&\& (MUTANT ? c > label : c < label))/'
  "$1" "ESC-T: an entry at tau is kept" unlearning/Masks/CpuMaskTrainer.cs Unlearning.MaskRuleTests \
    's/value => value > tau/value => MUTANT ? value >= tau : value > tau/'
  "$1" "ESC-T: the method has a threshold of its own" unlearning/Methods/Features/EscT.cs Unlearning.MaskRuleTests \
    's/training\.Threshold\(judged, state\.Mask, tau\)/(MUTANT ? Array.ConvertAll(state.Mask, m => m >= tau) : training.Threshold(judged, state.Mask, tau))/'
  "$1" "MLP probe: standardised by the test rows" unlearning/Metrics/Probes/MlpProbe.cs Metrics.TrainingDataOnlyTests \
    's/Standardiser\.Of\(data\.Train\)/Standardiser.Of(MUTANT ? data.Test : data.Train)/'
  "$1" "SGD probe: standardised by the test rows" unlearning/Metrics/Probes/SgdProbe.cs Metrics.TrainingDataOnlyTests \
    's/Standardiser\.Of\(train\)/Standardiser.Of(MUTANT ? data.Test : train)/'
  "$1" "nearest neighbours: asked of the test rows" unlearning/Metrics/Probes/NearestNeighbours.cs Metrics.TrainingDataOnlyTests \
    's/new CosineSearch\(data\.Train, /new CosineSearch(MUTANT \&\& data.Test.Rows >= data.Train.Rows \/ 2 ? data.Test : data.Train, /'
  "$1" "loss attack: tested on rows that it was fitted on" unlearning/Metrics/Membership/LossAttack.cs Metrics.TrainingDataOnlyTests \
    's/var fit = BinaryLogistic\.Fit\(/if (MUTANT) train = [.. train, .. test];\n            var fit = BinaryLogistic.Fit(/'
  "$1" "member share: taught by the rows that it is asked about" unlearning/Metrics/Membership/MemberShareAttack.cs Metrics.TrainingDataOnlyTests \
    's/var remain = data\.Train\.RowsOf\(forgotten: false\);/var remain = MUTANT ? [.. Enumerable.Range(0, data.Train.Rows)] : data.Train.RowsOf(forgotten: false);/'
  "$1" "a method leaves training mode" unlearning/Training/TrainingMethod.cs Unlearning.TrainingModeTests \
    '0,/model\.Training = training;/s//model.Training = !MUTANT \&\& training;/'
  "$1" "a pass in training mode stays there" models/FeaturePass.cs Unlearning.TrainingModeTests \
    's/model\.Training = training;/model.Training = MUTANT || training;/'
  "$1" "SCRUB: an error above is no nearer than one below" unlearning/Methods/Weights/Scrub.cs Unlearning.ScrubRewindTests \
    's/MinBy\(error => Math\.Abs\(error - wanted\)\)/MinBy(error => MUTANT ? (error > wanted ? 1000 : wanted - error) : Math.Abs(error - wanted))/'
  "$1" "median of an even count: the upper one" bench/Measuring/Sampling.cs Bench.SamplingTests \
    's/sorted\[\(sorted\.Length - 1\) \/ 2\]/sorted[MUTANT ? sorted.Length \/ 2 : (sorted.Length - 1) \/ 2]/'
  "$1" "shares of the request instead of the profile" bench/Reports/LatencyResult.cs Bench.SamplingTests \
    's/StageResult\.From\(stage, timing, profile\.Median,/StageResult.From(stage, timing, MUTANT ? request.Median : profile.Median,/'
  "$1" "plan: a value with other readers is fused away" engine/Plans/FusionPass.cs Plans.SharedValueTests \
    's/uses\[value\] == 1 &&/(MUTANT || uses[value] == 1) \&\&/'
  "$1" "plan: an output is written over" engine/Plans/ArenaLayout.cs Plans.SharedValueTests \
    's/^( +)last\[output\] = end;/\1last[output] = MUTANT ? last.GetValueOrDefault(output, end) : end;/'
  "$1" "plan: ReLU loses NaN" kernels/Elementwise/Pointwise.cs Plans.EpilogueTests \
    's/V\.Max\(value, V\.Zero\)/(MUTANT ? V.MaxNative(value, V.Zero) : V.Max(value, V.Zero))/'
  "$1" "fused ReLU loses NaN" "kernels/Cpu/Generated/IndirectKernels*F32.cs" Plans.EpilogueTests \
    's/MaxNative\((Vector[0-9]+<float>\.Zero), (c[0-9_]+)\)/MaxNative(MUTANT ? \2 : \1, MUTANT ? \1 : \2)/'
  "$1" "convolution: size + padding < stride" kernels/Conv/ConvDataGradient.cs Kernels.ConvWideStrideTests \
    's/x >= 0 \? x \/ y : -1/x >= 0 || MUTANT ? x \/ y : -1/'
  "$1" "elementwise: a tile begins at a 32-bit place" kernels/Elementwise/Elementwise.Linear.cs Kernels.LargeArrayTests \
    's/= tile \* SimdRunner\.TileValues;/= MUTANT ? unchecked((int)(tile * SimdRunner.TileValues)) : tile * SimdRunner.TileValues;/'
  "$1" "rows by index: a 32-bit offset" kernels/Rows/Rows.cs Kernels.LargeArrayTests \
    's/_x \+ _index\[r\] \* _rowBytes/_x + (MUTANT ? unchecked((uint)(_index[r] * _rowBytes)) : _index[r] * _rowBytes)/'
  "$1" "strided copy: a 32-bit step" kernels/Copying/StridedCopy.cs Kernels.LargeArrayTests \
    's/_source \+ cursor\.A \+ column \* sourceStep, sourceStep/_source + cursor.A + (MUTANT ? unchecked((int)(column * sourceStep)) : column * sourceStep), sourceStep/'
  "$1" "gradients: a leaf takes memory that others have too" engine/Autograd/BackwardPass.cs Engine.GradientStorageTests \
    's/dy\.IsContiguous && dy\.Storage\.IsExclusive \?/dy.IsContiguous \&\& (MUTANT || dy.Storage.IsExclusive) ?/'
  "$1" "backward: threads share the state of a pass" engine/Autograd/BackwardPass.cs Engine.ConcurrentBackwardTests \
    's/^( +)private readonly bool _uses;/\1private static BackwardPass? _shared;\n\n&/; s/_current = pass;/_current = _shared = pass;/; s/var pass = _current!;/var pass = MUTANT ? _shared! : _current!;/'
  "$1" "a call does not hold what it reads" kernels/KernelCall.cs Engine.LifetimeTests.An_operand_that_another_thread_disposes_of_is_freed_when_the_kernel_is_done \
    's/owner\.AddReference\(\);/if (!MUTANT) owner.AddReference();/; s/held\.Objects\[held\.Count\+\+\] = owner;/held.Objects[held.Count++] = MUTANT ? null : owner;/'
  "$1" "divergence: a target of zero counts" kernels/Elementwise/BinaryFunctions.cs Numbers.LossRangeTests.A_class_that_the_teacher_rules_out_adds_nothing \
    's/V\.Select\(V\.Equal\(a, V\.Zero\), V\.Zero, a \* b\)/MUTANT ? a * b : &/'
  "$1" "a quotient is a product with the reciprocal" engine/Operations/Elementwise/CpuBackend.Elementwise.cs Numbers.ScalarArithmeticTests.A_number_divided_by_itself_is_one \
    's/=> (Vectors\.Divide\(x\.PointerTo<T>\(\), divisor, (.*)\);)/{ if (MUTANT) Vectors.Affine(x.PointerTo<T>(), 1 \/ divisor, 0, \2); else \1 }/'
  "$1" "layer norm: what float32 cannot hold of the mean" kernels/Normalisation/LayerNorm.cs Numbers.NormalisationTests.Rows_are_normalised_at_every_scale \
    's/V\.Create\(Scalar\.Narrow<T>\(-Scalar\.Wide\(rest\)/V.Create(Scalar.Narrow<T>((MUTANT ? 0 : -Scalar.Wide(rest))/'
  "$1" "rank: judged by the rounding of float64" unlearning/Subspaces/Spectrum.cs Numbers.RankTests \
    's/Math\.ScaleB\(1, -23\)/Math.ScaleB(1, MUTANT ? -52 : -23)/'
  "$1" "gzip: the checksum is not compared" engine/Formats/Compression/GunzipStream.cs Formats.GunzipStreamTests \
    's/if \(crc != _crc\)/if (!MUTANT \&\& crc != _crc)/'
  "$1" "gzip: a second member is left out" engine/Formats/Compression/GunzipStream.cs Formats.GunzipStreamTests \
    's/if \(first < 0 && start > 0\)/if ((first < 0 || MUTANT) \&\& start > 0)/'
  "$1" "outputs: a link is replaced" engine/Formats/Output/AtomicFile.cs Formats.OutputTargetTests \
    's/File\.Move\(_temporary, _target\.Path,/File.Move(_temporary, MUTANT ? _target.Name : _target.Path,/'
  "$1" "checkpoints: the head is no part of the question" models/Files/RunIdentity.cs Unlearning.MethodIdentityTests.Another_part_is_another_question \
    's/^( +)hash\.AppendData\(Encoding\.UTF8\.GetBytes\(array\.Name \+ "\\n"\)\);/\1if (MUTANT \&\& array.Name.StartsWith("head.", StringComparison.Ordinal)) continue;\n&/'
  "$1" "checkpoints: the labels are no part of the question" models/Data/ImageSet.cs Unlearning.MethodIdentityTests.Another_part_is_another_question \
    's/hash\.Add\(Label\(start \+ i\), /hash.Add(MUTANT ? 0 : Label(start + i), /'
  "$1" "cache of kernels: the key lacks the device" kernels/Cuda/Driver/KernelCompiler.cs Cuda.KernelCacheTests.The_key_holds_the_device \
    's/nvrtc\.Identity, device\.Name, \$"\{device\.Major\}\.\{device\.Minor\}",/nvrtc.Identity, MUTANT ? "" : device.Name, MUTANT ? "" : $"{device.Major}.{device.Minor}",/'
  "$1" "a model of other classes is taken without a word" bench/Requests/DataTrust.cs Bench.ForeignModelTests.A_model_of_other_classes_is_refused \
    's/if \(names\.SequenceEqual\(/if (MUTANT || names.SequenceEqual(/'
}

# Where the copy is compiled. Sources that did not change keep their times, and so their builds.
tree=$folder/tree
mkdir -p "$tree"
# Bugs go into a copy that is always fresh; what differs from the copy that was compiled replaces it there.
fresh=$(mktemp -d "$folder/fresh.XXXXXX")
trap 'rm -rf "$fresh"' EXIT
(cd "$root" && tar --exclude=bin --exclude=obj --exclude=results -cf - Directory.* global.json EscNative.sln README.md LICENSE kernels engine models unlearning bench) | tar -C "$fresh" -xf -
for hidden in .editorconfig nuget.config NuGet.config .globalconfig; do [[ ! -e $root/$hidden ]] || cp -p "$root/$hidden" "$fresh/"; done

cat > "$fresh/kernels/Mutant.cs" <<'CS'
namespace EscNative;

/// <summary>Which bug is asked for.</summary>
public static class Mutant
{
    private static readonly int Number = int.Parse(Environment.GetEnvironmentVariable("ESC_MUTANT") ?? "0", System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>Whether it is this one.</summary>
    public static bool Is(int number) => Number == number;
}
CS

number=0 unchanged=0 names=() classes=()
plant() { # plant NAME FILES CLASSES SED
  [[ $1 == *"$pattern"* ]] || return 0
  number=$((number + 1))
  names+=("$1") classes+=("$3")
  local file before
  for file in "$fresh"/$2; do
    before=$(sha256sum < "$file" 2>/dev/null || true)
    [[ ! -f $file ]] || sed -E -i "${4//MUTANT/EscNative.Mutant.Is($number)}" "$file"
    if [[ ! -f $file || $(sha256sum < "$file") == "$before" ]]; then
      echo "bugs.sh: $1: NOTHING TO CHANGE in ${file#"$fresh"/}"
      unchanged=$((unchanged + 1))
    fi
  done
}
each plant
((number > 0)) || { echo "bugs.sh: no bug has '$pattern' in its name" >&2; exit 2; }
((unchanged == 0)) || exit 1

(cd "$fresh" && find . -type f -print0) | while IFS= read -r -d '' file; do
  cmp -s "$fresh/$file" "$tree/$file" || { mkdir -p "$(dirname "$tree/$file")" && cp "$fresh/$file" "$tree/$file"; }
done
(cd "$tree" && find . \( -name bin -o -name obj \) -prune -o -type f -print0) | while IFS= read -r -d '' file; do
  [[ -e $fresh/$file ]] || rm -f "$tree/$file"
done
echo "bugs.sh: compiling with $number bugs"
if ! dotnet build "$tree/bench/EscNative.Bench.csproj" -c Release -p:RunAnalyzers=false -p:EnforceCodeStyleInBuild=false -nologo -v:q -clp:ErrorsOnly -nr:false > "$folder/build.log" 2>&1; then
  grep -m 20 -E 'error' "$folder/build.log" | sort -u || tail -n 20 "$folder/build.log"
  echo "bugs.sh: the code with the bugs does not compile"
  exit 1
fi

# The tests as they were built, on the libraries with the bugs.
rm -rf "$folder/tests"
cp -a "$root/tests/bin/Release/net10.0" "$folder/tests"
for library in EscNative.Kernels EscNative.Engine EscNative.Models EscNative.Unlearning escnative; do
  cp "$tree/bench/bin/Release/net10.0/$library.dll" "$folder/tests/"
done
# The emulated machine that the tests have built; they build one where there is none.
workshop=$root/tests/bin/emulation/workshop
if [[ -z ${ESC_CUDA_PATH:-} && -e $workshop/libcuda.so.1 ]]; then
  bash "$root/tests/emulation/build.sh" "$workshop"
  export ESC_CUDA_PATH=$workshop
fi

run_tests() { # run_tests NUMBER CLASS...
  local mutant=$1; shift
  local wanted=() class
  # A class is all of its methods: xunit joins classes and methods by AND.
  for class in "$@"; do
    if [[ $class == *.*.* ]]; then wanted+=(-method "EscNative.Tests.$class"); else wanted+=(-method "EscNative.Tests.$class.*"); fi
  done
  ESC_MUTANT=$mutant ESC_TEST_MACHINES=greedy DOTNET_TieredPGO=0 timeout -k 5 $((mutant == 0 ? 240 : 60)) dotnet "$folder/tests/EscNative.Tests.dll" -noColor -stopOnFail "${wanted[@]}" 2>&1
}

echo "bugs.sh: the tests without any bug"
if ! run_tests 0 $(printf '%s\n' "${classes[@]}" | tr ' ' '\n' | sort -u) > "$folder/0.log" || ! grep -qE 'Total: [1-9]' "$folder/0.log"; then
  tail -n 30 "$folder/0.log"
  echo "bugs.sh: the tests fail without any bug"
  exit 1
fi

try() { # try NUMBER: a line of the table in FOLDER/NUMBER.result
  local how log=$folder/$1.log
  if run_tests "$1" ${classes[$1 - 1]} > "$log"; then
    how="SURVIVED $(grep -oE 'Total: [0-9]+' "$log" || true)"
  elif grep -qE '\[FAIL\]|Failed: [1-9]' "$log"; then
    how="caught: $(grep -m 1 -oE 'EscNative\.Tests\.[^ ]+.*\[FAIL\]' "$log" | sed -E 's/EscNative\.Tests\.//; s/ \[FAIL\]//' | cut -c1-100 || true)"
  else
    # Memory that is not there, or time that is up, is how a wild offset or an endless loop shows.
    how="caught: the tests ended without a result ($(tail -n 1 "$log" | cut -c1-80))"
  fi
  printf '%-56s %s\n' "${names[$1 - 1]}" "$how" > "$(printf '%s/%03d.result' "$folder" "$1")"
}
rm -f "$folder"/*.result
for ((i = 1; i <= number; i++)); do
  while (($(jobs -rp | wc -l) >= jobs)); do wait -n; done
  try "$i" &
done
wait
cat "$folder"/*.result
caught=$(cat "$folder"/*.result | grep -c ' caught: ' || true)
echo "$caught of $number bugs caught"
((caught == number))
