import type { Condition } from "./database.ts";

/** From where on lines of the history are read, and in which direction. */
export interface HistoryRange {
  readonly after: number | undefined;
  readonly newestFirst: boolean;
  readonly pageSize: number;
}

/** One part of a table or an index, from that place on, itself included. */
export function startAt(input: {
  readonly key: string;
  readonly value: string;
  readonly at: string;
  readonly after: string | number | undefined;
  readonly newestFirst: boolean;
}): Condition {
  const { key, value, at, after, newestFirst } = input;
  if (after === undefined) return { expression: `${key} = :key`, values: { ":key": value } };
  const expression = `${key} = :key AND ${at} ${newestFirst ? "<=" : ">="} :at`;
  return { expression, values: { ":key": value, ":at": after } };
}
