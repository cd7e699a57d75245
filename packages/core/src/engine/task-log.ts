const MAX_BYTES = 65_536;
const CUT_NOTE = "… the beginning was cut …";

/** The end of a task's output: the newest lines, at most 64 KiB. */
export interface TaskLog {
  add(line: string): void;
  /** The newest line; undefined before the first. */
  last(): string | undefined;
  text(): string;
}

/** An empty log. Old lines fall out as new ones come. */
export function createTaskLog(): TaskLog {
  const lines: string[] = [];
  let bytes = 0;
  let cut = false;
  return {
    add(line) {
      const kept = Buffer.byteLength(line) > MAX_BYTES / 4 ? `${line.slice(0, MAX_BYTES / 8)}…` : line;
      lines.push(kept);
      bytes += Buffer.byteLength(kept) + 1;
      while (bytes > MAX_BYTES - CUT_NOTE.length - 4 && lines.length > 1) {
        bytes -= Buffer.byteLength(lines.shift() ?? "") + 1;
        cut = true;
      }
    },
    last: () => lines.at(-1),
    text: () => (cut ? [CUT_NOTE, ...lines] : lines).join("\n"),
  };
}
