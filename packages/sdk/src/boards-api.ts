import type { Board, BoardName } from "@stackyard/core/api";
import { type CallOptions, type HttpClient, loadItems } from "./http-client.ts";

/** Boards: what runs where, of machines whose tasks deploy to other stacks. */
export interface BoardsApi {
  /** Returns the machines that deploy, by name. */
  list(options?: CallOptions): Promise<readonly BoardName[]>;
  /** Returns the board of a machine. Throws `MACHINE_UNKNOWN`, `MACHINE_INVALID`. */
  get(machine: string, options?: CallOptions): Promise<Board>;
}

/** Creates the part of the client for boards. */
export function createBoardsApi(http: HttpClient): BoardsApi {
  return {
    list: (options) => loadItems(http, ["v1", "boards"], options),
    get: (machine, options) => http.requestJson<Board>({ path: ["v1", "boards", machine], ...options }),
  };
}
