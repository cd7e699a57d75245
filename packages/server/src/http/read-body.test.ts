import { describe, expect, it } from "vitest";
import { readBytes } from "./route.ts";

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
