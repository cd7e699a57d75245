// The built function of the consumer's template, in a separate process. Over TLS it reaches the emulator, whatever
// host it requests. It loads nothing else, and is not TypeScript: Node needs 15 MB to read that.
import { Agent } from "node:https";
import { createRequire } from "node:module";

/** As long as a function may run. */
const TIME_OUT_MS = 900_000;
const [bundle, port, ca] = process.argv.slice(2);
const said = [];
process.stdout.write = (line) => said.push(line) > 0;

const { createConnection } = Agent.prototype;
Agent.prototype.createConnection = function (options, callback) {
  return createConnection.call(this, { ...options, host: "127.0.0.1", port, ca }, callback);
};
const { handler } = createRequire(bundle)(bundle);

async function copy(event) {
  const startedAt = performance.now();
  await handler(event, { getRemainingTimeInMillis: () => TIME_OUT_MS - (performance.now() - startedAt) });
  if (!said.some((line) => line.includes('"status":"stored"'))) throw new Error(`It was not stored: ${said.join("")}`);
  return { seconds: (performance.now() - startedAt) / 1_000, peakMb: readPeak() };
}

/** `maxRSS` is in KiB (Node.js documentation, "process.resourceUsage"). */
function readPeak() {
  return (process.resourceUsage().maxRSS * 1_024) / 1e6;
}

const functions = { copy, ready: async () => ({ peakMb: readPeak() }) };
process.on("message", ({ id, name, input }) => {
  functions[name](input).then(
    (value) => process.send({ id, value }),
    (error) => process.send({ id, error: String(error) }),
  );
});
