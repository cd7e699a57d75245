import type { DeployRow, DeployRowState, DeployState } from "./deploy-row.ts";
import { findFirstPage, type PickedRows, pickRows, type RowsRequest } from "./pick-rows.ts";
import { listRowPages, type RowsInput } from "./rows.ts";

/** Which rows of a task to list. */
export interface ListRowsInput extends Pick<RowsRequest<DeployRow>, "cursor" | "limit"> {
  /** Missing: all. */
  readonly state?: DeployRowState | undefined;
  /** Failed rows come before all others. Default: the order in which they are sent to. */
  readonly isFailedFirst?: boolean;
}

/**
 * Lists a page of a task's rows, as `pickRows` does. Throws `USAGE` for a cursor from before a new entry of the release,
 * whose rows have other places.
 */
export async function listRows(
  input: RowsInput,
  { startedAt }: Pick<DeployState, "startedAt">,
  { state, isFailedFirst = false, ...part }: ListRowsInput,
): Promise<PickedRows<DeployRow>> {
  const place = { ...part, list: startedAt.toString(36) };
  const request: RowsRequest<DeployRow> = {
    ...place,
    isWanted: (row) => state === undefined || row.state === state,
    isFirst: isFailedFirst ? (row) => row.state === "failed" : undefined,
  };
  const first = findFirstPage(place);
  const pages: (readonly DeployRow[])[] = Array.from({ length: first }, () => []);
  for await (const rows of listRowPages(input, first)) {
    pages.push(rows);
    // In the stored order, rows of further pages follow those that fill this one.
    if (!isFailedFirst && pickRows(pages, request).cursor !== undefined) break;
  }
  return pickRows(pages, request);
}
