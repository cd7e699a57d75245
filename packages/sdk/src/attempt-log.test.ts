import { describe, expect, it } from "vitest";
import { Stackyard } from "./stackyard.ts";

const ID = "pr-12/open/1/app/1";

/** A server with this log that answers as ours does. */
function serve(text: string): Stackyard {
  const log = new TextEncoder().encode(text);
  const answer = (range: string): Response => {
    const [, first = "", last = ""] = /^bytes=(\d*)-(\d*)$/.exec(range) ?? [];
    const from = first === "" ? Math.max(0, log.length - Number(last)) : Number(first);
    const to = first === "" || last === "" ? log.length : Math.min(log.length, Number(last) + 1);
    if (from >= to) {
      const body = {
        status: 416,
        code: "USAGE",
        title: "USAGE",
        detail: "",
        retryable: false,
        details: { size: log.length },
      };
      return new Response(JSON.stringify(body), { status: 416 });
    }
    const headers = { "content-range": `bytes ${from}-${to - 1}/${log.length}` };
    return new Response(log.slice(from, to), { status: 206, headers });
  };
  return new Stackyard({
    url: "http://127.0.0.1:1",
    fetch: async (_, init) => answer(new Headers(init?.headers).get("range") ?? ""),
  });
}

describe("stacks.log", () => {
  const text = "aä€😀z";
  const size = 11;

  it("returns the whole log, a part of it, or its end", async () => {
    const { stacks } = serve(text);

    expect(await stacks.log(ID)).toEqual({ text, from: 0, to: size, size });
    expect(await stacks.log(ID, { from: 1, to: 3 })).toEqual({ text: "ä", from: 1, to: 3, size });
    expect(await stacks.log(ID, { last: 5 })).toEqual({ text: "😀z", from: 6, to: size, size });
  });

  it.each([
    [2, 11, "€😀z", 3, 11],
    [0, 2, "a", 0, 1],
    [1, 5, "ä", 1, 3],
    [3, 9, "€", 3, 6],
    [7, 11, "z", 10, 11],
  ])("cuts no character of the bytes %i to %i", async (from, to, part, first, end) => {
    expect(await serve(text).stacks.log(ID, { from, to })).toEqual({ text: part, from: first, to: end, size });
  });

  it("reads every log in parts of any size from 4 bytes on without losing or repeating a character", async () => {
    const long = "x€ä😀\n".repeat(20);
    const { stacks } = serve(long);
    for (const step of [4, 5, 7, 64]) {
      let read = "";
      let place = 0;
      for (let part = await stacks.log(ID, { from: 0, to: step }); part.text !== ""; ) {
        read += part.text;
        place = part.to;
        part = await stacks.log(ID, { from: place, to: place + step });
      }
      expect(read).toBe(long);
    }
  });

  it("is empty after the end, with the present size", async () => {
    expect(await serve(text).stacks.log(ID, { from: 40 })).toEqual({ text: "", from: 40, to: 40, size });
    expect(await serve("").stacks.log(ID, { last: 10 })).toEqual({ text: "", from: 0, to: 0, size: 0 });
  });
});
