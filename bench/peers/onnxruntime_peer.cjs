#!/usr/bin/env node
// ONNX Runtime's side of `escnative peers` from npm, where newer versions are: `npm install onnxruntime-node`, then run this
// file with NODE_PATH naming that node_modules folder. The protocol is that of protocol.py.
const readline = require('node:readline');
const onnxruntime = require('onnxruntime-node');
const { version } = require('onnxruntime-node/package.json');

const blobs = new Map();
const now = () => Number(process.hrtime.bigint()) * 1e-9;

// The bytes may lie anywhere in a larger buffer: a copy is aligned.
const floats = bytes => new Float32Array(new Uint8Array(bytes).buffer);

// As in protocol.py: three calls at the least, unless they are long.
async function measure(run, seconds) {
  const times = [];
  const begun = now();
  for (let passed = 0; passed < seconds || times.length < 3; passed = now() - begun) {
    if (times.length && passed >= 3 * seconds) break;
    const start = now();
    await run();
    times.push(now() - start);
  }
  times.sort((a, b) => a - b);
  const half = times.length >> 1;
  return { seconds: times.length % 2 ? times[half] : (times[half - 1] + times[half]) / 2, calls: times.length };
}

// [n, h, w, c] to [n, c, h, w].
function planar(x, { batch, height, width, channels }) {
  const y = new Float32Array(batch * channels * height * width);
  const size = height * width;
  for (let n = 0; n < batch; n++)
    for (let c = 0; c < channels; c++)
      for (let i = 0; i < size; i++)
        y[(n * channels + c) * size + i] = x[(n * size + i) * channels + c];
  return y;
}

// The session and the input of the last request but for its seconds: they are asked for in every round.
let kept = { key: null };

async function prepared(r) {
  const key = JSON.stringify({ ...r, seconds: 0 });
  if (kept.key === key) return kept;
  if (kept.session) await kept.session.release();
  kept = { key: null };
  const session = await onnxruntime.InferenceSession.create(blobs.get('onnx'), {
    executionProviders: ['cpu'], graphOptimizationLevel: 'all', intraOpNumThreads: r.threads, interOpNumThreads: 1,
  });
  const x = planar(floats(blobs.get(r.images)), r);
  const feed = { x: new onnxruntime.Tensor('float32', x, [r.batch, r.channels, r.height, r.width]) };
  await session.run(feed);
  return (kept = { key, session, feed });
}

const operations = {
  hello: () => ({
    name: `ONNX Runtime ${version}`,
    software: `Node ${process.version}, all graph optimisations`,
    variants: { forward: ['cpu'] },
    needsOnnx: true,
  }),
  blob: r => {
    const data = Buffer.from(r.data, 'base64');
    const before = r.offset ? blobs.get(r.name) : Buffer.alloc(0);
    blobs.set(r.name, Buffer.concat([before, data]));
    kept.key = null;
    return { bytes: blobs.get(r.name).length };
  },
  forward: async r => {
    const { session, feed } = await prepared(r);
    const output = (await session.run(feed)).y.data;
    const bytes = Buffer.from(output.buffer, output.byteOffset, output.byteLength).toString('base64');
    return { ...(await measure(() => session.run(feed), r.seconds)), output: bytes };
  },
};

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const request = JSON.parse(line);
    let answer;
    try {
      answer = await operations[request.op](request);
    } catch (failure) {
      console.error(failure);
      answer = { error: String(failure) };
    }
    console.log(JSON.stringify(answer));
  }
})();
