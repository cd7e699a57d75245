import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

const packages = new URL("../../../", import.meta.url);

const MODULE = `
  import { registerHooks } from "node:module";
  registerHooks({
    resolve(specifier, context, next) {
      const [, name, part = ""] = /^@stackyard\\/([a-z-]+)(\\/[a-z/]+)?$/.exec(specifier) ?? [];
      if (name === undefined) return next(specifier, context);
      return next(new URL(name + "/src" + part + "/index.ts", ${JSON.stringify(packages.href)}).href, context);
    },
  });`;

/** The URL of a module for `node --import`: a program then finds the sources of packages, which are not built when tests run. */
const SOURCE_HOOKS = `data:text/javascript,${encodeURIComponent(MODULE)}`;

/** Runs a program over the sources of packages in its own process. */
export function runProgram(program: string, words: readonly string[], flags: readonly string[] = []) {
  const all = [...flags, "--import", SOURCE_HOOKS, "--input-type=module", "-e", program, ...words];
  const child = spawn(process.execPath, all, { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    child,
    ended: once(child, "exit"),
    /** Returns the next line of its output. */
    async nextLine(): Promise<string> {
      const line = await lines.next();
      if (line.done === true) throw new Error("The process has ended.");
      return line.value;
    },
  };
}
