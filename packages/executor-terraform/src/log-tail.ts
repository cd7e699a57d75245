/** The last lines of a log, as many as fit. */
export interface LogTail {
  add(line: string): void;
  /** The newest lines, at most this many bytes of UTF-8. */
  text(maxBytes: number): string;
}

/** Keeps the newest lines up to `keepBytes` of UTF-8. */
export function createLogTail(keepBytes: number): LogTail {
  const lines: string[] = [];
  let bytes = 0;
  return {
    add(line) {
      const kept = toTail(line, keepBytes - 1);
      lines.push(kept);
      bytes += sizeOf(kept);
      while (bytes > keepBytes) bytes -= sizeOf(lines.shift() ?? "");
    },
    text: (maxBytes) => toTail(lines.join("\n"), maxBytes),
  };
}

/** The end of a text, cut between characters, at most `maxBytes` of UTF-8. */
export function toTail(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= maxBytes) return text;
  // A cut inside a character leaves replacement characters at the beginning.
  return new TextDecoder().decode(bytes.subarray(bytes.length - Math.max(0, maxBytes))).replace(/^\uFFFD+/, "");
}

/** The beginning of a text, cut between characters, at most `maxBytes` of UTF-8. */
export function toHead(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= maxBytes) return text;
  return new TextDecoder().decode(bytes.subarray(0, Math.max(0, maxBytes))).replace(/\uFFFD+$/, "");
}

function sizeOf(line: string): number {
  return Buffer.byteLength(line) + 1;
}
