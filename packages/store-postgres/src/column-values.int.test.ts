import pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { toBooleanArray, toNumberArray, toTextArray } from "./column-values.ts";
import { startTestServer, type TestServer } from "./testing/test-server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

it("gives the server lists as they are: nulls, quotes, other alphabets, large and negative numbers, none at all", async () => {
  const client = new pg.Client(server.url);
  await client.connect();
  const texts = ["", 'a "quote", {braces} \\', null, "ünï🦄", "NULL"];
  const numbers = [0, 1, -1, null, 2 ** 31, -(2 ** 33) - 5, Number.MAX_SAFE_INTEGER];

  const { rows } = await client.query(
    "select $1::text[] as texts, $2::int8[] as numbers, $3::bool[] as flags, $4::text[] as nothing",
    [toTextArray(texts), toNumberArray(numbers), toBooleanArray([true, false]), toTextArray([])],
  );

  await client.end();
  const expected = numbers.map((number) => (number === null ? null : String(number)));
  expect(rows).toEqual([{ texts, numbers: expected, flags: [true, false], nothing: [] }]);
});
