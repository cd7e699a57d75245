declare module "dynalite" {
  import type { Server } from "node:http";

  /** A server that answers as DynamoDB, with tables in memory. */
  function dynalite(options?: {
    readonly createTableMs?: number;
    readonly deleteTableMs?: number;
    readonly updateTableMs?: number;
  }): Server;
  export = dynalite;
}
