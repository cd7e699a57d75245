// @module-tag promise
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createSealer } from "@stackyard/core/services";
import { findSecretsIn, playSecretLife } from "@stackyard/core/testing";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type OwnServer, startOwnServer } from "./testing/test-server.ts";

let server: OwnServer;
beforeAll(async () => {
  server = await startOwnServer();
});
afterAll(() => server.stop());

/** Reads every byte of the server's files, also those of deleted rows and of the log of writes. */
async function findInFiles(life: Parameters<typeof findSecretsIn>[1]): Promise<readonly string[]> {
  await server.sql("checkpoint");
  const files = readdirSync(join(server.folder, "data"), { recursive: true, withFileTypes: true });
  const found = files
    .filter((entry) => entry.isFile())
    .flatMap(({ parentPath, name }) => findSecretsIn(readLeft(join(parentPath, name)), life));
  return Object.keys(life.secrets).filter((name) => found.includes(name));
}

/** Reads a file; one that the server has removed since it was listed, as it does with its caches, has no bytes. */
function readLeft(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return Buffer.alloc(0);
    throw error;
  }
}

// cromwell#1638, airbyte#14334, harness#2879, syndesis#3401, open-science#1818: secrets are in the rows, the log of writes or the dump.
it("has no sensitive value in its files after a whole life of a stack, in any encoding", async () => {
  const store = await server.open();

  const life = await playSecretLife(store, createSealer([new Uint8Array(32).fill(1)]));

  expect(await findInFiles(life)).toEqual([]);
  await store.close();
});

it("has all of them without a key, so that the search finds them", async () => {
  const store = await server.open();

  const life = await playSecretLife(store, undefined);

  expect(await findInFiles(life)).toEqual(Object.keys(life.secrets));
  await store.close();
});
