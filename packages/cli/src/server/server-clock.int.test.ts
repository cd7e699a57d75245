import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { type Answer, startAnswerServer } from "../testing/answer-server.ts";
import { runCli } from "../testing/run-cli.ts";
import { setServerDate } from "./server-clock.ts";

/** As of the server, months from the clock of this machine. */
const NOW = "2021-03-10T12:00:00.000Z";
const BEFORE = "2021-03-08T09:00:00.000Z";

const PROCESS = {
  id: "p1",
  roles: ["server"],
  version: "1.0.0",
  host: "blue",
  draining: false,
  gone: false,
  startedAt: BEFORE,
  seenAt: BEFORE,
  executors: [],
};
it("counts ages by the clock of the server, which is not this machine's (kubernetes/kubectl#531, vercel#951)", async () => {
  const headers = { date: new Date(NOW).toUTCString() };
  const server = await startAnswerServer((): Answer => ({ json: { items: [PROCESS] }, headers }));
  onTestFinished(server.stop);
  onTestFinished(() => setServerDate(new Date().toUTCString()));

  const { stdout } = await runCli(["ps", "--url", server.url, "--token", "t".repeat(32)]);

  expect(stdout).toContain("2d 3h ago");
});

it("has no other clock for what the server reports", () => {
  const commands = join(import.meta.dirname, "../commands");
  const files = globSync("*.ts", { cwd: commands }).filter((file) => !file.includes(".test."));

  const others = files.filter((file) =>
    /\bnow(:| =) (Date|systemClock)\.now\(\)/.test(readFileSync(join(commands, file), "utf8")),
  );

  // The files of this machine: its logins, and a store that it opens itself.
  expect(others.toSorted()).toEqual(["migrate-from.ts", "reseal.ts", "sessions.ts"]);
});
