import { settlePromises } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { createMemoryRoom } from "./memory-room.ts";

describe("the room for bytes", () => {
  it("serves who came first, also when others would fit", async () => {
    const room = createMemoryRoom(10);
    const served: string[] = [];
    const take = (name: string, bytes: number) => room.take(bytes).then(() => served.push(name));

    await take("a", 6);
    const waiting = [take("b", 8), take("c", 2)];
    await settlePromises();
    expect(served).toEqual(["a"]);
    room.give(6);
    await Promise.all(waiting);

    expect(served).toEqual(["a", "b", "c"]);
  });

  it("gives all there is to whoever asks for more", async () => {
    expect(await createMemoryRoom(10).take(50)).toBe(10);
  });
});
