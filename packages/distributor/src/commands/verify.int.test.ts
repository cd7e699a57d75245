import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type CommandWorld, createCommandWorld } from "../testing/a-command-world.ts";

let world: CommandWorld;
beforeEach(() => {
  world = createCommandWorld();
});
afterEach(() => world.remove());

const VERSION = { name: "billing-api", version: "1.4.2" };
const CONSUMER = { account: "222233334444", region: "eu-west-1", bucket: "target" };
const FILE = { key: "billing-api/1.4.2/app.zip", size: 3, sha256: "a".repeat(64) };
const MANIFEST = { v: 1, ...VERSION, createdAt: "2026-01-01T00:00:00Z", files: [FILE] };

function answer(manifest: unknown): void {
  world.answers.show = () => ({ ...VERSION, manifest, cells: [] });
}

describe("artifacts verify with an invalid manifest", () => {
  it.each<[string, unknown]>([
    ["nothing", undefined],
    ["null", null],
    ["a text", "{}"],
    ["a list", [MANIFEST]],
    ["a later version of manifests", { ...MANIFEST, v: 2 }],
    ["no files", { ...MANIFEST, files: [] }],
    ["a key that leads elsewhere", { ...MANIFEST, files: [{ ...FILE, key: "billing-api/../../other" }] }],
    ["a key of the consumer's own", { ...MANIFEST, files: [{ ...FILE, key: ".stackyard/known/a" }] }],
    ["one key twice", { ...MANIFEST, files: [FILE, FILE] }],
    ["a size below nothing", { ...MANIFEST, files: [{ ...FILE, size: -1 }] }],
    ["a size beyond all", { ...MANIFEST, files: [{ ...FILE, size: 1e300 }] }],
    ["an invalid digest", { ...MANIFEST, files: [{ ...FILE, sha256: "../secret" }] }],
    ["another artifact's name", { ...MANIFEST, name: "other" }],
    ["another version", { ...MANIFEST, version: "1.4.3" }],
  ])("rejects %s, and reads and reports nothing", async (_what, manifest) => {
    for (const place of [{}, CONSUMER]) {
      answer(manifest);

      await expect(world.run("artifacts verify", { ...VERSION, ...place })).rejects.toMatchObject({
        code: "SERVER_ERROR",
        message: expect.stringMatching(/^The distributor returned an invalid manifest of billing-api 1\.4\.2: \S/),
      });
    }

    expect(world.sim.calls).toEqual([]);
    expect(world.asked.map(({ op }) => op)).toEqual(["show", "show"]);
  });

  it("repeats nothing that moves a cursor, turns a direction or breaks a line", async () => {
    const odd = "\u001b[2J\u202e\n\u0007";
    answer({ [`a${odd}b`.repeat(200)]: 1, ...MANIFEST });

    const told = await world.run("artifacts verify", VERSION).then(
      () => "",
      (error: Error) => error.message,
    );

    expect(told).toMatch(/^The distributor returned an invalid manifest/);
    expect(told).not.toMatch(/\p{Cc}|\u202e/u);
    expect(told.length).toBeLessThan(400);
  });

  it("shows a hostile name that may stand as what it is: no more than text of one line", async () => {
    answer({ ...MANIFEST, files: [{ ...FILE, key: "billing-api/1.4.2/a\u202eb\u200bc" }] });

    const { exitCode, text } = await world.run("artifacts verify", VERSION);

    expect(exitCode).toBe(1);
    expect(text).toBe("billing-api 1.4.2 in source: 1 of 1 file do not match.\nmissing  billing-api/1.4.2/abc");
  });
});
