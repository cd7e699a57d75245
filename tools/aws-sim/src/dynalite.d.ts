declare module "dynalite" {
  import type { Server } from "node:http";

  /** Creates a server that responds like DynamoDB, with tables in memory. */
  function dynalite(options?: {
    readonly createTableMs?: number;
    readonly deleteTableMs?: number;
    readonly updateTableMs?: number;
  }): Server;
  export = dynalite;
}
