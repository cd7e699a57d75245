import { parsePageToken, toPageToken } from "../page-token.ts";
import { queryFaults } from "../query-faults.ts";
import { findNumber, findText, type SimCall } from "../sim-call.ts";

/** API references of both generations, "PageSize": 1 to 400. */
const MAX_PAGE = 400;

/** A page of a list, and the marker of the next one ("DescribeTargetGroups" and "DescribeLoadBalancers": Marker, PageSize). */
export function toMarkedPage<Item>(
  found: readonly Item[],
  { input }: SimCall,
): { readonly page: readonly Item[]; readonly NextMarker?: string } {
  const size = findNumber(input, "PageSize") ?? MAX_PAGE;
  if (size < 1 || size > MAX_PAGE) throw queryFaults.invalid(`Page size must be between 1 and ${MAX_PAGE}`);
  const marker = findText(input, "Marker");
  const from = parsePageToken(marker);
  if (from === undefined) throw queryFaults.invalid(`The marker '${marker}' is not valid`);
  const end = from + size;
  return { page: found.slice(from, end), ...(end < found.length ? { NextMarker: toPageToken(end) } : {}) };
}
