import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Plugin, StackyardConfig } from "@stackyard/core";
import { formatVariableTable } from "@stackyard/core/environment";
import { parseMachine } from "@stackyard/core/machine";
import { beforeAll, describe, expect, it } from "vitest";
import { LambdaOptions } from "./definition.ts";
import plugin from "./index.ts";
import { aContext } from "./testing/a-context.ts";

const python = spawnSync("python3", ["--version"]).status === 0;
const folder = join(import.meta.dirname, "..");
const projectDir = join(folder, "temp/readme");
const readme = readFileSync(join(folder, "README.md"), "utf8");

/** The README's files, as a reader would save them. */
beforeAll(() => {
  for (const [, content = "", path = ""] of readme.matchAll(/```\w+\n((?:\/\/|#) file: (\S+)\n[\s\S]*?)```/g)) {
    const file = join(projectDir, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
});

async function call(name: string, args: object) {
  const { default: config }: { default: StackyardConfig } = await import(join(projectDir, "stackyard.config.ts"));
  const context = { projectDir, dataDir: projectDir, environment: process.env, readSecret: async () => "" };
  const [executor] = (plugin as Plugin).executors(config.executors?.["lambda"], context);
  const ctx = aContext();
  return { step: await executor?.start(ctx, { name, args } as never), lines: ctx.reports };
}

describe("the README", () => {
  it("configures a TypeScript function that works", async () => {
    const { step, lines } = await call("make-db", { engine: "pg" });

    expect(step).toEqual({ kind: "succeeded", outputs: { url: "pg://localhost/pr-12" } });
    expect(lines).toEqual([expect.stringMatching(/^Making a pg database, \d+ ms left$/)]);
  });

  it("shows a machine without a fault", () => {
    const source = readFileSync(join(projectDir, "machines/review-app.yml"), "utf8");

    expect(parseMachine(source, { name: "review-app", strict: true }).problems).toEqual([]);
  });

  it.skipIf(!python)("configures a Python function that works (skipped without python3)", async () => {
    const { step, lines } = await call("roll-out", {});

    expect(step).toEqual({ kind: "succeeded", outputs: { stage: "dev" } });
    expect(lines).toEqual(["Rolling out pr-12 for 01234567-89ab-cdef-0123-456789abcdef"]);
  });

  it("configures a command that works", async () => {
    const { step, lines } = await call("lint", {});

    expect(step).toEqual({ kind: "succeeded", outputs: { findings: 0 } });
    expect(lines).toEqual(["nothing to complain about"]);
  });

  it("lists the options as their schema describes them", () => {
    expect(readme).toContain(formatVariableTable(LambdaOptions, "option"));
  });

  it("lists every failure of the sources, with its flag", () => {
    const sources = readdirSync(import.meta.dirname)
      .filter((file) => /(?<!\.test)\.ts$/.test(file))
      .map((file) => readFileSync(join(import.meta.dirname, file), "utf8"));
    const codes = sources.flatMap((text) => [...text.matchAll(/"(LAMBDA_[A-Z_]+)"/g)].map((match) => match[1]));
    const flags = sources.flatMap((text) =>
      [...text.matchAll(/code: "(LAMBDA_[A-Z_]+)"[^}]*?retryable: (true|false)/g)].map(([, code, flag]) => [
        code,
        flag,
      ]),
    );
    const rows = [...readme.matchAll(/^\| `(LAMBDA_[A-Z_]+)` \| (yes|no) \|/gm)];

    expect(rows.map((row) => row[1]).sort()).toEqual([...new Set(codes)].sort());
    for (const [, code, told] of rows) {
      const real = flags.filter(([other]) => other === code).map(([, flag]) => (flag === "true" ? "yes" : "no"));
      expect([code, ...new Set(real.length === 0 ? [told] : real)]).toEqual([code, told]);
    }
  });
});
