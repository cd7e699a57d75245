import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readErrorAnswer } from "./read-error-answer.ts";

async function* stream(...texts: readonly string[]) {
  for (const text of texts) yield Buffer.from(text);
}

describe("readErrorAnswer", () => {
  it("finds code and message, also where they come in pieces", async () => {
    const words = await readErrorAnswer(
      stream(
        '<?xml version="1.0"?>\n<Error><Co',
        "de>AccessDenied</Code><Message>Request has ",
        "expired</Message></Error>",
      ),
    );

    expect(words).toEqual({ code: "AccessDenied", message: "Request has expired" });
  });

  it.each([["<html>no</html>"], ["<Code>"], ["<Code></Code>"], ["<Code>a b</Code>"], ["</Code><Code>"], [""]])(
    "finds nothing in %s",
    async (text) => expect(await readErrorAnswer(stream(text))).toEqual({}),
  );

  it("reads 64 KiB and no more", async () => {
    let read = 0;
    async function* endless() {
      for (;;) {
        read += 1_024;
        yield Buffer.alloc(1_024, "x");
      }
    }

    expect(await readErrorAnswer(endless())).toEqual({});
    expect(read).toBe(65_536);
  });

  it("gives what it has of a body that breaks: nothing", async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("<Code>AccessDenied</Code>");
      throw new Error("reset");
    }

    expect(await readErrorAnswer(broken())).toEqual({});
  });

  it("takes any bytes", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom("<Code>", "</Code>", "<Message>", "</Message>", "a", "<", "é")),
        async (parts) => {
          const { code = "", message = "" } = await readErrorAnswer(stream(...parts));
          expect(`${code}${message}`).not.toContain("<");
        },
      ),
    );
  });
});
