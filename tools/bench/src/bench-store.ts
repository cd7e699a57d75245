import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Store } from "@stackyard/core";
import { createMemoryStore } from "@stackyard/core/engine";
import { createSqliteStore } from "@stackyard/store-sqlite";

/** Which store is measured. `sqlite-single`: each write is a transaction of its own. */
export type StoreKind = "memory" | "sqlite" | "sqlite-single";

/** Opens a fresh store, and closes and removes it after the work. */
export async function withStore<Result>(kind: StoreKind, work: (store: Store) => Promise<Result>): Promise<Result> {
  if (kind === "memory") return work(createMemoryStore());
  return withFolder(async (folder) => {
    const store = await createSqliteStore({ folder, ...(kind === "sqlite-single" ? { maxGroup: 1 } : {}) });
    try {
      return await work(store);
    } finally {
      await store.close();
    }
  });
}

/** Returns a fresh folder that is removed after the work. */
export async function withFolder<Result>(work: (folder: string) => Promise<Result>): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), "stackyard-bench-"));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
