import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { planFanOut } from "./fan-out.ts";
import { anArtifact } from "./testing/an-artifact.ts";

const place = (index: number) => ({ account: String(100_000_000_000 + index), region: "eu-west-1" });
const places = (count: number) => Array.from({ length: count }, (_, index) => place(index));

function tell(...input: Parameters<typeof planFanOut>) {
  return [...planFanOut(...input)].map(({ afterMs, messages }) => ({
    afterMs,
    messages: messages.map(
      ({ file, target }) => `${file.key.split("/").at(-1)} ${target === "ALL" ? "ALL" : target.account}`,
    ),
  }));
}

describe("planFanOut", () => {
  it("sends a new version to all consumers at once, in batches of ten, twenty a second", () => {
    const batches = tell([{ artifact: anArtifact(25) }], "ALL");

    expect(batches.map(({ afterMs, messages }) => [afterMs, messages.length])).toEqual([
      [0, 10],
      [500, 10],
      [1_000, 5],
    ]);
    expect(batches[0]?.messages[0]).toBe("0.zip ALL");
  });

  it("goes file by file over the consumers that are named", () => {
    const batches = tell([{ artifact: anArtifact(2) }], places(2));

    expect(batches).toEqual([
      {
        afterMs: 0,
        messages: ["0.zip 100000000000", "0.zip 100000000001", "1.zip 100000000000", "1.zip 100000000001"],
      },
    ]);
  });

  it("sends only the requested files", () => {
    const keys = ["billing-api/1.4.2/1.zip", "elsewhere"];

    expect(tell([{ artifact: anArtifact(3), keys }], "ALL").flatMap(({ messages }) => messages)).toEqual(["1.zip ALL"]);
  });

  it("sends nothing without recipients", () => {
    expect(tell([{ artifact: anArtifact(3) }], [])).toEqual([]);
  });

  it("holds no more than the present batch", () => {
    let taken = 0;
    function* items() {
      for (;;) {
        taken += 1;
        yield { artifact: anArtifact(1) };
      }
    }

    const plan = planFanOut(items(), "ALL");
    plan.next();

    expect(taken).toBe(10);
  });

  it("gives each consumer each file once, in order, and keeps both paces", () => {
    const shape = fc.record({
      versions: fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 4 }),
      consumers: fc.integer({ min: 1, max: 40 }),
      perConsumerPerSecond: fc.integer({ min: 1, max: 30 }),
      perSecond: fc.integer({ min: 1, max: 400 }),
    });
    fc.assert(
      fc.property(shape, ({ versions, consumers, ...pace }) => {
        const items = versions.map((files) => ({ artifact: anArtifact(files) }));

        const batches = [...planFanOut(items, places(consumers), pace)];

        const total = versions.reduce((sum, files) => sum + files, 0);
        const sent = batches.flatMap(({ afterMs, messages }) => messages.map((each) => ({ ...each, afterMs })));
        const byConsumer = Map.groupBy(sent, ({ target }) => JSON.stringify(target));
        expect(byConsumer.size).toBe(total === 0 ? 0 : consumers);
        for (const own of byConsumer.values()) {
          expect(own.map(({ file }) => file.key)).toEqual(
            items.flatMap(({ artifact }) => artifact.manifest.files.map(({ key }) => key)),
          );
          // A batch brings its messages at the time of its first.
          expectPace(own, pace.perConsumerPerSecond);
        }
        expectPace(sent, pace.perSecond);
        expect(batches.every(({ messages }) => messages.length >= 1 && messages.length <= 10)).toBe(true);
      }),
    );
  });
});

function expectPace(sent: readonly { readonly afterMs: number }[], perSecond: number): void {
  const tooSoon = sent.filter(
    ({ afterMs }, index) => afterMs < (sent[index - 1]?.afterMs ?? 0) || index - 9 > (afterMs * perSecond) / 1_000,
  );
  expect(tooSoon).toEqual([]);
}
