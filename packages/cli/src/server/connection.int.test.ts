import { chmodSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type CliResult, type RunningCli, runCli, startCli } from "../testing/run-cli.ts";
import { makeTempProject } from "../testing/temp-project.ts";

const TOKEN = "t".repeat(43);
const DEAD_PID = 2 ** 30;

let project: ReturnType<typeof makeTempProject>;
let dev: RunningCli | undefined;
const impostors: Server[] = [];
beforeEach(() => {
  project = makeTempProject({ "stackyard.config.json": "{}", ".stackyard/token": `${TOKEN}\n` });
});
afterEach(async () => {
  dev?.interrupt();
  await dev?.result;
  dev = undefined;
  for (const impostor of impostors.splice(0)) impostor.close();
  project.remove();
});

/** A server that is not ours: keeps the head of each request, and answers as the handler says. */
async function startImpostor(answer: (request: IncomingMessage) => Promise<string> | string = () => "{}") {
  const heads: string[] = [];
  const server = createServer(async (request, response) => {
    heads.push(JSON.stringify({ url: request.url, headers: request.rawHeaders }));
    response.setHeader("content-type", "application/json").end(await answer(request));
  });
  impostors.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, heads };
}

const leave = (url: string, pid: number) =>
  writeFileSync(join(project.folder, ".stackyard/server.json"), JSON.stringify({ url, pid, startedAt: "" }));
const list = (env: Readonly<Record<string, string>> = {}) =>
  runCli(["stacks", "ls", "--json"], { cwd: project.folder, env });
const errorOf = ({ stderr }: CliResult) => JSON.parse(stderr).error;

async function startDev() {
  // A token without a store would be a yard that has lost its store.
  rmSync(join(project.folder, ".stackyard/token"));
  dev = startCli(["dev", "--port", "0", "--json"], { cwd: project.folder });
  const { url }: { url: string } = JSON.parse(await dev.line((line) => line.includes('"kind":"ready"')));
  return url;
}

describe("the server of --url", () => {
  it("is named when a page of another one answers, which is no fault of ours", async () => {
    const { url } = await startImpostor(() => "<html>Sign in</html>");

    const result = await list({ STACKYARD_URL: url, STACKYARD_TOKEN: TOKEN });

    expect([result.exitCode, errorOf(result)]).toMatchObject([
      3,
      { code: "UNREACHABLE", message: `The server answered 200 without JSON at ${url}.` },
    ]);
  });
});

describe("the server of server.json", () => {
  it("is sent nothing at all when its process has ended", async () => {
    const { url, heads } = await startImpostor();
    leave(url, DEAD_PID);

    const result = await list();

    expect([result.exitCode, errorOf(result)]).toEqual([
      3,
      {
        code: "UNREACHABLE",
        message: `No server runs for this project: process ${DEAD_PID} of ${join(project.folder, ".stackyard/server.json")} has ended.`,
        hint: "Start it with `stackyard dev`.",
      },
    ]);
    expect(heads).toEqual([]);
  });

  it.each([
    ["the file", {}],
    ["the environment", { STACKYARD_TOKEN: "e".repeat(43) }],
  ])("is sent no token of %s when another program holds its port", async (_, env) => {
    const { url, heads } = await startImpostor(() => JSON.stringify({ proof: "p".repeat(43), items: [] }));
    leave(url, process.pid);

    const result = await list(env);

    expect([result.exitCode, errorOf(result)]).toMatchObject([
      3,
      { code: "UNREACHABLE", message: expect.stringContaining("did not prove that it belongs to this project") },
    ]);
    expect(heads).toHaveLength(1);
    expect(heads.join()).toContain("/v1/proof?challenge=");
    expect(heads.join().toLowerCase()).not.toMatch(/authorization|t{43}|e{43}/);
  });

  it("is sent nothing when it is not on this machine, or when anybody may have written the file", async () => {
    const secret = { STACKYARD_TOKEN: "e".repeat(43) };
    leave("http://192.0.2.7:7070", process.pid);
    const far = await list(secret);
    const { url, heads } = await startImpostor();
    leave(url, process.pid);
    chmodSync(join(project.folder, ".stackyard"), 0o777);
    const open = await list(secret);

    expect([far, open].map((result) => [result.exitCode, errorOf(result).message])).toEqual([
      [3, expect.stringContaining("may be a stranger's: it is not on this machine. No token was sent.")],
      [3, expect.stringContaining("may be a stranger's: every user may write to")],
    ]);
    expect(heads).toEqual([]);
  });

  it("is not believed when another program asks the real server for the proof", async () => {
    const real = await startDev();
    const { url, heads } = await startImpostor(async (request) => (await fetch(`${real}${request.url}`)).text());
    leave(url, process.pid);

    const result = await list();

    expect([result.exitCode, errorOf(result).code]).toEqual([3, "UNREACHABLE"]);
    expect(heads).toHaveLength(1);
  });

  it("is named by its address without a token when it proves nothing, since its user chose it", async () => {
    const { url, heads } = await startImpostor(() => JSON.stringify({ items: [] }));
    leave(url, process.pid);

    const result = await list({ STACKYARD_URL: url });

    expect(result.exitCode).toBe(0);
    expect(heads.join().toLowerCase()).not.toContain("authorization");
  });

  it("is found and used when it is the project's own, with or without its address", async () => {
    const url = await startDev();

    expect((await list()).exitCode).toBe(0);
    expect((await list({ STACKYARD_URL: url })).exitCode).toBe(0);
    expect(JSON.parse(readFileSync(join(project.folder, ".stackyard/server.json"), "utf8")).url).toBe(url);
  });
});
