/** What a JSON text may cost that others have written. */
export interface JsonBudget {
  readonly maxBytes: number;
  /** Brackets, braces, colons and commas: what the memory of a parsed text depends on. */
  readonly maxMarks: number;
  /** Levels of lists and objects. */
  readonly maxDepth: number;
}

/** The cost of a JSON text. */
interface JsonCost {
  /** What of the budget is not enough, such as `more than 256 levels`. */
  readonly excess?: string;
  /** True if it may have numbers that JavaScript would change. */
  readonly hasLongNumbers: boolean;
}

/** Knows the parts of a JSON text. Each uses nothing but its arguments, like what is given to it. */
interface JsonSigns {
  /** The place of the quote that ends a text. */
  readonly endOfText: (bytes: Uint8Array, start: number) => number;
  /** The place of the last digit of a number. */
  readonly endOfNumber: (bytes: Uint8Array, start: number) => number;
  /** True for a number that JavaScript may change. */
  readonly isLong: (bytes: Uint8Array, start: number, end: number) => boolean;
  /** 1 at the place of each of the signs, by their bytes. */
  readonly tableOf: (signs: string) => Uint8Array;
}

export const JSON_SIGNS: JsonSigns = {
  endOfText: (bytes, start) => {
    let end = start + 1;
    // A backslash escapes the next byte.
    while (end < bytes.length && bytes[end] !== 0x22) end += bytes[end] === 0x5c ? 2 : 1;
    return end;
  },
  endOfNumber: (bytes, start) => {
    let end = start;
    while (end < bytes.length && "0123456789.+-eE".includes(String.fromCharCode(bytes[end] ?? 0))) end += 1;
    return end - 1;
  },
  isLong: (bytes, start, end) =>
    end - start >= 15 || bytes.subarray(start, end).some((byte) => byte === 0x45 || byte === 0x65),
  tableOf: (signs) => Uint8Array.from({ length: 256 }, (_, byte) => Number(signs.includes(String.fromCharCode(byte)))),
};

/**
 * Counts what a JSON text of an allowed size costs before it is parsed: memory is taken by values, and a byte may be one. Uses nothing but its
 * arguments, because its source is also a part of a thread's program.
 */
export function scanJson(bytes: Uint8Array, budget: JsonBudget, signs: JsonSigns): JsonCost {
  const { maxMarks, maxDepth } = budget;
  const refuse = (excess: string): JsonCost => ({ excess, hasLongNumbers: false });
  const [isMark, isDigit] = [signs.tableOf("[{,:"), signs.tableOf("0123456789")];
  const [isOpen, isClosed] = [signs.tableOf("[{"), signs.tableOf("]}")];
  let [marks, depth, longNumbers] = [0, 0, 0];
  for (let at = 0; at < bytes.length && depth <= maxDepth && marks <= maxMarks; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte === 0x22) at = signs.endOfText(bytes, at);
    if (isDigit[byte] === 1) {
      const end = signs.endOfNumber(bytes, at);
      const isLong = Number(signs.isLong(bytes, at, end));
      longNumbers += isLong;
      // An object of its own keeps its digits.
      marks += 4 * isLong;
      at = end;
    }
    marks += isMark[byte] ?? 0;
    depth += (isOpen[byte] ?? 0) - (isClosed[byte] ?? 0);
  }
  if (depth > maxDepth) return refuse(`more than ${maxDepth} levels`);
  return marks > maxMarks ? refuse(`more than ${maxMarks} values`) : { hasLongNumbers: longNumbers > 0 };
}
