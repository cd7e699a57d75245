/** A longer line is no message of Terraform's that we could use; it is dropped, so that memory stays bounded. */
const MAX_LINE_CHARS = 8 * 1024 * 1024;

/** Makes lines of a stream of text pieces. */
export interface LineSplitter {
  /** The lines that this piece completes, without their ends. */
  push(piece: string): string[];
  /** What follows the last line end. */
  end(): string[];
}

/** A splitter that gives no line longer than `maxChars`. */
export function createLineSplitter(maxChars: number = MAX_LINE_CHARS): LineSplitter {
  let rest = "";
  let dropping = false;
  const keep = (line: string): string[] => {
    const dropped = dropping || line.length > maxChars;
    dropping = false;
    return dropped || line === "" ? [] : [line];
  };
  return {
    push(piece) {
      const lines = (rest + piece).split(/\r?\n/);
      rest = lines.pop() ?? "";
      const complete = lines.flatMap(keep);
      if (rest.length > maxChars) {
        rest = "";
        dropping = true;
      }
      return complete;
    },
    end() {
      const last = keep(rest);
      rest = "";
      return last;
    },
  };
}
