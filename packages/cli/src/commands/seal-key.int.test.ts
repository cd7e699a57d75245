import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createSealer, parseSealKeys, sealStore } from "@stackyard/core/services";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseLines, runCli, startCli } from "../testing/run-cli.ts";
import { makeSharedStore } from "../testing/shared-store.ts";
import { makeTempProject } from "../testing/temp-project.ts";

const MACHINE = `version: 2
events: [OPEN]
metadata:
  password: { type: string, sensitive: true }
states:
  INIT: { on: { OPEN: UP } }
  UP: {}
`;
const PASSWORD = "Oc1-secret-of-a-stack-on-disk";
const NEW_KEY = Buffer.alloc(32, 7).toString("base64");

const { files, store: shared } = makeSharedStore();
let cwd = "";
let remove = () => {};
const run = (words: readonly string[], env = {}) => runCli(words, { cwd, env });

/** Starts a yard, and ends it. Returns what it printed if it did not start. */
async function startDev(env = {}): Promise<string> {
  const dev = startCli(["dev", "--port", "0"], { cwd, env });
  const ready = dev.line((line) => line.includes("Ctrl-C stops"));
  const started = await ready.then(
    () => true,
    () => false,
  );
  if (started) dev.interrupt();
  return (await dev.result).stderr;
}

beforeEach(async () => {
  ({ folder: cwd, remove } = makeTempProject({
    ...files,
    "stackyard.config.json": JSON.stringify({ dataDir: "dev" }),
    "machines/m.yaml": MACHINE,
  }));
  const dev = startCli(["dev", "--port", "0"], { cwd });
  await dev.line((line) => line.includes("Ctrl-C stops"));
  await run(["send", "pr-1", "OPEN", "--machine", "m", "--metadata", `password=${PASSWORD}`, "--wait"]);
  dev.interrupt();
  await dev.result;
});
afterEach(() => remove());

describe("the seal key of a data folder", () => {
  it("keeps sensitive values out of its files, and is needed with a backup of them", async () => {
    const folder = join(cwd, "dev");
    const backup = await run(["backup", "yard.backup"]);
    rmSync(join(folder, "stackyard.db"));
    renameSync(join(folder, "seal-key"), join(cwd, "kept"));
    const restored = await run(["restore", "yard.backup", "--replace"]);

    const withoutKey = await startDev();

    const bytes = readdirSync(folder).map((name) => readFileSync(join(folder, name)));
    expect(Buffer.concat(bytes).includes(PASSWORD)).toBe(false);
    expect(backup.stderr).toContain("seal-key only, which is not part of it");
    expect([restored.exitCode, readdirSync(folder).includes("seal-key")]).toEqual([0, false]);
    expect(withoutKey).toMatch(/SEAL_KEY_MISSING .*sealed with the key [0-9a-f]{16}/);
    expect(withoutKey).toContain(`restore the file ${join(folder, "seal-key")}`);
    renameSync(join(cwd, "kept"), join(folder, "seal-key"));
    expect(await startDev()).not.toContain("SEAL_KEY_MISSING");
  });

  it("is replaced by a new one with reseal", async () => {
    const file = join(cwd, "dev", "seal-key");
    const old = readFileSync(file, "utf8").trim();
    writeFileSync(file, `${NEW_KEY}\n${old}\n`);

    const resealed = await run(["reseal"]);
    writeFileSync(file, NEW_KEY);
    const again = await run(["reseal", "--json"]);
    const withOldKey = await startDev({ STACKYARD_SEAL_KEY: old });

    const { keyId } = createSealer(parseSealKeys(NEW_KEY, "test"));
    expect(resealed.stderr).toBe("");
    expect(resealed.stdout).toContain(`Sealed the sensitive values of 1 stack with the key ${keyId}.`);
    expect(parseLines(again.stdout)[0]).toMatchObject({ resealed: 0, unreadable: [], olderDeadLetters: 0, keyId });
    expect(withOldKey).toContain(`sealed with the key ${keyId}, which this process does not have`);
    expect(await startDev()).not.toContain("SEAL_KEY_MISSING");
  });

  it("goes with the store to another one, where values stay sealed", async () => {
    const key = readFileSync(join(cwd, "dev", "seal-key"), "utf8");
    writeFileSync(join(cwd, "stackyard.config.json"), JSON.stringify({ store: "./store.mjs" }));

    const { exitCode, stderr } = await run(["migrate", "--from", "dev"]);

    expect([exitCode, stderr]).toEqual([0, expect.stringContaining("servers and workers do not start without it")]);
    const [raw] = await shared.load(["pr-1"]);
    expect(raw?.stack?.metadata["password"]).toMatch(/^\$sealed:1:/);
    const [opened] = await sealStore(shared, createSealer(parseSealKeys(key, "test"))).load(["pr-1"]);
    expect(opened?.stack?.metadata["password"]).toBe(PASSWORD);
    const server = await run(["server", "--with-worker", "--port", "0", "--no-token"]);
    expect(server.stderr).toContain("SEAL_KEY_MISSING");
  });

  it("is not created by reseal in a project that has no key", async () => {
    writeFileSync(join(cwd, "stackyard.config.json"), JSON.stringify({ store: "./store.mjs" }));

    const { exitCode, stderr } = await run(["reseal"]);

    expect([exitCode, stderr]).toEqual([3, expect.stringMatching(/No seal key is configured|SEAL_KEY_MISSING/)]);
  });

  it("is made in a store of several processes without one, and doctor says where", async () => {
    const { store } = makeSharedStore();
    writeFileSync(join(cwd, "stackyard.config.json"), JSON.stringify({ store: "./store.mjs" }));
    const server = startCli(["server", "--with-worker", "--port", "0", "--no-token"], { cwd });
    const line = await server.line((each) => each.includes("http://127.0.0.1:"));
    const [url = ""] = /http:\/\/127\.0\.0\.1:\d+/.exec(line) ?? [];

    const password = ["--metadata", `password=${PASSWORD}`, "--wait"];
    await run(["send", "pr-2", "OPEN", "--machine", "m", ...password, "--url", url]);
    const [raw] = await store.load(["pr-2"]);
    const doctor = await run(["doctor", "--json"]);
    server.interrupt();
    await server.result;

    expect(raw?.stack?.metadata["password"]).toMatch(/^\$sealed:1:/);
    expect(doctor.stdout).toMatch(/seals with a key of its own, in its store \(record seal\/own\/key\)/);
    expect(doctor.stdout).toContain("set STACKYARD_SEAL_KEY in all processes");
  });
});
