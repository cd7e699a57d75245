import type { LogFields, Logger } from "../ports/executor.ts";

/** One line as it was logged. */
export interface LoggedLine {
  readonly level: keyof Logger;
  readonly message: string;
  readonly fields: LogFields;
}

/** A logger that keeps its lines for a test. */
export interface RecordingLogger extends Logger {
  readonly lines: readonly LoggedLine[];
  /** Messages of one level, in order. */
  list(level: keyof Logger): readonly string[];
}

/** Makes one without lines. */
export function createRecordingLogger(): RecordingLogger {
  const lines: LoggedLine[] = [];
  const add =
    (level: keyof Logger) =>
    (message: string, fields: LogFields = {}) => {
      lines.push({ level, message, fields });
    };
  return {
    debug: add("debug"),
    info: add("info"),
    warn: add("warn"),
    error: add("error"),
    lines,
    list: (level) => lines.filter((line) => line.level === level).map(({ message }) => message),
  };
}
