import type { Change } from "./operation.ts";

/** A part of the present text: of the old text, or new. */
type Piece = { readonly from: number; readonly to: number } | { readonly insert: string };

/** A text that is changed several times and tracks its original. */
export interface Pieces {
  readonly text: string;
  readonly pieces: readonly Piece[];
}

/** Creates the pieces of a text without changes. */
export function toPieces(text: string): Pieces {
  return { text, pieces: [{ from: 0, to: text.length }] };
}

/** Applies changes with offsets in the present text. They must not overlap. */
export function applyChanges({ text, pieces }: Pieces, changes: readonly Change[]): Pieces {
  const result: Piece[] = [];
  const parts: string[] = [];
  let rest = pieces;
  let at = 0;
  for (const { from, to, insert } of changes.toSorted((a, b) => a.from - b.from)) {
    const [kept, after] = splitPieces(rest, from - at);
    [, rest] = splitPieces(after, to - from);
    result.push(...kept, { insert });
    parts.push(text.slice(at, from), insert);
    at = to;
  }
  return { text: parts.join("") + text.slice(at), pieces: [...result, ...rest] };
}

/** Returns the pieces of the first characters, and the others. */
function splitPieces(pieces: readonly Piece[], length: number): readonly [readonly Piece[], readonly Piece[]] {
  let left = length;
  for (const [index, piece] of pieces.entries()) {
    const own = lengthOf(piece);
    if (left === 0) return [pieces.slice(0, index), pieces.slice(index)];
    if (own > left) {
      const [head, tail] = split(piece, left);
      return [
        [...pieces.slice(0, index), head],
        [tail, ...pieces.slice(index + 1)],
      ];
    }
    left -= own;
  }
  return [pieces, []];
}

function lengthOf(piece: Piece): number {
  return "insert" in piece ? piece.insert.length : piece.to - piece.from;
}

function split(piece: Piece, at: number): readonly [Piece, Piece] {
  if ("insert" in piece) return [{ insert: piece.insert.slice(0, at) }, { insert: piece.insert.slice(at) }];
  return [
    { from: piece.from, to: piece.from + at },
    { from: piece.from + at, to: piece.to },
  ];
}

/** Returns the changes from the old text, of this length, to the present one. */
export function toChanges({ pieces }: Pieces, length: number): readonly Change[] {
  const changes: Change[] = [];
  let at = 0;
  let insert = "";
  const flush = (to: number) => {
    if (insert !== "" || to > at) changes.push({ from: at, to, insert });
    insert = "";
  };
  for (const piece of pieces) {
    if ("insert" in piece) insert += piece.insert;
    else {
      flush(piece.from);
      at = piece.to;
    }
  }
  flush(length);
  return changes;
}
