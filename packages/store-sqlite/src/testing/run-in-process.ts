import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

const home = new URL("../../", import.meta.url);

// The packages are not built when tests run: the program finds their sources.
const HOOKS = `
  import { registerHooks } from "node:module";
  registerHooks({
    resolve(specifier, context, next) {
      const [, name, part = ""] = /^@stackyard\\/([a-z-]+)((?:\\/[a-z]+)*)$/.exec(specifier) ?? [];
      if (name === undefined) return next(specifier, context);
      return next(new URL("../" + name + "/src" + part + "/index.ts", ${JSON.stringify(home.href)}).href, context);
    },
  });`;

/** A program in a separate process that may import the packages; `line` waits for its next line of output. */
export interface Program {
  readonly process: ChildProcess;
  /** Rejects with the program's error output when it ends before. */
  line(): Promise<string>;
  /** Ends it as the kernel does when memory is short. */
  kill(): Promise<void>;
  /** Returns its exit code, once it has ended. */
  ended(): Promise<number | null>;
}

/** Starts the text of a module, with arguments from \`process.argv[1]\` on. */
export function runInProcess(source: string, ...parameters: readonly string[]): Program {
  const hooks = `data:text/javascript,${encodeURIComponent(HOOKS)}`;
  const words = ["--import", hooks, "--input-type=module", "-e", source, ...parameters];
  const child = spawn(process.execPath, words, { stdio: ["pipe", "pipe", "pipe"] });
  const ended = once(child, "exit");
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  const lines = readLines(child.stdout.setEncoding("utf8"));
  return {
    process: child,
    async line() {
      const next = await lines.next();
      if (next.done === true) throw new Error(`The program has ended: ${errors}`);
      return next.value;
    },
    async kill() {
      child.kill("SIGKILL");
      await ended;
    },
    async ended() {
      await ended;
      return child.exitCode;
    },
  };
}

async function* readLines(output: AsyncIterable<string>): AsyncGenerator<string, undefined> {
  let rest = "";
  for await (const text of output) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  return undefined;
}

/** The address of this package's sources, for the import of a program. */
export const sourceUrl = new URL("../index.ts", import.meta.url).href;
