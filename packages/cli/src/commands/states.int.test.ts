import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { parseLines, runCli, startCli } from "../testing/run-cli.ts";
import { makeTempProject } from "../testing/temp-project.ts";

const KEY = "review-app/pr-1/local/network";
let project: ReturnType<typeof makeTempProject>;
let server: ReturnType<typeof startCli>;
let call: (method: string, body?: object) => Promise<Response>;
beforeAll(async () => {
  project = makeTempProject({ "stackyard.config.json": JSON.stringify({ server: { port: 0 } }) });
  server = startCli(["server", "--with-worker", "--json"], { cwd: project.folder });
  const ready = JSON.parse(await server.line((line) => line.includes('"kind":"ready"')));
  const authorization = `Bearer ${readFileSync(ready.tokenFile, "utf8").trim()}`;
  call = (method, body) =>
    fetch(`${ready.url}/terraform/state/${KEY}`, {
      method,
      headers: { authorization, "content-type": "application/json" },
      ...(body && { body: JSON.stringify(body) }),
    });
});
afterAll(async () => {
  server.interrupt();
  await server.result;
  project.remove();
});

const run = (...words: string[]) => runCli(words, { cwd: project.folder });

it("lists states, restores a missing one and breaks a lock by its id", async () => {
  const state = { version: 4, serial: 1, lineage: "l", outputs: {}, resources: [{}, {}] };
  expect((await call("POST", state)).status).toBe(200);
  await call("DELETE");

  const missing = await run("states", "ls");
  const restored = await run("states", "restore", KEY);
  const [listed] = parseLines((await run("states", "ls", "--prefix", "review-app/", "--json")).stdout);
  const without = await run("states", "restore", KEY, "--from", "9");
  await call("LOCK", { ID: "l1", Who: "ada" });
  const wrong = await run("states", "unlock", KEY, "l2");
  const unlocked = await run("states", "unlock", KEY, "l1");

  expect(missing.stdout).toMatch(/review-app\/pr-1\/local\/network +missing/);
  expect(restored.stdout).toContain("Version 1 is the newest one again, as version 2.");
  expect(listed).toMatchObject({ key: KEY, current: 2 });
  expect([without.exitCode, wrong.exitCode]).not.toContain(0);
  expect(unlocked.stdout).toContain("is unlocked");
});
