import { runCommandLine } from "../command-line.ts";

/** The result of a command line. */
export interface CliResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command line at work. */
export interface RunningCli {
  readonly result: Promise<CliResult>;
  /** Sends Ctrl-C. */
  interrupt(): void;
  /** Resolves with the first line of standard output that fits. */
  line(fits: (line: string) => boolean): Promise<string>;
  /** The same, of standard error. */
  errorLine(fits: (line: string) => boolean): Promise<string>;
}

export interface CliWorld {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  readonly terminal?: boolean;
  /** Width of the terminal. Default: 100. */
  readonly columns?: number;
}

/** Runs words in this process. */
export function startCli(words: readonly string[], world: CliWorld = {}): RunningCli {
  const { cwd = "/", env = {}, stdin = "", terminal = false, columns = 100 } = world;
  const interrupt = new AbortController();
  const stdout = createSink(terminal, columns);
  const stderr = createSink(terminal, columns);
  const io = { stdout, stderr, stdin: toStream(stdin), cwd, env, signal: interrupt.signal };
  const result = runCommandLine(words, io).then((exitCode) => {
    stdout.end();
    stderr.end();
    return { exitCode, stdout: stdout.text(), stderr: stderr.text() };
  });
  return { result, interrupt: () => interrupt.abort(), line: stdout.line, errorLine: stderr.line };
}

/** Runs words in this process to their end. */
export function runCli(words: readonly string[], world?: CliWorld): Promise<CliResult> {
  return startCli(words, world).result;
}

/** Starts a yard of the project on a free port. Resolves when it serves. */
export async function startDev(cwd: string): Promise<RunningCli> {
  const dev = startCli(["dev", "--port", "0", "--json"], { cwd });
  await dev.line((line) => line.includes('"kind":"ready"'));
  return dev;
}

/** Parses JSON Lines. */
export function parseLines(text: string): readonly Record<string, unknown>[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

function createSink(isTTY: boolean, columns: number) {
  let text = "";
  let ended = false;
  const listeners = new Set<() => void>();
  const tell = () => {
    for (const listener of listeners) listener();
  };
  return {
    isTTY,
    columns,
    text: () => text,
    write(part: string) {
      text += part;
      tell();
    },
    end() {
      ended = true;
      tell();
    },
    line: (fits: (line: string) => boolean) =>
      new Promise<string>((resolve, reject) => {
        const look = () => {
          const found = text.split("\n").slice(0, -1).find(fits);
          if (found !== undefined) resolve(found);
          else if (ended) reject(new Error(`No such line in:\n${text}`));
          else return;
          listeners.delete(look);
        };
        listeners.add(look);
        look();
      }),
  };
}

async function* toStream(text: string): AsyncGenerator<string> {
  yield text;
}
