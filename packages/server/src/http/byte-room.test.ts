import { describe, expect, it, onTestFinished, vi } from "vitest";
import { createByteRoom } from "./byte-room.ts";

/** A request whose body sends pieces as told, and stays open. */
function aSender() {
  const stream = new TransformStream<Uint8Array, Uint8Array>();
  const writer = stream.writable.getWriter();
  const init = { method: "POST", body: stream.readable, duplex: "half" } as const;
  return {
    request: new Request("http://127.0.0.1/", init),
    send: (bytes: number) => writer.write(new Uint8Array(bytes)),
    end: () => writer.close(),
  };
}

describe("a room for bodies", () => {
  const input = { maxBytes: 40, caller: "ann" };

  it("is one for all: what does not fit is told to come again, and fits when another has ended", async () => {
    const room = createByteRoom(100);
    const [first, second] = [aSender(), aSender()];
    const reads = [first, second].map(({ request }, index) =>
      room.read(request, { ...input, caller: `c${index}` }, async (bytes) => bytes.byteLength),
    );
    await Promise.all([first.send(40), second.send(40)]);

    const refused = room.read(
      new Request("http://127.0.0.1/", { method: "POST", body: "x".repeat(30) }),
      input,
      async () => 0,
    );
    await expect(refused).rejects.toMatchObject({ code: "RATE_LIMITED", details: { retryAfterMs: 2_000 } });

    await first.end();
    expect(await reads[0]).toBe(40);
    const later = new Request("http://127.0.0.1/", { method: "POST", body: "x".repeat(30) });
    expect(await room.read(later, input, async (bytes) => bytes.byteLength)).toBe(30);
    await second.end();
    expect(await reads[1]).toBe(40);
  });

  it("keeps the place of a body until the work with it has ended, and after a failure gives it back", async () => {
    const room = createByteRoom(60);
    const send = (work: () => Promise<void>) =>
      room.read(new Request("http://127.0.0.1/", { method: "POST", body: "x".repeat(30) }), input, work);

    await expect(send(() => send(async () => undefined))).rejects.toMatchObject({ code: "RATE_LIMITED" });
    await expect(send(() => Promise.reject(new Error("no")))).rejects.toThrow("no");
    await send(async () => undefined);
  });

  it("does not wait for the end of a request that has taken too long", async () => {
    const room = createByteRoom(60);
    const { request, send, end } = aSender();
    const limit = new AbortController();
    const read = room.read(request, { ...input, signal: limit.signal }, async () => undefined);
    await send(30);
    limit.abort();

    await room.read(
      new Request("http://127.0.0.1/", { method: "POST", body: "x".repeat(30) }),
      input,
      async () => undefined,
    );
    await end();
    await read;
  });

  it("gives one caller no more than the half", async () => {
    const room = createByteRoom(60);
    const { request, send, end } = aSender();
    const read = room.read(request, input, async () => undefined);
    await send(20);
    const body = () => new Request("http://127.0.0.1/", { method: "POST", body: "x".repeat(20) });

    await expect(room.read(body(), input, async () => undefined)).rejects.toMatchObject({ code: "RATE_LIMITED" });
    await room.read(body(), { ...input, caller: "ben" }, async () => undefined);
    await end();
    await read;
  });

  it("is also for what is given out, until its receiver has it, or is gone", async () => {
    const room = createByteRoom(400_000);
    const give = (caller: string) => room.write({ bytes: 200_000, caller }, async () => new Uint8Array(200_000));
    const first = await give("ann");
    await give("ben").then((second) => {
      return expect(give("cat"))
        .rejects.toMatchObject({ code: "RATE_LIMITED" })
        .then(() => second.cancel());
    });

    expect((await new Response(first).bytes()).length).toBe(200_000);
    await Promise.all([await give("ann"), await give("ben")].map((each) => each.cancel()));
    await expect(room.write({ bytes: 9, caller: "ann" }, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
    await give("ann");
  });

  it("is also for work with bytes in memory, whatever its end", async () => {
    const room = createByteRoom(60);
    const hold = (work: () => Promise<unknown>) => room.hold({ bytes: 30, caller: "ann" }, work);

    await expect(hold(() => hold(async () => undefined))).rejects.toMatchObject({ code: "RATE_LIMITED" });
    await expect(hold(() => Promise.reject(new Error("no")))).rejects.toThrow("no");
    expect(await hold(async () => 1)).toBe(1);
  });

  it("does not wait for a receiver that takes nothing", async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const room = createByteRoom(400_000);
    const give = () => room.write({ bytes: 200_000, caller: "ann" }, async () => new Uint8Array(200_000));
    const reader = (await give()).getReader();
    await reader.read();
    await expect(give()).rejects.toMatchObject({ code: "RATE_LIMITED" });

    vi.advanceTimersByTime(30_000);

    await expect(reader.read()).rejects.toThrow("took nothing for too long");
    await give();
  });
});
