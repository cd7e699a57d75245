import { describe, expect, it } from "vitest";
import { createTextCipher } from "./text-cipher.ts";

describe("createTextCipher", () => {
  const cipher = createTextCipher("a long random text");

  it("gives back what it has hidden", () => {
    for (const text of ["", "https://x?Signature=y", "ä😀".repeat(5_000)]) {
      expect(cipher.open(cipher.seal(text, "r-1"), "r-1")).toBe(text);
    }
  });

  it("hides, each time otherwise", () => {
    expect(cipher.seal("secret", "r-1")).not.toBe(cipher.seal("secret", "r-1"));
    expect(Buffer.from(cipher.seal("secret", "r-1"), "base64").toString("latin1")).not.toContain("secret");
  });

  it("opens nothing of another request, under another key, or changed", () => {
    const sealed = cipher.seal("secret", "r-1");
    const bytes = Buffer.from(sealed, "base64");
    bytes.writeUInt8((bytes.at(-1) ?? 0) ^ 1, bytes.length - 1);

    expect(() => cipher.open(sealed, "r-2")).toThrow();
    expect(() => createTextCipher("another").open(sealed, "r-1")).toThrow();
    expect(() => cipher.open(bytes.toString("base64"), "r-1")).toThrow();
    expect(() => cipher.open("", "r-1")).toThrow();
  });
});
