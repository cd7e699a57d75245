import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, it } from "vitest";
import { backUp } from "./backup.ts";
import { openDatabase } from "./schema.ts";

let root = "";

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "stackyard-backup-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

it("copies what was committed while a write is under way", async () => {
  const database = openDatabase(join(root, "yard.db"));
  database.script("create table note (text); insert into note values ('committed');");
  database.run("begin immediate");
  database.run("insert into note values ('under way')");

  await backUp(join(root, "yard.db"), join(root, "yard.backup"));

  database.run("commit");
  database.close();
  const copy = new DatabaseSync(join(root, "yard.backup"), { readOnly: true });
  expect(copy.prepare("select text from note").all()).toEqual([{ text: "committed" }]);
  copy.close();
});
