// @module-tag promise
import { type AttributeValue, paginateScan } from "@aws-sdk/client-dynamodb";
import { createSealer } from "@stackyard/core/services";
import { findSecretsIn, playSecretLife } from "@stackyard/core/testing";
import { afterAll, beforeAll, expect, it } from "vitest";
import { unpack } from "./stack-item.ts";
import { startTestTables, type TestTables } from "./testing/test-tables.ts";

let tables: TestTables;
beforeAll(async () => {
  tables = await startTestTables();
});
afterAll(() => tables.stop());

/** Returns a stored attribute, and what is packed in it. */
function toTexts(value: AttributeValue): readonly string[] {
  if (value.B === undefined) return [JSON.stringify(value)];
  const bytes = Buffer.from(value.B);
  const raw = [bytes.toString("utf8"), bytes.toString("latin1")];
  try {
    return [...raw, JSON.stringify(unpack(value.B, "it"))];
  } catch {
    return raw;
  }
}

async function readAll(table: string): Promise<Uint8Array> {
  const texts: string[] = [];
  for (const TableName of [table, `${table}-work`]) {
    for await (const page of paginateScan({ client: tables.client }, { TableName })) {
      for (const item of page.Items ?? []) texts.push(...Object.values(item).flatMap(toTexts));
    }
  }
  return Buffer.from(texts.join("\n"));
}

// cromwell#1638, airbyte#14334, harness#2879, syndesis#3401, open-science#1818: secrets are in the rows, the log of writes or the dump.
it("has no sensitive value in its items after a whole life of a stack, in any encoding", async () => {
  const table = tables.newTable();

  const life = await playSecretLife(await tables.open({ table }), createSealer([new Uint8Array(32).fill(1)]));

  expect(findSecretsIn(await readAll(table), life)).toEqual([]);
});

it("has those that were not replaced without a key, so that the search finds them", async () => {
  const table = tables.newTable();

  const life = await playSecretLife(await tables.open({ table }), undefined);

  const { metadata: _, kept: __, ...left } = life.secrets;
  expect(findSecretsIn(await readAll(table), life)).toEqual(Object.keys(left));
});
