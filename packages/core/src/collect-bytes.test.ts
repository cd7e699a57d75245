import { expect, it } from "vitest";
import { collectBytes } from "./collect-bytes.ts";

it("stops reading at the first byte beyond the limit", async () => {
  let given = 0;
  function* endless(): Generator<Uint8Array> {
    for (; ; given += 1) yield new Uint8Array(10);
  }

  expect(await collectBytes(endless(), 25)).toBeUndefined();
  expect(given).toBe(2);
  expect(await collectBytes([Buffer.from("ab"), Buffer.from("c")], 3)).toEqual(Buffer.from("abc"));
});
