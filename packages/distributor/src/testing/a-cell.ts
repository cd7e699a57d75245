import { type Cell, createCell } from "../cell.ts";

/** When tests of cells begin. */
export const T0: number = Date.UTC(2026, 10, 20, 6);
/** A place of a consumer. */
export const PLACE = { account: "111122223333", region: "eu-west-1" } as const;
/** Returns a digest of one character. */
export const digestOf = (character: string): string => character.repeat(64);

/** Returns a cell of three files that is expected. */
export function aCell(changes: Partial<Cell> = {}): Cell {
  const subject = { name: "billing-api", version: "1.4.2", manifestSha256: digestOf("a"), files: 3 };
  return { ...createCell(subject, PLACE, T0), ...changes };
}
