import { settlePromises } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { createMemoryRoom } from "./memory-room.ts";

describe("the room for bytes", () => {
  it("serves who came first, also when others would fit", async () => {
    const room = createMemoryRoom(10);
    const served: string[] = [];
    const take = (name: string, bytes: number) => room.take(bytes).then(() => served.push(name));

    const first = await room.take(6);
    const waiting = [take("b", 8), take("c", 2)];
    await settlePromises();
    expect(served).toEqual([]);
    room.give(first);
    await Promise.all(waiting);

    expect(served).toEqual(["b", "c"]);
  });

  it("has nobody beside whoever asks for more than there is", async () => {
    const room = createMemoryRoom(10);
    const all = await room.take(50);
    const next = room.take(1);
    await settlePromises();

    expect(all).toHaveLength(50);
    room.give(all);
    expect(await next).toHaveLength(1);
  });

  it("lends again what came back", async () => {
    const room = createMemoryRoom(10);
    const first = await room.take(6);
    room.give(first);

    expect(await room.take(4)).not.toBe(first);
    expect(await room.take(6)).toBe(first);
  });

  it("lets go of what came back where others need the room", async () => {
    const room = createMemoryRoom(10);
    const first = await room.take(6);
    room.give(first);
    room.give(await room.take(5));

    expect(await room.take(6)).not.toBe(first);
  });
});
