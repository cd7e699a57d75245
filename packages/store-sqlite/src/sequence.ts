import type { Database } from "./database.ts";

/** Rows a segment; see the schema. */
export const SEGMENT_ROWS = 32_768;

/** Numbers of the rows of one table: they grow, and none is used twice, also when the newest rows were pruned. */
export class Sequence {
  readonly name: string;
  #last: number;

  private constructor(name: string, last: number) {
    this.name = name;
    this.#last = last;
  }

  /** Goes on after the highest number that the table has or had. */
  static load(database: Database, name: string, column: string): Sequence {
    const row = database.get<{ last: number }>(
      `select max(coalesce((select max(${column}) from ${name}), 0),
                  coalesce((select value from high_water where name = ?), 0)) as last`,
      name,
    );
    return new Sequence(name, row?.last ?? 0);
  }

  get last(): number {
    return this.#last;
  }

  next(): number {
    this.#last += 1;
    return this.#last;
  }

  /** Must be part of each transaction that removes rows from the end of the table. */
  keepHighWater(database: Database): void {
    database.run(
      "insert into high_water (name, value) values (?, ?) on conflict (name) do update set value = excluded.value",
      this.name,
      this.#last,
    );
  }
}

/** The segment that a row is in, as `column >> 15` gives it in SQL. */
export function segmentOf(rowNumber: number): number {
  return Math.floor(rowNumber / SEGMENT_ROWS);
}
