import { truncateText } from "@stackyard/sdk/commands";
import { toColoredText, toPlainText } from "./clean-text.ts";
import type { OutputStream } from "./output-stream.ts";

/** What of long work is seen for a while. */
export interface LiveBlock {
  /** A line; where there is a block too, a terminal shows that. */
  show(toText: () => string, toBlock?: (columns: number) => string): void;
  /** Takes it away. */
  clear(): void;
}

/** One line, or a block, that a terminal shows anew in place; in a pipe lines, each of them where it is another one. */
export function createLiveBlock(
  stream: OutputStream,
  write: (text: string) => void,
  options: { readonly color: boolean },
): LiveBlock {
  return stream.isTTY === true ? createTerminalBlock(stream, options) : createPipeLines(write);
}

function createPipeLines(write: (text: string) => void): LiveBlock {
  let last = "";
  return {
    show(toText) {
      const text = toText();
      if (text !== last) write(text);
      last = text;
    },
    clear() {},
  };
}

const ERASE_LINE = "\r\u001b[2K";

function createTerminalBlock(stream: OutputStream, { color }: { readonly color: boolean }): LiveBlock {
  let shown: readonly string[] = [];
  // The cursor stands in the last line of what is shown.
  const erase = () => (shown.length > 1 ? `\r\u001b[${shown.length - 1}A\u001b[J` : ERASE_LINE);
  return {
    show(toText, toBlock) {
      const columns = (stream.columns || 80) - 1;
      const lines = toBlock === undefined ? [toLine(toText(), columns)] : toLines(toBlock(columns), stream, color);
      stream.write(erase() + lines.join("\n"));
      shown = lines;
    },
    clear() {
      if (shown.some((line) => line !== "")) stream.write(erase());
      shown = [];
    },
  };
}

function toLine(text: string, columns: number): string {
  const [line = ""] = text.split("\n");
  return truncateText(toPlainText(line), columns, "");
}

/** A block that is higher than its terminal could not be drawn anew. */
function toLines(text: string, stream: OutputStream, color: boolean): readonly string[] {
  const most = Math.max(1, (stream.rows || 24) - 1);
  const lines = text.split("\n");
  const fitting = lines.length <= most ? lines : [...lines.slice(0, most - 1), `… and ${lines.length - most + 1} more`];
  const columns = (stream.columns || 80) - 1;
  return fitting.map((line) => truncateText(color ? toColoredText(line) : toPlainText(line), columns, ""));
}
