import type { Moment, Weather } from "@stackyard/core/testing";
import { PAGES, type PageShape, rowsOf } from "./answer-shapes.ts";

/** How long lists come in small pages. */
const LASTS_MS = 5 * 60_000;

/** The rest of lists whose first page was given, by token. A run of a story requests it or forgets it. */
const rests = new Map<string, readonly unknown[]>();
let tokens = 0;

/** Creates a weather in which lists come in pages with so many rows; the token gives the next one. */
function pagedWeather(name: string, firstSize: number): Weather {
  return {
    name,
    lastsMs: LASTS_MS,
    source: '"Pagination" in the API references: a page may have fewer rows than requested, or none, and a token',
    fits: ({ operation }, answer) => rowsOf(Object(answer), PAGES[operation]?.rows ?? "").length > 0,
    async meet(moment, proceed) {
      const shape = PAGES[moment.operation];
      if (shape === undefined) return proceed();
      const token = String(Object(moment.input)[shape.tokenIn] ?? "");
      const rest = rests.get(token);
      if (rest !== undefined) return toPage({}, shape, { rows: rest, size: 1 });
      const answer = Object(await proceed());
      // The service's own further pages stay as they are.
      if (answer[shape.tokenOut] !== undefined) return answer;
      return toPage(answer, shape, { rows: rowsOf(answer, shape.rows), size: firstSize });
    },
  };
}

function toPage(
  answer: object,
  { rows: name, tokenOut }: PageShape,
  { rows, size }: { readonly rows: readonly unknown[]; readonly size: number },
): object {
  const rest = rows.slice(size);
  const page = { ...answer, [name]: rows.slice(0, size) };
  if (rest.length === 0) return { ...page, ...(name === "Contents" && { IsTruncated: false }) };
  tokens += 1;
  const token = `weather-${tokens}`;
  rests.set(token, rest);
  return { ...page, [tokenOut]: token, ...(name === "Contents" && { IsTruncated: true, KeyCount: size }) };
}

/** Lists in pages of one row, and lists whose first page is empty. */
export const pagedWeathers: readonly Weather[] = [pagedWeather("short page", 1), pagedWeather("empty page", 0)];

/** Returns true for a call that continues with a list. */
export function isNextPage({ operation, input }: Moment): boolean {
  const shape = PAGES[operation];
  return shape !== undefined && Object(input)[shape.tokenIn] !== undefined;
}
