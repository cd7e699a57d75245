const MAX_BYTES = 65_536;
const CUT_NOTE = "… the beginning was cut …";

/** The end of a task's output: the newest lines, at most 64 KiB. */
export interface TaskLog {
  add(line: string): void;
  /** The newest line that was added; undefined before the first. */
  last(): string | undefined;
  text(): string;
}

/** A log that goes on after this text of an earlier one. Old lines fall out as new ones come. */
export function createTaskLog(earlier = ""): TaskLog {
  const lines = earlier === "" ? [] : earlier.split("\n");
  let cut = lines[0] === CUT_NOTE;
  if (cut) lines.shift();
  let bytes = lines.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0);
  let last: string | undefined;
  return {
    add(line) {
      const kept = Buffer.byteLength(line) > MAX_BYTES / 4 ? `${line.slice(0, MAX_BYTES / 8)}…` : line;
      last = kept;
      lines.push(kept);
      bytes += Buffer.byteLength(kept) + 1;
      while (bytes > MAX_BYTES - CUT_NOTE.length - 4 && lines.length > 1) {
        bytes -= Buffer.byteLength(lines.shift() ?? "") + 1;
        cut = true;
      }
    },
    last: () => last,
    text: () => (cut ? [CUT_NOTE, ...lines] : lines).join("\n"),
  };
}
