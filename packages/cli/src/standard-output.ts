import type { OutputStream } from "./output.ts";

/** Standard output, for results and protocols alone. */
export interface StandardOutput extends OutputStream {
  write(text: string | Uint8Array, done?: (error?: Error | null) => void): boolean;
}

/** The process, as far as it prints. */
interface PrintingProcess {
  readonly stdout: Printer;
  readonly stderr: Pick<Printer, "write">;
}

interface Printer extends Omit<OutputStream, "write"> {
  write: (text: string | Uint8Array, done?: (error?: Error | null) => void) => boolean;
}

const taken = new WeakMap<object, StandardOutput>();

/**
 * Takes standard output for the results of the command: whatever else this process prints there, such as a configuration,
 * a plugin or a task with `console.log`, goes to standard error from then on, because one other line makes results that a
 * program reads unreadable. Every call returns the same stream.
 */
export function takeStandardOutput({ stdout, stderr }: PrintingProcess = process): StandardOutput {
  const known = taken.get(stdout);
  if (known !== undefined) return known;
  const write = stdout.write.bind(stdout);
  stdout.write = stderr.write.bind(stderr);
  const output: StandardOutput = {
    get isTTY() {
      return stdout.isTTY === true;
    },
    get columns() {
      return stdout.columns ?? 0;
    },
    get rows() {
      return stdout.rows ?? 0;
    },
    write: (text, done) => write(text, (error) => done?.(error)),
  };
  taken.set(stdout, output);
  return output;
}
