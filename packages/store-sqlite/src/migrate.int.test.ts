import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createSqliteStore } from "./create-sqlite-store.ts";
import type { Database } from "./database.ts";
import { MIGRATIONS, migrate, openDatabase, readSchemaVersion } from "./schema.ts";
import { storeFilesOf } from "./store-files.ts";

let folder = "";
let database: Database;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "stackyard-migrate-"));
  database = openDatabase(storeFilesOf(folder).database);
});
afterEach(() => {
  database.close();
  rmSync(folder, { recursive: true, force: true });
});

function listSchema(): readonly unknown[] {
  return database.all("select type, name, sql from sqlite_schema order by name").map((row) => ({ ...Object(row) }));
}

describe("migrate", () => {
  it("numbers its steps without gaps from 1", () => {
    expect(MIGRATIONS.map(({ version }) => version)).toEqual(MIGRATIONS.map((_, index) => index + 1));
  });

  it("rejects a store with missing migrations when it is opened read-only, and leaves it unchanged", async () => {
    migrate(database);
    database.script(`pragma user_version = ${MIGRATIONS.length - 1}`);
    const open = () => createSqliteStore({ folder, migrate: false });

    await expect(open()).rejects.toMatchObject({
      code: "STORE_UNAVAILABLE",
      details: { found: MIGRATIONS.length - 1, newest: MIGRATIONS.length },
    });
    expect(readSchemaVersion(database)).toBe(MIGRATIONS.length - 1);
    database.script(`pragma user_version = ${MIGRATIONS.length}`);
    await (await open()).close();
  });

  it("makes the schema of an empty file, and then has nothing to do", () => {
    expect(migrate(database)).toBe(0);
    const schema = listSchema();

    expect(migrate(database)).toBe(MIGRATIONS.length);
    expect(listSchema()).toEqual(schema);
    expect(readSchemaVersion(database)).toBe(MIGRATIONS.length);
  });

  it.each(MIGRATIONS.map(({ version }) => version))(
    "comes from version %i to the same schema as from nothing",
    (version) => {
      migrate(database, MIGRATIONS.slice(0, version));
      migrate(database);
      const schema = listSchema();
      const fresh = openDatabase(join(folder, "fresh.db"));

      migrate(fresh);

      expect(schema).toEqual(
        fresh.all("select type, name, sql from sqlite_schema order by name").map((row) => ({ ...Object(row) })),
      );
      fresh.close();
    },
  );

  it("takes a step whole or not at all", () => {
    const broken = { version: 1, sql: "create table good (a); create table bad (;" };

    expect(() => migrate(database, [broken])).toThrow();

    expect([readSchemaVersion(database), listSchema()]).toEqual([0, []]);
  });

  it("refuses a store of a later release, and leaves it alone", async () => {
    database.script("pragma user_version = 99");

    await expect(createSqliteStore({ folder })).rejects.toMatchObject({
      code: "STORE_TOO_NEW",
      details: { found: 99, newest: MIGRATIONS.length },
    });
    expect([readSchemaVersion(database), listSchema()]).toEqual([99, []]);
  });
});
