import { JSON_SIGNS, scanJson } from "./scan-json.ts";

/**
 * The program of a thread that parses a JSON text and returns the requested parts, each as a text of its own,
 * as many at once as requested. A text, because programs that are one file have no other to start.
 */
export const JSON_THREAD = `
const { closeSync, fstatSync, openSync, readSync } = require("node:fs");
const { parentPort, workerData } = require("node:worker_threads");
// Bundlers that keep names call it in the source of functions.
const __name = (value) => value;
const scan = ${scanJson.toString()};
const signs = { ${Object.entries(JSON_SIGNS)
  .map(([name, source]) => `${name}: ${source}`)
  .join(", ")} };
const { path, parts, budget, maxPartBytes, batchBytes } = workerData;
const say = (message) => parentPort.postMessage(message);
function load() {
  if (path === undefined) return workerData.bytes;
  const file = openSync(path, "r");
  try {
    const { size } = fstatSync(file);
    // One more than is allowed is enough to know.
    const bytes = Buffer.alloc(Math.min(size, budget.maxBytes + 1));
    let at = 0;
    for (let read = 1; read > 0 && at < bytes.length; at += read) read = readSync(file, bytes, at, bytes.length - at, at);
    return bytes.subarray(0, at);
  } finally {
    closeSync(file);
  }
}
function parse(bytes) {
  if (bytes.length > budget.maxBytes) return { excess: "more than " + budget.maxBytes + " bytes" };
  const { excess, hasLongNumbers } = scan(bytes, budget, signs);
  if (excess !== undefined) return { excess };
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8");
  delete workerData.bytes;
  const isChanged = (value) => !Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value));
  const keep = (key, value, { source } = {}) =>
    typeof value === "number" && source !== undefined && isChanged(value) ? JSON.rawJSON(source) : value;
  try {
    return { value: hasLongNumbers ? JSON.parse(text, keep) : JSON.parse(text) };
  } catch {
    return {};
  }
}
function* cut(value) {
  const wanted = parts === "all" ? Object.keys(value).map((name) => [name, "value"]) : Object.entries(parts);
  for (const [name, how] of wanted) {
    const found = Object.hasOwn(value, name) ? value[name] : undefined;
    const isList = Array.isArray(found);
    if (how === "value") yield [name, "value", found === undefined ? undefined : JSON.stringify(found)];
    else if (how === "length") yield [name, "count", typeof found === "string" ? found.length : undefined];
    else yield [name, "count", isList ? found.length : undefined];
    if (how === "each" && isList) for (const entry of found) yield [name, "entry", JSON.stringify(entry)];
  }
}
function* batch(all) {
  let [pieces, size] = [[], 0];
  for (const piece of all) {
    const length = typeof piece[2] === "string" ? piece[2].length : 0;
    if (length > maxPartBytes) return yield { excess: 'a part of "' + piece[0] + '" with more than ' + maxPartBytes + " characters" };
    pieces.push(piece);
    // Each costs more than its text.
    size += length + 128;
    if (size < batchBytes) continue;
    yield { pieces };
    [pieces, size] = [[], 0];
  }
  yield { pieces, isEnd: true };
}
const found = parse(load());
const { value, excess } = found;
if (excess !== undefined) say({ excess });
else if (typeof value !== "object" || value === null || Array.isArray(value)) say({ isOther: true });
else {
  const batches = batch(cut(value));
  const next = () => say(batches.next().value);
  parentPort.on("message", next);
  next();
}
`;
