/** What keeps a release from sending, in words, by the code that the API has for it. */
export const HELD_BY = {
  WINDOW_CLOSED: "a closed window",
  FROZEN: "a freeze",
  ALARM: "an alarm",
  GATE_UNAVAILABLE: "a check that cannot be read",
} as const satisfies Readonly<Record<string, string>>;

/** A piece of a sentence; a code stands beside the sentence, in the type of code. */
export interface Piece {
  readonly kind: "words" | "code";
  readonly text: string;
}

const HELD = /\bHeld back by ([A-Z_]+(?:, [A-Z_]+)*)/g;
const CODE = / ?\(([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)\)/;
const CODE_AT_END = / \([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\)\./g;

/** Returns a sentence of the server with words for the codes in it. A code that has none is a piece of its own. */
export function splitCodes(sentence: string): readonly Piece[] {
  const words = sentence.replace(
    HELD,
    (_, codes: string) => `Held back by ${joinWords(codes.split(", ").map(toWords))}`,
  );
  return (
    words
      // The sentence ends before the code.
      .replace(CODE_AT_END, (code) => `.${code.slice(0, -1)}`)
      .split(CODE)
      .map((text, place): Piece => ({ kind: place % 2 === 1 ? "code" : "words", text }))
      .filter(({ text }) => text !== "")
  );
}

function toWords(code: string): string {
  return Object.entries(HELD_BY).find(([known]) => known === code)?.[1] ?? code;
}

function joinWords(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}
