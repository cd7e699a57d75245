import { spawn, spawnSync } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

// JavaScript, because it also has to run on a version of Node that does not read TypeScript.

const root = join(import.meta.dirname ?? fileURLToPath(new URL(".", import.meta.url)), "../..");

/**
 * Makes the command line of a clone runnable: bundles it when `program` is missing, and continues on the Node of the
 * clone's dependencies when the present one is too old. Does not return in that case.
 *
 * @param {URL} program the built program
 */
export async function prepareClone(program) {
  const isOld = !isSupported(process.versions.node);
  const newer = join(root, "node_modules/node/bin/node");
  const node = isOld && existsSync(newer) ? realpathSync(newer) : process.execPath;
  if (!existsSync(program)) bundle(node);
  if (node !== process.execPath) await continueOn(node);
}

/** @param {string} version */
function isSupported(version) {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > 22 || (major === 22 && minor >= 18);
}

/** @param {string} node */
function bundle(node) {
  const { status } = spawnSync(node, [join(root, "tools/checks/bundle.ts")], {
    // What the program prints stays clean.
    stdio: ["ignore", 2, 2],
  });
  if (status === 0) return;
  console.error("error The command line of this clone could not be built.\nRun `npm install`, then `npm run build`.");
  process.exit(3);
}

/**
 * @param {string} node
 * @returns {Promise<never>}
 */
function continueOn(node) {
  const child = spawn(node, process.argv.slice(1), { stdio: "inherit" });
  // A terminal sends Ctrl-C to both processes; the child decides what it does.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  return new Promise(() => {
    child.on("error", (error) => {
      console.error(`error ${error.message}`);
      process.exit(3);
    });
    child.on("exit", (code, signal) => process.exit(code ?? 128 + constants.signals[signal ?? "SIGKILL"]));
  });
}
