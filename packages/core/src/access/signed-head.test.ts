import { describe, expect, it } from "vitest";
import { createMemoryRecords } from "../memory/memory-records.ts";
import { readSignedHead, signHead } from "./signed-head.ts";

const clock = { now: () => 1_000 };
const HEAD = { seq: 7, hash: "ab".repeat(32), at: 5_000 };

describe("a signed head of the audit log", () => {
  it("says what was signed, with the key of the yard, which all its processes share", async () => {
    const records = createMemoryRecords();

    const [first, second] = await Promise.all([1, 2].map(() => signHead({ records, clock }, HEAD)));

    expect(second?.key).toBe(first?.key);
    expect(readSignedHead(first?.signed ?? "", second?.key ?? "")).toEqual(HEAD);
  });

  it("is nothing with the key of another yard, a changed part, or another algorithm", async () => {
    const { signed, key } = await signHead({ records: createMemoryRecords(), clock }, HEAD);
    const other = await signHead({ records: createMemoryRecords(), clock }, HEAD);
    const [header = "", content = "", signature = ""] = signed.split(".");
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const later = encode({ seq: 8, hash: HEAD.hash, at: "1970-01-01T00:00:05.000Z" });

    for (const forged of [
      other.signed,
      `${header}.${later}.${signature}`,
      `${encode({ alg: "none" })}.${content}.`,
      `${encode({ alg: "HS256" })}.${content}.${signature}`,
      `${signed}.more`,
      `${header}.${content}`,
      "..",
      "",
    ])
      expect(readSignedHead(forged, key)).toBeUndefined();
  });
});
