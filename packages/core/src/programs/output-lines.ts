import { cutText, keepStart } from "../machine/cut-text.ts";

/** The receiver of lines; the limits apply to all streams that share it. */
export interface LineSink {
  line(text: string): void;
  /** Reports how much was omitted and emits the newest part of it. */
  end(): void;
  /** Returns the newest lines, shown or not. */
  tail(): readonly string[];
}

const MAX_LINE_CHARS = 4_000;
const MAX_LINES = 2_000;
const TAIL_LINES = 20;

/** Reports 2,000 lines as they arrive, and at the end the last 20 of the rest, which show why a program failed. */
export function createLineSink(report: (line: string) => void): LineSink {
  let lines = 0;
  const newest: string[] = [];
  return {
    line(text) {
      lines++;
      newest.push(text);
      if (newest.length > TAIL_LINES) newest.shift();
      if (lines <= MAX_LINES) report(text);
    },
    end() {
      const held = Math.max(0, lines - MAX_LINES);
      const shown = Math.min(held, TAIL_LINES);
      if (held > shown) report(`… ${held - shown} lines of output left out …`);
      for (const text of newest.slice(TAIL_LINES - shown)) if (shown > 0) report(text);
      lines = 0;
    },
    tail: () => [...newest],
  };
}

/** Cuts UTF-8 into lines without their ends; a longer line than 4,000 characters is cut there. Blank lines are left out. */
export function createOutputLines(onLine: (line: string) => void) {
  const decoder = new TextDecoder();
  let rest = "";
  const give = (line: string): void => {
    const text = line.trimEnd();
    if (text !== "") onLine(cutText(text, MAX_LINE_CHARS));
  };
  return {
    write(chunk: Buffer): void {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      // The rest above the limit would be cut anyway, so a program without line ends cannot fill the memory.
      rest = keepStart(lines.pop() ?? "", MAX_LINE_CHARS + 2);
      for (const line of lines) give(line);
    },
    /** Gives a last line without an end, when the program ends. */
    end(): void {
      give(rest + decoder.decode());
      rest = "";
    },
  };
}
