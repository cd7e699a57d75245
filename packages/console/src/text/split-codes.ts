/** A piece of a sentence; a code stands beside the sentence, in the type of code. */
export interface Piece {
  readonly kind: "words" | "code";
  readonly text: string;
}

const CODE = / ?\(([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)\)/;
const CODE_AT_END = / \([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\)\./g;

/** Returns a sentence of the server with its codes apart: each is a piece of its own. */
export function splitCodes(sentence: string): readonly Piece[] {
  return (
    sentence
      // The sentence ends before the code.
      .replace(CODE_AT_END, (code) => `.${code.slice(0, -1)}`)
      .split(CODE)
      .map((text, place): Piece => ({ kind: place % 2 === 1 ? "code" : "words", text }))
      .filter(({ text }) => text !== "")
  );
}
