import { describe, expect, it } from "vitest";
import { digest, inChunks } from "../testing/a-copier.ts";
import { measureBody } from "./measure-body.ts";

const BYTES = Buffer.from("0123456789");
const EXPECTED = { size: 10, sha256: digest(BYTES) };

async function collect(sent: Buffer, chunk: number) {
  const given: Uint8Array[] = [];
  try {
    for await (const each of measureBody(inChunks(sent, chunk), EXPECTED)) given.push(each);
    return Buffer.concat(given).toString();
  } catch (error) {
    return { given: Buffer.concat(given).length, fault: Reflect.get(Object(error), "fault").code };
  }
}

describe("measureBody", () => {
  it.each([1, 3, 10, 99])("gives what is right, in chunks of %d", async (chunk) => {
    expect(await collect(BYTES, chunk)).toBe("0123456789");
  });

  it.each([1, 3, 10, 99])("never gives all of what is wrong, in chunks of %d", async (chunk) => {
    const wrong = [Buffer.from("0123456780"), Buffer.from("012345678"), Buffer.from("0123456789a"), Buffer.alloc(0)];

    const outcomes = [];
    for (const each of wrong) outcomes.push(await collect(each, chunk));

    expect(outcomes).toEqual([
      { given: expect.any(Number), fault: "SHA256_MISMATCH" },
      { given: expect.any(Number), fault: "SIZE_MISMATCH" },
      { given: expect.any(Number), fault: "SIZE_MISMATCH" },
      { given: 0, fault: "SIZE_MISMATCH" },
    ]);
    for (const outcome of outcomes) expect(Object(outcome).given).toBeLessThan(10);
  });
});
