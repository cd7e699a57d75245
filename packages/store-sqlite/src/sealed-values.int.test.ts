// @module-tag promise
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSealer } from "@stackyard/core/services";
import { findSecretsIn, playSecretLife } from "@stackyard/core/testing";
import { afterAll, beforeAll, expect, it } from "vitest";
import { backUpSqliteStore } from "./backup.ts";
import { createSqliteStore } from "./create-sqlite-store.ts";

let root = "";
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "stackyard-sealed-"));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Reads every byte of the files of a folder, also of the log of writes. */
function readAll(folder: string): Uint8Array {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Buffer.concat(files.map(({ parentPath, name }) => readFileSync(join(parentPath, name))));
}

// cromwell#1638, airbyte#14334, harness#2879, syndesis#3401, open-science#1818: secrets are in the rows, the log of writes or the dump.
it("has no sensitive value in its files, nor in a backup, after a whole life of a stack, in any encoding", async () => {
  const folder = mkdtempSync(join(root, "store-"));
  const store = await createSqliteStore({ folder });

  const life = await playSecretLife(store, createSealer([new Uint8Array(32).fill(1)]));

  await backUpSqliteStore({ folder, to: join(root, "yard.backup") });
  expect(findSecretsIn(readAll(folder), life)).toEqual([]);
  await store.close();
  expect(findSecretsIn(readAll(folder), life)).toEqual([]);
  expect(findSecretsIn(readFileSync(join(root, "yard.backup")), life)).toEqual([]);
});

it("has all of them without a key, so that the search finds them", async () => {
  const folder = mkdtempSync(join(root, "plain-"));
  const store = await createSqliteStore({ folder });

  const life = await playSecretLife(store, undefined);

  expect(findSecretsIn(readAll(folder), life)).toEqual(Object.keys(life.secrets));
  await store.close();
});
