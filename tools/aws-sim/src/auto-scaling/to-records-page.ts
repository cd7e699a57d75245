import { findNumber, findText, parsePageToken, type SimCall, toPageToken } from "../sim-call.ts";
import { autoScalingFaults as faults } from "./auto-scaling-state.ts";

/** How many rows a page has when nobody asks, and at most. */
export interface RecordLimits {
  readonly usual: number;
  readonly max: number;
}

/** One page by MaxRecords and NextToken, as every Describe operation of Auto Scaling has them. */
export function toRecordsPage<Row>(
  rows: readonly Row[],
  { input }: SimCall,
  { usual, max }: RecordLimits,
): { readonly rows: readonly Row[]; readonly next: { readonly NextToken?: string } } {
  const size = findNumber(input, "MaxRecords") ?? usual;
  if (size < 1) throw faults.constraint("maxRecords", size, "have value greater than or equal to 1");
  if (size > max) throw faults.constraint("maxRecords", size, `have value less than or equal to ${max}`);
  const from = parsePageToken(findText(input, "NextToken"));
  if (from === undefined) throw faults.token();
  const isMore = from + size < rows.length;
  const next = isMore ? { NextToken: toPageToken(from + size) } : {};
  return { rows: rows.slice(from, from + size), next };
}
