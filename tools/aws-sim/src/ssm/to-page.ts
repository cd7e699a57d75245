import { findNumber, findText, type SimCall } from "../sim-call.ts";
import { constraint, ssmFaults } from "./ssm-faults.ts";

/** What a list's MaxResults may be. */
export interface PageLimits {
  readonly min: number;
  readonly max: number;
  readonly usual: number;
}

/** One page of a list, and the token of the next. */
export function toPage<Row>(rows: readonly Row[], { input }: SimCall, limits: PageLimits) {
  const size = findNumber(input, "MaxResults") ?? limits.usual;
  if (size < limits.min) {
    throw constraint("maxResults", size, `Member must have value greater than or equal to ${limits.min}`);
  }
  if (size > limits.max) {
    throw constraint("maxResults", size, `Member must have value less than or equal to ${limits.max}`);
  }
  const from = startOf(findText(input, "NextToken"));
  const isMore = from + size < rows.length;
  return { rows: rows.slice(from, from + size), next: isMore ? { NextToken: `page-${from + size}` } : {} };
}

function startOf(token: string | undefined): number {
  if (token === undefined) return 0;
  const found = /^page-(\d+)$/.exec(token);
  if (found === null) throw ssmFaults.token("The specified token isn't valid.");
  return Number(found[1]);
}
