import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { anyCharacter } from "../testing/any-character.ts";
import { parseStrictJson, readBytes } from "./read-body.ts";

const nest = (depth: number) => "[".repeat(depth) + "]".repeat(depth);

describe("parseStrictJson", () => {
  it("returns the same as JSON.parse for values of bounded depth", () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 10 }), (text) => {
        fc.pre(!text.includes("__proto__"));
        expect(parseStrictJson(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  it("throws nothing but USAGE, whatever the text", () => {
    fc.assert(
      fc.property(fc.string({ unit: anyCharacter, maxLength: 40 }), (text) => {
        try {
          parseStrictJson(text);
        } catch (error) {
          expect(error).toMatchObject({ code: "USAGE", status: 400 });
        }
      }),
    );
  });

  it("takes 32 levels and refuses 33", () => {
    expect(() => parseStrictJson(nest(32))).not.toThrow();
    expect(() => parseStrictJson(nest(33))).toThrow("nests deeper");
  });

  it("does not run out of stack on half a million levels", () => {
    expect(() => parseStrictJson(nest(500_000))).toThrow(/nests deeper|not JSON/);
  });

  it.each(['{"__proto__": {}}', '{"a": [{"__proto__": {"b": 1}}]}', '{"__pr\\u006fto__": 1}'])("rejects %s", (text) => {
    expect(() => parseStrictJson(text)).toThrow("__proto__");
  });

  it("keeps other names of prototypes as plain keys", () => {
    expect(parseStrictJson('{"constructor": 1, "toString": 2}')).toEqual({ constructor: 1, toString: 2 });
  });
});

describe("readBytes", () => {
  it("blames the sender for a body that breaks off", async () => {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new Uint8Array([0x7b]));
      },
      pull(controller) {
        controller.error(new Error("aborted"));
      },
    });
    const request = new Request("http://localhost/", { method: "POST", body, duplex: "half" } as RequestInit);

    await expect(readBytes(request, 100)).rejects.toMatchObject({ status: 400, code: "USAGE" });
  });
});
