import { chmodSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { parseLines, runCli, startCli } from "../testing/run-cli.ts";
import { makeTempProject } from "../testing/temp-project.ts";

const page = readFileSync(new URL("../../../../docs/commands.md", import.meta.url), "utf8");
const shown = [...page.matchAll(/^```\w+\n(?:#|\/\/) file: (\S+)\n(.*?)^```$/gms)].map(
  ([, path = "", text = ""]) => [path, text] as const,
);

/** Clients of other tools, which note how they were called. */
const CLIENTS: Readonly<Record<string, string>> = {
  psql: 'echo "psql $*" >> calls',
  helm: 'echo "helm $*" >> calls; if [ "$1" = get ]; then echo hunter2-of-the-chart; else echo "release $3"; fi',
  // Not there yet at the first call.
  curl: 'echo "curl $*" >> calls; [ -e asked ] || { touch asked; exit 7; }',
  pulumi: `echo "pulumi $*" >> calls; if [ "$1" = stack ]; then echo '{ "vpc": "vpc-1", "zones": ["a", "b"] }'; fi`,
};

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** Starts `dev` over the files of the page. */
async function startPage() {
  const clients = Object.entries(CLIENTS).map(([name, text]) => [`bin/${name}`, `#!/bin/sh\n${text}\n`] as const);
  const machines = shown.filter(([path]) => !path.endsWith(".ts"));
  const config = JSON.stringify({ executors: { command: readOptions() } });
  const { folder: cwd, remove } = makeTempProject({
    ...Object.fromEntries([...clients, ...machines]),
    "stackyard.config.json": config,
  });
  cleanUps.push(remove);
  for (const [path] of [...clients, ...machines]) if (!path.endsWith(".yaml")) chmodSync(join(cwd, path), 0o755);
  const env = { PATH: `${cwd}/bin:/usr/bin:/bin`, DATABASE: "postgres://orders" };
  const dev = startCli(["dev", "--port", "0", "--json"], { cwd, env });
  cleanUps.push(() => {
    dev.interrupt();
    return dev.result;
  });
  await dev.line((line) => line.includes('"kind":"ready"'));
  const send = (...words: string[]) => runCli(["send", ...words, "--timeout", "60s"], { cwd });
  const listCalls = () =>
    existsSync(join(cwd, "calls")) ? readFileSync(join(cwd, "calls"), "utf8").trim().split("\n") : [];
  return { cwd, env, send, listCalls };
}

/** The options that the page shows, and the variable that it tells to pass. */
function readOptions(): object {
  const text = shown.find(([path]) => path === "stackyard.config.ts")?.[1] ?? "";
  const rules = [...text.matchAll(/\{ program: "([^"]+)", machines: \[([^\]]+)\] \}/g)];
  const allow = rules.map(([, program, machines = ""]) => ({ program, machines: JSON.parse(`[${machines}]`) }));
  return { allow, passEnvironment: ["DATABASE"] };
}

describe("the machines of docs/commands.md", () => {
  it("migrate, roll out with outputs, test until the application answers, and remove", async () => {
    const { cwd, send, listCalls } = await startPage();

    const released = await send(
      "shop-1",
      "RELEASED",
      "--machine",
      "shop",
      "--metadata",
      "version=7",
      "--until",
      "LIVE",
    );
    const stack = await runCli(["stacks", "show", "shop-1", "--json"], { cwd });
    const logs = await runCli(["logs", "shop-1"], { cwd });
    const closed = await send("shop-1", "CLOSED", "--until", "removed");

    expect([released.stderr, released.exitCode, closed.exitCode]).toEqual([expect.any(String), 0, 0]);
    expect(listCalls()).toEqual([
      "psql postgres://orders --file migrations/7.sql --set ON_ERROR_STOP=1 --single-transaction",
      "helm upgrade --install shop-1 ./chart --set version=7 --wait",
      "helm get notes shop-1",
      "curl --fail --silent --max-time 10 https://shop-1.example.com/health",
      "curl --fail --silent --max-time 10 https://shop-1.example.com/health",
      "helm uninstall shop-1 --ignore-not-found",
    ]);
    expect(parseLines(stack.stdout.replaceAll("\n", ""))[0]).toMatchObject({
      metadata: { url: "https://shop-1.example.com" },
    });
    expect(stack.stdout + logs.stdout).not.toContain("hunter2");
  });

  it("bring up a stack of Pulumi with its outputs, and take it down", async () => {
    const { send, listCalls } = await startPage();

    const opened = await send("net-1", "OPENED", "--machine", "network", "--until", "LIVE");
    const closed = await send("net-1", "CLOSED", "--until", "removed");

    expect([opened.exitCode, closed.exitCode]).toEqual([0, 0]);
    expect(listCalls()).toEqual([
      "pulumi up --yes --stack net-1",
      "pulumi stack output --json --stack net-1",
      "pulumi destroy --yes --stack net-1",
    ]);
  });
});
