/** So many pieces of one output may be on their way: a program that writes faster than it is read waits. */
const MOST_ON_THEIR_WAY = 4;

/**
 * The program of the small process. A text, because programs that are one file have no other to start. It takes `start`, `more` (pieces
 * of an output were read) and `drop` (an output is no longer wanted), and sends `ready`, and of each program `started` or `failed`, then
 * `output`, `ended`, `outputEnded` for each output, and `closed` when nothing more follows.
 */
export const HELPER_SCRIPT = `
process.title = "stackyard starts programs";
const { spawn } = require("node:child_process");
const { closeSync, openSync } = require("node:fs");
const programs = new Map();
// A terminal and a service manager signal all processes of a group; this one ends with its parent.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => {});
process.on("disconnect", () => {
  // Their output would not be read. What writes to files continues.
  for (const { child, isPiped } of programs.values()) if (isPiped) kill(-child.pid);
  process.exit();
});
process.on("message", (message) => actions[message.kind](message));
const actions = {
  start(input) {
    const { id, out, err } = input;
    const descriptors = [];
    try {
      const isPiped = out === undefined;
      if (!isPiped) for (const path of [out, err]) descriptors.push(openSync(path, "a"));
      begin(input, isPiped ? ["pipe", "pipe", "pipe", "pipe"] : ["ignore", ...descriptors], isPiped);
    } catch (error) {
      fail(id, error);
    } finally {
      for (const descriptor of descriptors) closeSync(descriptor);
    }
  },
  more({ id, output, count }) {
    programs.get(id)?.outputs.get(output)?.more(count);
  },
  drop({ id, output }) {
    programs.get(id)?.child.stdio[output]?.destroy();
  },
};
function begin({ id, binary, arguments: words, cwd, environment, user, stdin, holdStdin }, stdio, isPiped) {
  const child = spawn(binary, words, { cwd, env: environment, ...user, detached: true, stdio });
  child.on("error", (error) => child.pid === undefined && fail(id, error));
  if (child.pid === undefined) {
    // Without free file descriptors, it has no streams.
    for (const stream of child.stdio ?? []) stream?.destroy();
    return;
  }
  const outputs = new Map();
  programs.set(id, { child, isPiped, outputs });
  send({ id, kind: "started", pid: child.pid });
  child.on("exit", (code, signal) => send({ id, kind: "ended", code, signal }));
  child.on("close", () => {
    programs.delete(id);
    send({ id, kind: "closed" });
  });
  if (!isPiped) return;
  for (const output of [1, 2, 3]) outputs.set(output, pass(id, output, child.stdio[output]));
  // A program may ignore its input.
  child.stdin.on("error", () => {});
  if (holdStdin) child.stdin.write(stdin);
  else child.stdin.end(stdin);
}
function pass(id, output, stream) {
  let left = ${MOST_ON_THEIR_WAY};
  stream.on("error", () => {});
  stream.on("close", () => send({ id, kind: "outputEnded", output }));
  stream.on("data", (piece) => {
    send({ id, kind: "output", output, piece });
    left -= 1;
    if (left <= 0) stream.pause();
  });
  const more = (count) => {
    left += count;
    if (left > 0) stream.resume();
  };
  return { more };
}
function kill(pid) {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}
function send(message) {
  // A parent that is gone is noticed by "disconnect".
  if (process.connected) process.send(message, () => {});
}
function fail(id, { code, message }) {
  send({ id, kind: "failed", code, message });
}
send({ kind: "ready" });
`;
