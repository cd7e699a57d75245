import type { PostgresStoreOptions } from "@stackyard/store-postgres";
import { expectTypeOf, it } from "vitest";
import type { createConnectionSecret } from "./connection-secret.ts";

it("is what a Postgres store takes as its connection", () => {
  expectTypeOf<ReturnType<typeof createConnectionSecret>>().toExtend<PostgresStoreOptions["connection"]>();
});
