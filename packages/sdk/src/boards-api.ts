import type { Board, BoardName } from "@stackyard/core/api";
import type * as op from "@stackyard/core/api/operations";
import { call } from "./call.ts";
import type { CallOptions, HttpClient } from "./http-client.ts";

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
    list: async (options) => (await call<typeof op.listBoards>(http, "GET /v1/boards", {}, options)).items,
    get: (name, options) => call<typeof op.getBoard>(http, "GET /v1/boards/:name", { params: { name } }, options),
  };
}
