/** Takes what a process writes and gives it on as lines. */
export interface OutputLines {
  write(chunk: Buffer): void;
  /** Gives on a last line without an end; for the program's end. */
  end(): void;
}

/** Where lines go; the limits hold over all streams that share it. */
export interface LineSink {
  line(text: string): void;
  /** Tells how much was held back and gives on the newest of it. */
  end(): void;
  /** The newest lines, shown or not. */
  tail(): readonly string[];
}

const MAX_LINE_CHARS = 4_000;
const MAX_LINES = 2_000;
const TAIL_LINES = 20;

/** Passes 2,000 lines on as they come; of the rest the last 20 at the end, since those tell why a program failed. */
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
export function createOutputLines(onLine: (line: string) => void): OutputLines {
  const decoder = new TextDecoder();
  let rest = "";
  const give = (line: string): void => {
    const text = line.trimEnd();
    if (text !== "") onLine(text.length > MAX_LINE_CHARS ? `${text.slice(0, MAX_LINE_CHARS)}…` : text);
  };
  return {
    write(chunk) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      // What is over the limit would be cut anyway, so a program without line ends cannot fill the memory.
      rest = (lines.pop() ?? "").slice(0, MAX_LINE_CHARS + 1);
      for (const line of lines) give(line);
    },
    end() {
      give(rest + decoder.decode());
      rest = "";
    },
  };
}
