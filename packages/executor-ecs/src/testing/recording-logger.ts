import type { Logger } from "@stackyard/core";

/** A logger that keeps its lines for a test. */
export interface RecordingLogger extends Logger {
  readonly lines: readonly { readonly level: keyof Logger; readonly message: string; readonly fields: unknown }[];
}

/** Makes one without lines. */
export function createRecordingLogger(): RecordingLogger {
  const lines: { level: keyof Logger; message: string; fields: unknown }[] = [];
  const add = (level: keyof Logger) => (message: string, fields?: unknown) => {
    lines.push({ level, message, fields });
  };
  return { debug: add("debug"), info: add("info"), warn: add("warn"), error: add("error"), lines };
}
