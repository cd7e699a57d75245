import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readEventStream, type StreamEvent } from "./event-stream.ts";

function toBody(text: string, cuts: readonly number[] = []): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  const places = [0, ...[...cuts].sort((a, b) => a - b), bytes.length];
  const parts = places.slice(1).map((end, index) => bytes.slice(places[index], end));
  return new ReadableStream({
    start(controller) {
      for (const part of parts) controller.enqueue(part);
      controller.close();
    },
  });
}

async function readAll(body: ReadableStream<Uint8Array>): Promise<StreamEvent[]> {
  const events: StreamEvent[] = [];
  for await (const event of readEventStream(body)) events.push(event);
  return events;
}

describe("readEventStream", () => {
  it("reads events, ids and retries, and passes comments over", async () => {
    const text = "retry: 2000\nid: 7\nevent: ready\ndata: {}\n\n: alive\n\ndata: a\ndata:b\n\nevent: x\n\n";

    expect(await readAll(toBody(text))).toEqual([
      { name: "ready", data: "{}", id: "7", retryMs: 2000 },
      { name: "message", data: "a\nb" },
    ]);
  });

  it("reads the same however the bytes are cut, with every kind of line end", async () => {
    const events = fc.array(fc.string({ unit: fc.constantFrom("a", "é", "😀", ":", " ", "{") }), {
      minLength: 1,
      maxLength: 4,
    });
    await fc.assert(
      fc.asyncProperty(events, fc.constantFrom("\n", "\r\n"), fc.array(fc.nat(200)), async (datas, end, cuts) => {
        const text = datas.map((data) => `data: ${data}${end}${end}`).join("");
        const size = new TextEncoder().encode(text).length;

        const read = await readAll(
          toBody(
            text,
            cuts.filter((cut) => cut <= size),
          ),
        );

        expect(read.map(({ data }) => data)).toEqual(datas);
      }),
    );
  });

  it("gives no event that was cut off", async () => {
    expect(await readAll(toBody("data: a\n\ndata: b\n"))).toEqual([{ name: "message", data: "a" }]);
  });

  it("does not hold a line without end", async () => {
    await expect(readAll(toBody("x".repeat(4_200_000)))).rejects.toMatchObject({ code: "SERVER_ERROR" });
  });
});
