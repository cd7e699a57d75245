import type { Logger } from "@stackyard/core";

/** A logger that keeps its lines for a test. */
export interface RecordingLogger extends Logger {
  /** As `level message`. */
  readonly lines: readonly string[];
}

/** Makes one without lines. */
export function createRecordingLogger(): RecordingLogger {
  const lines: string[] = [];
  const add = (level: keyof Logger) => (message: string) => {
    lines.push(`${level} ${message}`);
  };
  return { debug: add("debug"), info: add("info"), warn: add("warn"), error: add("error"), lines };
}
