import { describe, expect, it } from "vitest";
import { createFeed } from "./feed.ts";

const never = new AbortController().signal;

describe("a feed", () => {
  it("gives the next thing that fits", async () => {
    const feed = createFeed<number>({ signal: never, waitMs: 60_000 });
    feed.push(2);
    const even = feed.next("a number was even", (item) => item % 2 === 0);

    for (const item of [3, 4, 6]) feed.push(item);

    expect(await even).toBe(4);
  });

  it("says what did not come in time", async () => {
    const feed = createFeed<number>({ signal: never, waitMs: 10 });

    await expect(feed.next("a number came", () => true)).rejects.toThrow("0.01 s were over before a number came.");
  });

  it("ends its waits when nothing more will come, those that begin later too", async () => {
    const end = new AbortController();
    const feed = createFeed<number>({ signal: end.signal, waitMs: 60_000 });
    const waiting = feed.next("a number came", () => true);

    end.abort(new Error("It is over."));

    await expect(waiting).rejects.toThrow("It is over.");
    await expect(feed.next("another came", () => true)).rejects.toThrow("It is over.");
  });
});
