import { parsePageToken, toPageToken } from "../page-token.ts";
import { findNumber, findText, type SimCall } from "../sim-call.ts";
import { ec2Faults as faults } from "./ec2-faults.ts";
import type { Ec2Filter } from "./match-filter.ts";

/** "Filtering considerations" and "DescribeInstances": at most 200 values of all filters. */
const MAX_FILTER_VALUES = 200;

/** What MaxResults may be. */
export interface PageRange {
  readonly min: number;
  readonly max: number;
}

/** One page; all where no size is asked for. Source: EC2 API reference, MaxResults and NextToken of each operation. */
export function toPage<Row>(
  rows: readonly Row[],
  { input }: SimCall,
  { min, max }: PageRange,
): { readonly rows: readonly Row[]; readonly next: { readonly NextToken?: string } } {
  const size = findNumber(input, "MaxResults");
  if (size !== undefined && (size < min || size > max)) {
    throw faults.invalid(
      `Value ( ${size} ) for parameter maxResults is invalid. Expecting a value between ${min} and ${max}.`,
    );
  }
  const token = findText(input, "NextToken");
  const from = parsePageToken(token);
  if (from === undefined) throw faults.invalid(`The token '${token}' is invalid`);
  if (size === undefined) return { rows: rows.slice(from), next: {} };
  const isMore = from + size < rows.length;
  return { rows: rows.slice(from, from + size), next: isMore ? { NextToken: toPageToken(from + size) } : {} };
}

/** The filters of a request. */
export function readFilters({ input }: SimCall): readonly Ec2Filter[] {
  const filters: readonly Ec2Filter[] = Array.isArray(input["Filters"]) ? input["Filters"] : [];
  const values = filters.reduce((sum, { Values = [] }) => sum + Values.length, 0);
  if (values > MAX_FILTER_VALUES) {
    throw faults.invalid(`The maximum number of filter values specified on a single call is ${MAX_FILTER_VALUES}`);
  }
  return filters;
}
